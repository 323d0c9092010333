#pragma once

#include "runtime/backup/chunk_writer.hpp"
#include "runtime/backup/chunker.hpp"
#include "runtime/backup/entry.hpp"

namespace overwatch::backup {

/// Turns the content of files into chunks. One buffer for all of them. One thread.
class content_reader {
public:
  /// Called with the bytes of each block that was read.
  using on_bytes = std::function<void(uint64_t)>;

  content_reader(chunk_writer& chunks, const gear_table& gear, const stop_check& stop, on_bytes read);

  /// Stores at most `size` bytes of an open file and returns its pieces. Holes are not read. Throws
  /// `source_unreadable`.
  std::vector<piece> read(int file, uint64_t size, const std::string& path);

  /// The same for content that comes by itself: any number of `add`, then `finish`.
  void add(std::string_view bytes);
  std::vector<piece> finish();

private:
  void read_range(int file, uint64_t from, uint64_t to, const std::string& path, bool& ended);

  chunk_writer& chunks_;
  const stop_check& stop_;
  on_bytes read_;
  chunker chunker_;
  chunker::on_chunk put_;
  std::vector<piece> pieces_;
  std::string buffer_;
};

/// Holes of this size and above are kept as such; smaller ones are read as the zeros that they are.
inline constexpr uint64_t min_hole_bytes = 256 << 10;

} // namespace overwatch::backup
