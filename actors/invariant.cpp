#include "actors/invariant.hpp"

#include <cstdio>
#include <cstdlib>

namespace overwatch {

void broken_invariant(std::string_view what, const char* file, int line) {
  std::fprintf(stderr,
               "overwatch: broken invariant: %.*s (%s:%d). Stopping, so that nothing gets lost; please report this.\n",
               static_cast<int>(what.size()), what.data(), file, line);
  std::abort();
}

} // namespace overwatch
