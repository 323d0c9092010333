#pragma once

#include "actors/handler.hpp"
#include "config/settings.hpp"

namespace overwatch {

class rocks_store;

/// Registers `data_backup`; copies from `config` what it needs. `store`, the node's own, outlives the registry; without
/// one a backup of it is refused.
void add_backup_handler(handler_registry& registry, const settings& config, rocks_store* store = nullptr);

/// One attempt. Its result is JSON; the fields are in the README of this folder.
outcome run_data_backup(const attempt_context& ctx, const settings& config);

} // namespace overwatch
