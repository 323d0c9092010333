#include "runtime/cli/command.hpp"

#include "messages/task.hpp"
#include "runtime/cli/arguments.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/text.hpp"

#include <memory>
#include <ostream>

namespace overwatch::cli {

namespace {

constexpr uint32_t most_per_request = 1000; // the node's own limit

struct list_options {
  uint32_t limit = 20;
  std::vector<std::string> statuses, types, priorities, tags, assigned_to, subsystems, context;
  std::string origin, origin_id, workflow, from, to, text, cursor;
};

std::string joined(const std::vector<std::string>& texts) {
  std::string result;
  for (const auto& text : texts)
    result += (result.empty() ? "" : ",") + percent_encode(text);
  return result;
}

std::string past_time_text(const std::string& text, const char* flag) {
  if (!text.empty() && text.front() == '-') {
    if (const auto ago = parse_duration(std::string_view{text}.substr(1)))
      return format_time(now() - *ago);
    throw command_failure{exit_code::usage, std::string{flag} + ": '" + printable(text) +
                                              "' is no time such as "
                                              "2026-11-22T08:00:00Z, and no age such as -1h"};
  }
  return text;
}

std::string query_of(const list_options& options) {
  std::string result = "?limit=" + std::to_string(options.limit);
  const auto add = [&](const char* name, const std::string& encoded) {
    if (!encoded.empty())
      result += std::string{"&"} + name + "=" + encoded;
  };
  add("status", joined(options.statuses));
  add("task_type", joined(options.types));
  add("priority", joined(options.priorities));
  add("tags", joined(options.tags));
  add("assigned_to", joined(options.assigned_to));
  add("subsystem", joined(options.subsystems));
  for (const auto& text : options.context) {
    const auto pair = parse_pair(text);
    if (!pair)
      throw command_failure{exit_code::usage, "--context: '" + printable(text) + "' is not KEY=VALUE"};
    add(("context." + percent_encode(pair->first)).c_str(), percent_encode(pair->second));
  }
  add("origin", options.origin);
  add("origin_id", percent_encode(options.origin_id));
  add("workflow", percent_encode(options.workflow));
  add("created_from", percent_encode(past_time_text(options.from, "--from")));
  add("created_to", percent_encode(past_time_text(options.to, "--to")));
  add("q", percent_encode(options.text));
  add("cursor", percent_encode(options.cursor));
  return result;
}

exit_code list_tasks(const command_context& context, const list_options& options) {
  const auto reply = context.client().request("GET", "/tasks" + query_of(options));
  if (context.options.json) {
    context.print_raw(reply.body);
    return exit_code::good;
  }
  const auto content = content_of(reply);
  print_tasks(context.console, list_of(content, "tasks"), now());
  if (reply.headers.count("overwatch-cut-short") > 0)
    context.console.err << "the node searched for too long and stopped before the limit\n";
  if (const auto next = reply.headers.find("overwatch-next-cursor"); next != reply.headers.end())
    context.console.err << "more: --cursor " << printable(next->second) << '\n';
  return exit_code::good;
}

} // namespace

void add_list_command(CLI::App& app, command_context& context) {
  auto options = std::make_shared<list_options>();
  auto* command = app.add_subcommand("list-tasks", "Tasks, newest first");
  const auto list = [&](const char* flag, std::vector<std::string>& place, const char* meaning) {
    return command->add_option(flag, place, meaning)->expected(1)->take_all()->delimiter(',');
  };
  command->add_option("--limit", options->limit, "At most so many")
    ->check(CLI::Range(1U, most_per_request))
    ->capture_default_str();
  list("--status", options->statuses, "In one of these states")->check(CLI::IsMember(texts_of(task_status_names)));
  list("--type", options->types, "Of one of these types");
  list("--priority", options->priorities, "With one of these priorities")
    ->check(CLI::IsMember(texts_of(priority_names)));
  list("--tag", options->tags, "With any of these tags");
  list("--assigned-to", options->assigned_to, "Assigned to one of these");
  list("--subsystem", options->subsystems, "Of one of these subsystems");
  command->add_option("--context", options->context, "With this value in its context; all that are given must match")
    ->type_name("KEY=VALUE")
    ->expected(1)
    ->take_all();
  command->add_option("--origin", options->origin, "Made by this")->check(CLI::IsMember(texts_of(origin_kind_names)));
  command->add_option("--origin-id", options->origin_id, "Made by the rule, schedule, alert or task with this id");
  command->add_option("--workflow", options->workflow, "Of the workflow with this id")->type_name("ID");
  command->add_option("--from", options->from, "Created at this time or later; -1h counts back from now")
    ->type_name("TIME|-DURATION");
  command->add_option("--to", options->to, "Created before this time")->type_name("TIME|-DURATION");
  command->add_option("--text", options->text, "With this in the name, in any case");
  command->add_option("--cursor", options->cursor, "Go on where the last list ended");
  command->footer("Values of one filter by comma or by repeating it: any may match. Different filters must all match.\n"
                  "Examples:\n"
                  "  overwatch list-tasks --status failed,cancelled --from=-1h\n"
                  "  overwatch list-tasks --tag nightly --context user_id=17 --json | jq -r '.[].id'");
  runs(command, context, [&context, options] { return list_tasks(context, *options); });
}

} // namespace overwatch::cli
