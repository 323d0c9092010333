#pragma once

#include "messages/requests.hpp"

#include <caf/expected.hpp>

#include <string>

namespace overwatch {

/// Reads a task document as POST /tasks does. `invalid` when something is wrong: names the first field as a JSON pointer.
caf::expected<submission> task_of_json(const std::string& json);

} // namespace overwatch
