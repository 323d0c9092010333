#pragma once

#include "runtime/backup/vault.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace overwatch::backup {

/// Sizes of chunks. Part of the format only in so far as other sizes find fewer chunks that are there already.
inline constexpr size_t min_chunk_bytes = 256 << 10;
inline constexpr size_t usual_chunk_bytes = 1 << 20;
inline constexpr size_t max_chunk_bytes = 4 << 20;

/// Cuts a stream where its content says so (FastCDC: a gear hash, and a mask that gets easier beyond the usual size),
/// so that a byte that is inserted changes a chunk or two and not all that follow.
class chunker {
public:
  using on_chunk = std::function<void(std::string_view)>;

  explicit chunker(const gear_table& gear);

  /// Calls `out` for each chunk that is complete.
  void add(std::string_view bytes, const on_chunk& out);

  /// The end of the stream: the next byte begins another one.
  void finish(const on_chunk& out);

private:
  bool find_end();

  const gear_table& gear_;
  std::string buffer_;
  size_t at_ = min_chunk_bytes; // what was looked at, of the current chunk
  uint64_t hash_ = 0;
};

} // namespace overwatch::backup
