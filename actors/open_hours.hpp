#pragma once

#include "actors/time_zone.hpp"
#include "messages/gate.hpp"

#include <optional>
#include <vector>

namespace overwatch {

/// Does the wall clock of `zone` show a time that is in one of the windows? A window whose ends are equal goes from
/// there for 24 hours. What clocks show twice in autumn is open twice, what they jump over in spring does not come.
bool is_open(const std::vector<time_window>& windows, const time_zone& zone, timestamp now);

/// When that changes next after `now`; nothing when it never does.
std::optional<timestamp> next_change(const std::vector<time_window>& windows, const time_zone& zone, timestamp now);

} // namespace overwatch
