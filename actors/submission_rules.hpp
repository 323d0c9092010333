#pragma once

#include "messages/requests.hpp"

#include <set>
#include <string>

namespace overwatch {

/// What is wrong with a task that a client wants to submit; the first fault found, with its field. `types`
/// are the task types that are known here.
failure check_submission(const submission& x, const std::set<std::string>& types);

} // namespace overwatch
