#include "runtime/cli/command.hpp"

#include "config/checks.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <memory>
#include <ostream>

/// `overwatch maintenance ...`
namespace overwatch::cli {

namespace {

namespace json = boost::json;

constexpr const char* longest_run = "1d"; // the compaction of a large store takes its time

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
  const json::object task{{"name", options.dry_run ? "Maintenance, dry run" : "Maintenance"},
                          {"task_type", "maintenance"},
                          {"timeout", longest_run},
                          {"payload", payload}};
  const auto client = context.client();
  auto reply = client.request("POST", "/tasks", json::serialize(task));
  const auto id = text_of(content_of(reply), "id");
  if (options.detach) {
    if (context.options.json)
      context.print_raw(reply.body);
    else
      context.console.out << "task " << printable(id) << '\n';
    return exit_code::good;
  }
  reply = follow_task(context, client, id, std::nullopt);
  const auto ended = content_of(reply);
  if (context.options.json)
    context.print_raw(reply.body);
  else
    print_task(context.console, ended);
  return outcome_of(ended);
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
