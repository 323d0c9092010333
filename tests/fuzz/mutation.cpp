#include "tests/fuzz/mutation.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<uint64_t> allocated{0};

} // namespace

// All of the program's `new` come here, those of the decoders among them.
void* operator new(std::size_t size) {
  allocated.fetch_add(size, std::memory_order_relaxed);
  if (auto* result = std::malloc(size == 0 ? 1 : size))
    return result;
  throw std::bad_alloc{};
}

void operator delete(void* x) noexcept { std::free(x); }

void operator delete(void* x, std::size_t) noexcept { std::free(x); }

namespace overwatch::fuzz {

namespace {

// As lengths: the largest that fits, one beyond 4 GB, one beyond any memory.
constexpr std::string_view lengths[] = {"\x7F", "\xFF\x7F", "\xFF\xFF\xFF\xFF\x1F",
                                        "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"};

constexpr char edges[] = {'\x00', '\x01', '\x02', '\x7F', '\x80', '\xFF'};

} // namespace

uint64_t allocated_bytes() { return allocated.load(std::memory_order_relaxed); }

std::string mutation::operator()(const std::vector<std::string>& valid) {
  auto bytes = valid[below(valid.size())];
  for (auto n = 1 + below(4); n > 0; --n)
    change(bytes, valid[below(valid.size())]);
  return bytes;
}

void mutation::change(std::string& bytes, const std::string& other) {
  if (bytes.empty())
    bytes = " ";
  auto at = below(bytes.size() + 1);
  auto some = below(std::min<uint64_t>(bytes.size() - at, 40) + 1);
  auto& here = bytes[std::min(at, bytes.size() - 1)];
  switch (below(9)) {
  case 0:
    here ^= static_cast<char>(1 << below(8));
    break;
  case 1:
    here = static_cast<char>(random_());
    break;
  case 2:
    here = edges[below(std::size(edges))];
    break;
  case 3:
    bytes.resize(at);
    break;
  case 4:
    bytes.erase(at, some);
    break;
  case 5:
    bytes.insert(at, bytes.substr(at, some));
    break;
  case 6:
    bytes.insert(at, lengths[below(std::size(lengths))]);
    break;
  case 7:
    bytes.replace(at, some, lengths[below(std::size(lengths))]);
    break;
  default:
    bytes = bytes.substr(0, at) + other.substr(below(other.size() + 1));
    break;
  }
}

} // namespace overwatch::fuzz
