#include "runtime/backup/content_reader.hpp"

#include <unistd.h>

#include <algorithm>

namespace overwatch::backup {

namespace {

constexpr size_t block_bytes = 1 << 20;

/// Where the data at or after `at` begin and end; holes that are too small count as data.
std::pair<uint64_t, uint64_t> next_data(int file, uint64_t at, uint64_t size) {
  auto data = ::lseek(file, static_cast<off_t>(at), SEEK_DATA);
  if (data < 0 && errno == ENXIO)
    return {size, size}; // a hole up to the end
  if (data < 0)
    return {at, size}; // a file system that does not tell
  auto begin = std::min(size, static_cast<uint64_t>(data));
  auto end = begin;
  while (end < size) {
    auto hole = ::lseek(file, static_cast<off_t>(end), SEEK_HOLE);
    if (hole < 0)
      return {begin, size};
    end = std::min(size, static_cast<uint64_t>(hole));
    auto more = ::lseek(file, static_cast<off_t>(end), SEEK_DATA);
    if (more < 0 || static_cast<uint64_t>(more) >= end + min_hole_bytes || static_cast<uint64_t>(more) <= end)
      break;
    end = std::min(size, static_cast<uint64_t>(more));
  }
  return {begin, end};
}

} // namespace

content_reader::content_reader(chunk_writer& chunks, const gear_table& gear, const stop_check& stop, on_bytes read)
  : chunks_{chunks}, stop_{stop}, read_{std::move(read)}, chunker_{gear}, buffer_(block_bytes, '\0') {
  put_ = [this](std::string_view bytes) { pieces_.push_back({chunks_.put(bytes), bytes.size(), false}); };
}

std::vector<piece> content_reader::read(int file, uint64_t size, const std::string& path) {
  pieces_.clear();
  try {
    auto ended = false;
    for (uint64_t at = 0; at < size && !ended;) {
      auto [begin, end] = next_data(file, at, size);
      if (begin > at && begin - at < min_hole_bytes)
        begin = at;
      if (begin > at) {
        chunker_.finish(put_);
        pieces_.push_back({{}, begin - at, true});
      }
      read_range(file, begin, end, path, ended);
      at = end;
    }
  } catch (...) {
    chunker_.finish([](std::string_view) {}); // the next file begins anew
    throw;
  }
  return finish();
}

void content_reader::read_range(int file, uint64_t from, uint64_t to, const std::string& path, bool& ended) {
  for (auto at = from; at < to && !ended;) {
    check_stopped(stop_);
    auto got = ::pread(file, buffer_.data(), std::min<uint64_t>(buffer_.size(), to - at), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      throw source_unreadable{"cannot read '" + path + "': " + std::generic_category().message(errno)};
    ended = got == 0; // it was cut off meanwhile
    add(std::string_view{buffer_.data(), static_cast<size_t>(got)});
    at += static_cast<uint64_t>(got);
  }
}

void content_reader::add(std::string_view bytes) {
  chunker_.add(bytes, put_);
  read_(bytes.size());
}

std::vector<piece> content_reader::finish() {
  chunker_.finish(put_);
  return std::move(pieces_);
}

} // namespace overwatch::backup
