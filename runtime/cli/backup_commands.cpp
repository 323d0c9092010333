#include "runtime/cli/command.hpp"

#include "runtime/cli/backup_view.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/run_task.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>

#include <filesystem>
#include <memory>
#include <ostream>

/// `overwatch backup ...`: each command is a task of type `data_backup` that is followed to its end.
namespace overwatch::cli {

namespace {

namespace json = boost::json;

struct backup_options {
  std::string destination, key_file, backup, target, on;
  std::vector<std::string> sources, excludes, paths, remove, postgresql;
  std::optional<uint32_t> level, keep_last, keep_daily, keep_weekly, keep_monthly, limit;
  bool one_file_system = false, no_sqlite = false, no_space_check = false;
  bool overwrite = false, dry_run = false, mend = false, detach = false;
  bool node = false;
};

/// The node works in another directory: what is relative here is made absolute. Patterns of names stay.
std::string absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

json::array texts(const std::vector<std::string>& all, bool paths) {
  json::array result;
  for (const auto& x : all)
    result.emplace_back(paths ? absolute(x) : x);
  return result;
}

json::object keep_of(const backup_options& options) {
  json::object result;
  const auto add = [&](const char* name, const std::optional<uint32_t>& count) {
    if (count)
      result[name] = *count;
  };
  add("last", options.keep_last);
  add("daily", options.keep_daily);
  add("weekly", options.keep_weekly);
  add("monthly", options.keep_monthly);
  return result;
}

json::object payload_of(const char* action, const backup_options& options) {
  json::object result{{"action", action}};
  if (options.node)
    result["source"] = "node";
  const auto add_path = [&](const char* name, const std::string& path) {
    if (!path.empty())
      result[name] = absolute(path);
  };
  const auto add_list = [&](const char* name, const std::vector<std::string>& all, bool paths) {
    if (!all.empty())
      result[name] = texts(all, paths);
  };
  add_path("destination", options.destination);
  add_path("key_file", options.key_file);
  add_list("sources", options.sources, true);
  add_list("exclude", options.excludes, false);
  add_list("postgresql", options.postgresql, false);
  if (options.level)
    result["level"] = *options.level;
  if (auto keep = keep_of(options); !keep.empty())
    result["keep"] = std::move(keep);
  if (!options.backup.empty())
    result["backup"] = options.backup;
  add_path("target", options.target);
  add_list("paths", options.paths, false);
  add_list("remove", options.remove, false);
  if (options.limit)
    result["limit"] = *options.limit;
  for (const auto& [name, set, value] :
       {std::tuple{"one_file_system", options.one_file_system, true}, std::tuple{"sqlite", options.no_sqlite, false},
        std::tuple{"check_space", options.no_space_check, false}, std::tuple{"overwrite", options.overwrite, true},
        std::tuple{"dry_run", options.dry_run, true}, std::tuple{"mend", options.mend, true}})
    if (set)
      result[name] = value;
  return result;
}

exit_code run_backup(const command_context& context, const char* action, const backup_options& options) {
  task_run run{"Backup: " + std::string{action}, "data_backup", payload_of(action, options), options.detach};
  run.node = options.on;
  run.quiet = std::string_view{action} == "list";
  run.print_result = [&](const json::value& result) { return print_backup(context.console, result); };
  const auto ended = run_task(context, run);
  return ended ? outcome_of(*ended) : exit_code::good;
}

struct backup_group {
  CLI::App* group;
  command_context& context;

  CLI::App* add(const char* name, const char* meaning, const std::shared_ptr<backup_options>& options) const {
    auto* command = group->add_subcommand(name, meaning);
    command
      ->add_option("--destination", options->destination, "The repository; default: backup.destination of the node")
      ->type_name("DIR");
    command->add_option("--key-file", options->key_file, "Its key, when it is encrypted")->type_name("FILE");
    command->add_flag("--node", options->node, "The node's own store instead of files; in a directory of its own");
    command->add_option("--on", options->on, "In a cluster: the node that does it, with its files and its store")
      ->type_name("NODE");
    command->add_flag("--detach", options->detach, "Return when the task is stored");
    runs(command, context, [&context = context, name, options] { return run_backup(context, name, *options); });
    return command;
  }
};

CLI::Option* add_list(CLI::App* command, const char* flag, std::vector<std::string>& place, const char* meaning,
                      const char* type) {
  return command->add_option(flag, place, meaning)->type_name(type)->expected(1)->take_all();
}

void add_keep_options(CLI::App* command, backup_options& options) {
  command->add_option("--keep-last", options.keep_last, "Keep so many of the newest backups")->type_name("N");
  command->add_option("--keep-daily", options.keep_daily, "and the newest of so many days")->type_name("N");
  command->add_option("--keep-weekly", options.keep_weekly, "and weeks")->type_name("N");
  command->add_option("--keep-monthly", options.keep_monthly, "and months")->type_name("N");
}

void add_create(const backup_group& to) {
  auto options = std::make_shared<backup_options>();
  auto* command = to.add("create", "Back up; only what changed is stored", options);
  add_list(command, "--source", options->sources, "Directory, file or glob; default: backup.sources of the node",
           "PATH");
  add_list(command, "--exclude", options->excludes, "Leave out: a name (\"*.o\", \"cache/\") or a whole path",
           "PATTERN");
  add_list(command, "--postgresql", options->postgresql, "Also dump this database", "DATABASE");
  command->add_option("--level", options->level, "Of compression (zstd)")->check(CLI::Range(1, 19));
  command->add_flag("--one-file-system", options->one_file_system, "Enter no other file systems");
  command->add_flag("--no-sqlite", options->no_sqlite, "Take SQLite databases as plain files");
  command->add_flag("--no-space-check", options->no_space_check, "Begin although it may not fit");
  add_keep_options(command, *options);
  command->footer("Examples:\n"
                  "  overwatch backup create --source /etc --source '/srv/*/data' --destination /mnt/backup \\\n"
                  "    --keep-daily 7 --keep-weekly 4\n"
                  "  overwatch backup create            (what the node's configuration names)");
}

void add_list_command(const backup_group& to) {
  auto options = std::make_shared<backup_options>();
  auto* command = to.add("list", "The backups, or what is in one", options);
  command->add_option("BACKUP", options->backup, "Id, or latest: list its files");
  add_list(command, "--path", options->paths, "Only this path or pattern", "PATTERN");
  command->add_option("--limit", options->limit, "So many lines at most")->check(CLI::Range(1, 1000));
  command->footer("Examples:\n  overwatch backup list --destination /mnt/backup\n"
                  "  overwatch backup list latest --path /etc/ssh");
}

void add_verify(const backup_group& to) {
  auto options = std::make_shared<backup_options>();
  auto* command = to.add("verify", "Read everything back; the exit code is 1 when something is damaged", options);
  command->add_flag("--mend", options->mend,
                    "Save what is whole of damaged packs, so that the next backup fills the gaps");
  command->footer("Example:\n  overwatch backup verify --destination /mnt/backup");
}

void add_restore(const backup_group& to) {
  auto options = std::make_shared<backup_options>();
  auto* command = to.add("restore", "Restore everything or a part", options);
  command->add_option("BACKUP", options->backup, "Id; default: the latest");
  command->add_option("--target", options->target, "Directory: /etc/hosts comes to TARGET/etc/hosts")
    ->type_name("DIR")
    ->required();
  add_list(command, "--path", options->paths, "Only this path or pattern, with all below", "PATTERN");
  command->add_flag("--overwrite", options->overwrite, "Replace files that stand there; otherwise they are kept");
  command->footer("Examples:\n  overwatch backup restore --target /tmp/look --path /etc/ssh\n"
                  "  overwatch backup restore 20261122T093015.250Z-1f3a --target / --overwrite");
}

void add_prune(const backup_group& to) {
  auto options = std::make_shared<backup_options>();
  auto* command = to.add("prune", "Remove backups by rules, and what no backup needs", options);
  add_keep_options(command, *options);
  add_list(command, "--remove", options->remove, "This backup in any case", "BACKUP");
  command->add_flag("--dry-run", options->dry_run, "Only say what would be done");
  command->footer("The rules hold for each host and list of sources by itself. Without one no backup is removed.\n"
                  "Example:\n  overwatch backup prune --keep-last 3 --keep-monthly 12 --dry-run");
}

} // namespace

void add_backup_commands(CLI::App& app, command_context& context) {
  auto* group = add_group(app, context, "backup", "Back up files and databases; alone: lists the backups",
                          [&context] { return run_backup(context, "list", {}); });
  const backup_group to{group, context};
  add_create(to);
  add_list_command(to);
  add_verify(to);
  add_restore(to);
  add_prune(to);
}

} // namespace overwatch::cli
