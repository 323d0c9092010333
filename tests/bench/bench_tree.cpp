#include "tests/bench/bench_tree.hpp"

#include "tests/bench/interrupt.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

namespace overwatch::bench {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t small_bytes = 16 << 10;
constexpr uint64_t medium_bytes = 256 << 10;
constexpr uint64_t large_bytes = 32 << 20;
constexpr uint64_t files_in_a_directory = 100;

/// One part of the tree: `total` bytes in files of `each`.
void write_files(const std::string& path, uint64_t total, uint64_t each) {
  std::mt19937_64 random{each};
  std::string content(each, '\0');
  for (uint64_t i = 0; i * each < total; ++i) {
    check_interrupted();
    auto directory = path + "/" + std::to_string(i / files_in_a_directory);
    fs::create_directories(directory);
    for (size_t at = 0; at + sizeof(uint64_t) <= content.size(); at += 512) // enough that no two are alike
      reinterpret_cast<uint64_t&>(content[at]) = random();
    std::ofstream out{directory + "/" + std::to_string(i), std::ios::binary};
    out << content;
    if (!out.flush())
      throw std::runtime_error{"cannot write the tree of the benchmark"};
  }
}

} // namespace

void build_tree(const std::string& path, uint64_t bytes) {
  write_files(path + "/large", bytes / 2, std::min(large_bytes, bytes / 2));
  write_files(path + "/medium", bytes / 4, medium_bytes);
  write_files(path + "/small", bytes / 4, small_bytes);
}

void damage_tree(const std::string& path) {
  uint64_t number = 0;
  for (const auto& x : fs::recursive_directory_iterator{path + "/small"})
    if (x.is_regular_file() && ++number % 100 == 0)
      std::ofstream{x.path(), std::ios::binary | std::ios::app} << "damage";
}

void sync_disk(const std::string& path) {
  auto fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || ::syncfs(fd) != 0)
    throw std::runtime_error{"cannot sync " + path};
  ::close(fd);
}

} // namespace overwatch::bench
