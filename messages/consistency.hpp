#pragma once

#include <cstdint>

namespace overwatch {

/// What a read promises.
enum class consistency : uint8_t {
  current, ///< not older than anything that was acknowledged before; needs the partition's leader and a majority
  local,   ///< what the asked node has applied so far: always at hand, perhaps old
};

} // namespace overwatch
