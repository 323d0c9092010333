#pragma once

#include "messages/error_code.hpp"
#include "messages/time.hpp"

#include <caf/expected.hpp>

#include <string>

namespace overwatch {

/// An IP address of `host` at which something accepts connections on `port`, or an error that says why there is none.
/// Blocks: `limit` for each address, and as long as the system's resolver takes.
caf::expected<std::string> probe_tcp(const std::string& host, uint16_t port, milliseconds limit);

} // namespace overwatch
