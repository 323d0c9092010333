#pragma once

#include <string_view>

namespace overwatch {

/// Ends the process with a message: something that must be true is not, and going on could lose data.
[[noreturn]] void broken_invariant(std::string_view what, const char* file, int line);

/// Checks, in release builds too, that `condition` holds; `what` says what should be true.
inline void invariant(bool condition, std::string_view what, const char* file = __builtin_FILE(),
                      int line = __builtin_LINE()) {
  if (!condition)
    broken_invariant(what, file, line);
}

} // namespace overwatch
