#include "runtime/main.hpp"

#include "actors/refounding.hpp"
#include "runtime/cli/cli.hpp"
#include "runtime/node.hpp"
#include "runtime/random_seed.hpp"
#include "runtime/storage/store_backup.hpp"


namespace overwatch {

namespace {

node_backup as_shown(const store_backup& x) { return {x.id, x.time, x.node, x.bytes, x.new_bytes}; }

caf::expected<std::vector<node_backup>> list_backups(const std::string& from) {
  auto stored = list_store_backups(from);
  if (!stored)
    return stored.error();
  std::vector<node_backup> result;
  for (const auto& x : *stored)
    result.push_back(as_shown(x));
  return result;
}

caf::expected<node_backup> restore_backup(const std::string& from, std::optional<uint32_t> id,
                                          const std::string& data_directory, bool new_cluster) {
  refounding_options options;
  options.of_member = new_cluster;
  options.time = now();
  options.random = random_seed;
  auto found = [&](store& db) {
    auto made = refound(db, options);
    return made ? caf::error{} : std::move(made.error());
  };
  auto restored = restore_store_backup(from, id, data_directory, {}, found);
  if (!restored)
    return restored.error();
  return as_shown(*restored);
}

} // namespace

int run_main(int argc, char** argv, const handler_registry& own) {
  cli_hooks hooks;
  hooks.start_node = [&](const load_result& config, bool daemon) { return run_node(config, daemon, own); };
  hooks.list_node_backups = list_backups;
  hooks.restore_node_backup = restore_backup;
  return run_cli(argc, argv, hooks);
}

} // namespace overwatch
