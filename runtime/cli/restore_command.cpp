#include "runtime/cli/command.hpp"

#include "runtime/cli/table.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>

#include <ctime>
#include <filesystem>
#include <memory>
#include <ostream>

/// `overwatch restore`: works without a node, on the machine where the backups are.
namespace overwatch::cli {

namespace {

namespace json = boost::json;

struct restore_options {
  std::string from;
  std::string data_dir;
  std::optional<uint32_t> backup;
  bool new_cluster = false;
  bool list = false;
};

std::string time_text(timestamp time) {
  const auto seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts)};
}

json::object to_json(const node_backup& x) {
  return {
    {"backup", x.id}, {"time", time_text(x.time)}, {"node", x.node}, {"bytes", x.bytes}, {"new_bytes", x.new_bytes}};
}

[[noreturn]] void fail(const failure& reason) {
  const bool refused = reason.code == ec::conflict || reason.code == ec::invalid || reason.code == ec::not_found;
  throw command_failure{refused ? exit_code::refused : exit_code::server, reason.message};
}

exit_code list_backups(const command_context& context, const std::string& from) {
  const auto backups = context.hooks.list_node_backups(from);
  if (!backups)
    fail(describe(backups.error()));
  if (context.options.json) {
    json::array all;
    for (const auto& x : *backups)
      all.push_back(to_json(x));
    context.print_raw(json::serialize(all));
    return exit_code::good;
  }
  table rows{
    {{"BACKUP", true, true}, {"TIME (UTC)", false, true}, {"SIZE", true, true}, {"STORED", true, true}, {"NODE"}}};
  for (const auto& x : *backups)
    rows.add({std::to_string(x.id), time_text(x.time), format_bytes(static_cast<double>(x.bytes)),
              format_bytes(static_cast<double>(x.new_bytes)), x.node});
  if (rows.empty())
    context.console.out << "no backups\n";
  else
    rows.print(context.console);
  return exit_code::good;
}

exit_code restore_node(const command_context& context, const restore_options& options) {
  if (options.list)
    return list_backups(context, options.from);
  if (options.data_dir.empty())
    throw command_failure{exit_code::usage, "--data-dir is needed: the empty directory that the node shall run on"};
  const auto target = std::filesystem::absolute(options.data_dir).lexically_normal().string();
  const auto restored = context.hooks.restore_node_backup(options.from, options.backup, target, options.new_cluster);
  if (!restored)
    fail(describe(restored.error()));
  if (context.options.json) {
    context.print_raw(json::serialize(to_json(*restored)));
    return exit_code::good;
  }
  context.console.out << "restored backup " << restored->id << " of node " << printable(restored->node) << ", made "
                      << time_text(restored->time) << " UTC (" << format_bytes(static_cast<double>(restored->bytes))
                      << "), every checksum held\n  overwatch start --data-dir " << printable(target) << '\n';
  if (options.new_cluster)
    context.console.out << "it is the first node of a new cluster: the others begin with empty directories\n";
  return exit_code::good;
}

} // namespace

void add_restore_command(CLI::App& app, command_context& context) {
  auto options = std::make_shared<restore_options>();
  auto* command =
    app.add_subcommand("restore", "Make a node's data directory from a backup of its store; needs no node");
  command->add_option("--from", options->from, "Directory of the backups (`overwatch backup create --node`)")
    ->type_name("DIR")
    ->required();
  command->add_option("--backup", options->backup, "Which one; default: the newest")->type_name("ID");
  command->add_option("--data-dir", options->data_dir, "Where; missing or empty")->type_name("DIR");
  command->add_flag("--new-cluster", options->new_cluster,
                    "The backup is of a node with others, and shall begin a cluster of its own");
  command->add_flag("--list", options->list, "Only say which backups there are");
  command->footer(
    "Nothing is restored over an existing directory. Files of `overwatch backup` without --node are restored with\n"
    "`overwatch backup restore`.\n"
    "One node of a cluster is not restored: it starts on an empty directory, and the others fill it. --new-cluster "
    "makes a\n"
    "new cluster of a backup, with everything that was in the old one, which it never meets.\n"
    "Examples:\n"
    "  overwatch restore --from /mnt/backup-node --list\n"
    "  overwatch restore --from /mnt/backup-node --data-dir /var/lib/overwatch\n"
    "  overwatch restore --from /mnt/backup-node --data-dir /var/lib/overwatch --new-cluster");
  runs(command, context, [&context, options] { return restore_node(context, *options); });
}

} // namespace overwatch::cli
