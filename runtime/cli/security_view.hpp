#pragma once

#include "runtime/cli/console.hpp"

#include <boost/json/value.hpp>

namespace overwatch::cli {

/// The result of a task of type `security_scan`: the score, the findings with how to mend them, and what was not looked
/// at. False when `result` is none: nothing was printed.
bool print_security(const console& console, const boost::json::value& result);

} // namespace overwatch::cli
