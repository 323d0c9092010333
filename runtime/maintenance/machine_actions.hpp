#pragma once

#include "runtime/maintenance/action.hpp"

/// What the machine's own programs do and say. Each throws `stopped`; what a missing program or right keeps from being
/// looked at is left with that reason.
namespace overwatch::maintenance {

/// Tells the disks which blocks are free, with `fstrim`. A dry run names the file systems.
void trim(const action_environment& environment, action_result& result);

/// SMART health of every disk, with `smartctl`.
void check_disks(const action_environment& environment, action_result& result);

/// Packages that can be upgraded, as far as the lists on the machine say; nothing is fetched or installed.
void list_updates(const action_environment& environment, action_result& result);

} // namespace overwatch::maintenance
