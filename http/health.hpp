#pragma once

#include "messages/requests.hpp"

#include <string_view>

namespace overwatch::http {

/// `healthy`; `degraded`: serves, but dispatch is stopped or the disk is low; `unhealthy`: not ready.
std::string_view health_of(const node_status& status);

} // namespace overwatch::http
