#pragma once

#include "actors/handler.hpp"
#include "config/settings.hpp"

#include <string_view>

namespace overwatch {

class rocks_store;

/// True for a payload of `data_backup` that is about the node's own store: `"source": "node"`.
bool is_node_backup(std::string_view payload);

/// One attempt at such a task: creates, lists, verifies or prunes backups of `store`. Restoring one is not a task: it
/// needs a node that does not run (`overwatch restore`). Its result has the fields of the other backups.
outcome run_node_backup(const attempt_context& ctx, const settings& config, rocks_store& store);

} // namespace overwatch
