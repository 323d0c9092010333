#pragma once

#include <caf/error.hpp>

#include <cstdint>
#include <string>

namespace overwatch::http {

/// After a server could not listen: tries it again and says why, as `ec::conflict` for a taken port and
/// `ec::invalid` for an address that is none of ours or a port that needs rights. `reason` is what the server said.
caf::error why_not_listening(const std::string& address, uint16_t port, const std::string& reason);

/// Connects and hangs up.
void connect_once(const std::string& address, uint16_t port);

} // namespace overwatch::http
