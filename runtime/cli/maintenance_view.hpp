#pragma once

#include "runtime/cli/console.hpp"

#include <boost/json/value.hpp>

namespace overwatch::cli {

/// The result of a task of type `maintenance`: a line for each action, what was left and why. False when `result` is
/// none: nothing was printed.
bool print_maintenance(const console& console, const boost::json::value& result);

} // namespace overwatch::cli
