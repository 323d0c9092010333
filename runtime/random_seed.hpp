#pragma once

#include <cstdint>
#include <random>

namespace overwatch {

/// Any 64 bits, from the machine's source of chance: for what must differ from node to node and from start to start.
inline uint64_t random_seed() {
  std::random_device device;
  return static_cast<uint64_t>(device()) << 32 | device();
}

} // namespace overwatch
