#include "runtime/backup/chunker.hpp"

#include <algorithm>

namespace overwatch::backup {

namespace {

// The highest bits of the hash depend on the last 64 bytes. Two bits more before the usual size and two less after it
// than its logarithm (20): sizes gather around it.
constexpr uint64_t hard_mask = ~uint64_t{0} << (64 - 22);
constexpr uint64_t easy_mask = ~uint64_t{0} << (64 - 18);

} // namespace

chunker::chunker(const gear_table& gear) : gear_{gear} { buffer_.reserve(max_chunk_bytes); }

/// True when the chunk ends at `at_`.
bool chunker::find_end() {
  const auto* bytes = reinterpret_cast<const uint8_t*>(buffer_.data());
  auto hash = hash_;
  auto at = at_;
  auto found = false;
  const auto cut = [&](size_t end, uint64_t mask) {
    while (at < end && !found) {
      hash = (hash << 1) + gear_[bytes[at++]];
      found = (hash & mask) == 0;
    }
  };
  cut(std::min(buffer_.size(), usual_chunk_bytes), hard_mask);
  cut(std::min(buffer_.size(), max_chunk_bytes), easy_mask);
  hash_ = hash;
  at_ = at;
  return found || at == max_chunk_bytes;
}

void chunker::add(std::string_view bytes, const on_chunk& out) {
  while (!bytes.empty()) {
    auto taken = std::min(bytes.size(), max_chunk_bytes - buffer_.size());
    buffer_.append(bytes.data(), taken);
    bytes.remove_prefix(taken);
    while (buffer_.size() > min_chunk_bytes && find_end()) {
      out(std::string_view{buffer_}.substr(0, at_));
      buffer_.erase(0, at_);
      at_ = min_chunk_bytes;
      hash_ = 0;
    }
  }
}

void chunker::finish(const on_chunk& out) {
  if (!buffer_.empty())
    out(buffer_);
  buffer_.clear();
  at_ = min_chunk_bytes;
  hash_ = 0;
}

} // namespace overwatch::backup
