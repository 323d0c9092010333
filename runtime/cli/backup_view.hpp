#pragma once

#include "runtime/cli/console.hpp"

#include <boost/json/value.hpp>

namespace overwatch::cli {

/// The result of a task of type `data_backup` as tables: what was made, found, checked, restored or removed, and what
/// did not go well. False when `result` is none.
bool print_backup(const console& console, const boost::json::value& result);

} // namespace overwatch::cli
