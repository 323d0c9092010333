#pragma once

#include "messages/requests.hpp"

#include <caf/expected.hpp>

#include <string>

namespace overwatch {

/// Reads a task document as POST /tasks does. When something is wrong: `invalid` with the first field that is,
/// as a JSON pointer.
caf::expected<submission> task_of_json(const std::string& json);

} // namespace overwatch
