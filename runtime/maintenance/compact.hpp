#pragma once

#include "runtime/maintenance/action.hpp"
#include "runtime/storage/rocks_store.hpp"

namespace overwatch::maintenance {

/// Compacts the node's store; a dry run tells its size. Throws `stopped`.
void compact_store(rocks_store* store, const action_environment& environment, action_result& result);

} // namespace overwatch::maintenance
