#pragma once

#include "messages/rule.hpp"

#include <vector>

namespace overwatch {

/// The rules that ship, in the order in which they are judged. Each of their tasks has a unique key, so at most one
/// of a kind waits or runs.
std::vector<rule_record> default_rules();

} // namespace overwatch
