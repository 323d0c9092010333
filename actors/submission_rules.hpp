#pragma once

#include "messages/requests.hpp"

#include <set>
#include <string>
#include <vector>

namespace overwatch {

/// What is wrong with a task that a client wants to submit; the first fault found, with its field. `types`
/// are the task types that are known here.
failure check_submission(const submission& x, const std::set<std::string>& types);

/// The same for its snapshot scope: paths must be absolute, without `.` and `..`, and lie under one of `roots`. Links
/// are looked at when it is captured.
failure check_scope(const snapshot_scope& x, const std::vector<std::string>& roots);

} // namespace overwatch
