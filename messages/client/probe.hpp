#pragma once

#include "messages/time.hpp"

#include <string>

namespace overwatch {

/// Whether something listens at a TCP port. Blocks for at most `limit` and the time that the resolution of the name
/// takes.
bool can_connect(const std::string& host, uint16_t port, milliseconds limit);

} // namespace overwatch
