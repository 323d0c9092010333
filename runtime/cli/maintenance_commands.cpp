#include "runtime/cli/command.hpp"

#include "config/checks.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/maintenance_view.hpp"
#include "runtime/cli/run_task.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <memory>
#include <ostream>

/// `overwatch maintenance ...`
namespace overwatch::cli {

namespace {

namespace json = boost::json;

struct run_options {
  std::vector<std::string> actions;
  bool dry_run = false;
  bool detach = false;
};

exit_code run_maintenance(const command_context& context, const run_options& options) {
  json::object payload;
  if (options.dry_run)
    payload["dry_run"] = true;
  if (!options.actions.empty())
    payload["actions"] = json::array(options.actions.begin(), options.actions.end());
  task_run run{options.dry_run ? "Maintenance, dry run" : "Maintenance", "maintenance", payload, options.detach};
  run.print_result = [&](const json::value& result) { return print_maintenance(context.console, result); };
  const auto ended = run_task(context, run);
  return ended ? outcome_of(*ended) : exit_code::good;
}

} // namespace

void add_maintenance_commands(CLI::App& app, command_context& context) {
  auto* group =
    app.add_subcommand("maintenance", "Clean up, rotate logs, compact the store, look at disks and updates");
  group->require_subcommand(1);
  auto options = std::make_shared<run_options>();
  auto* command = group->add_subcommand("run", "Submit a maintenance task and follow it to its end");
  command->add_flag("--dry-run", options->dry_run, "Change nothing, say what would be done");
  command
    ->add_option("--action", options->actions,
                 "Only this; may be given several times. One of " + maintenance_action_list())
    ->check(CLI::IsMember(std::vector<std::string>(maintenance_actions.begin(), maintenance_actions.end())))
    ->type_name("ACTION")
    ->expected(1)
    ->take_all();
  command->add_flag("--detach", options->detach, "Return when the task is stored");
  command->footer(
    "What is cleaned up and rotated stands in the node's configuration: maintenance.cleanup, .rotate, .roots.\n"
    "Examples:\n"
    "  overwatch maintenance run --dry-run\n"
    "  overwatch maintenance run --action cleanup --action rotate_logs");
  runs(command, context, [&context, options] { return run_maintenance(context, *options); });
}

} // namespace overwatch::cli
