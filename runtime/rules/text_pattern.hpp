#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

/// Patterns of Lua (reference manual, 6.4.1), with a bound on the work. Lua's own matcher runs in C, where no limit
/// reaches it, and needs exponential time for some patterns.
namespace overwatch {

/// A part of the subject; of a position capture only `begin` counts.
struct pattern_capture {
  size_t begin = 0; ///< from 0
  size_t size = 0;
  bool position = false;
};

struct pattern_match {
  enum class status : uint8_t { found, none, malformed, too_costly };

  status how = status::none;
  size_t begin = 0;
  size_t end = 0; ///< behind the last byte
  std::vector<pattern_capture> captures;
  const char* fault = ""; ///< of `malformed`
  uint64_t steps = 0;     ///< that it took
};

/// The first match of `pattern` in `subject` that begins at `from` or behind. A `^` at its start is an anchor only when
/// `anchors`. Gives up after `max_steps`.
pattern_match find_pattern(std::string_view subject, std::string_view pattern, size_t from, bool anchors,
                           uint64_t max_steps);

} // namespace overwatch
