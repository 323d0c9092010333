#include "runtime/cli/command.hpp"

#include "runtime/cli/arguments.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/task_options.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <cstdlib>
#include <memory>
#include <ostream>

namespace overwatch::cli {

namespace {

namespace json = boost::json;

struct create_options {
  task_options task;
  std::string wait;
  bool follow = false;
};

// A named command finds the id of its task in its environment: what it creates is that task's child.
void add_origin(json::object& task) {
  const char* parent = std::getenv("OVERWATCH_TASK_ID");
  if (parent != nullptr && *parent != '\0')
    task["origin"] = json::object{{"kind", "task"}, {"id", parent}};
}

exit_code create_task(const command_context& context, const create_options& options, bool wait) {
  auto task = task_of(options.task, context.console.in);
  add_origin(task);
  std::optional<milliseconds> limit;
  if (!options.wait.empty())
    limit = milliseconds{static_cast<int64_t>(seconds_of(options.wait, "--wait") * 1000)};
  const auto client = context.client();
  auto reply = client.request("POST", "/tasks", json::serialize(task));
  const auto created = content_of(reply);
  const auto id = text_of(created, "id");
  if (!context.options.json)
    context.console.out << "task " << paint(context.console, colour::bold, printable(id)) << "  "
                        << printable(text_of(created, "status"))
                        << (reply.headers.count("overwatch-existing") > 0 ? "  (it holds this unique key)" : "") << '\n'
                        << std::flush;
  if (!wait && !options.follow) {
    if (context.options.json)
      context.print_raw(reply.body);
    return exit_code::good;
  }
  reply = options.follow ? follow_task(context, client, id, limit) : wait_for_task(client, id, limit);
  const auto ended = content_of(reply);
  if (context.options.json)
    context.print_raw(reply.body);
  else
    print_task(context.console, ended);
  if (!is_ended(ended))
    throw command_failure{exit_code::server, "the task has not ended in time and goes on; `overwatch why " +
                                               printable(id) + "` says what it waits for"};
  return outcome_of(ended);
}

} // namespace

void add_create_command(CLI::App& app, command_context& context) {
  auto options = std::make_shared<create_options>();
  auto* command = app.add_subcommand("create-task", "Submit a task; it is on disk when this returns");
  command->add_option("NAME", options->task.name, "What people call it")->required();
  add_single_task_options(command, options->task);
  add_task_options(command, options->task);
  auto* wait = command
                 ->add_option("--wait", options->wait,
                              "Wait for its end, at most this long when given; the exit "
                              "code is 1 when it did not complete")
                 ->type_name("[DURATION]")
                 ->expected(0, 1);
  command->add_flag("--follow", options->follow, "Print its log and progress as they come, then the result");
  command->footer("In a named command (OVERWATCH_TASK_ID is set) the new task names that task as its origin.\n"
                  "Examples:\n"
                  "  overwatch create-task \"Check this machine\" --type system_health --priority high --wait\n"
                  "  overwatch create-task resize --payload '{\"command\": \"resize\"}' --at +5m --max-attempts 3 \\\n"
                  "    --backoff exponential:2s:5m\n"
                  "  overwatch create-task release --gate deploy --on-closed-gate wait --snapshot-file /srv/site \\\n"
                  "    --keep-snapshot 1d --payload '{\"command\": \"release\"}'\n"
                  "  jq -c .order order.json | overwatch create-task order --payload - --unique-key order-17 --json");
  runs(command, context, [&context, options, wait] { return create_task(context, *options, wait->count() > 0); });
}

} // namespace overwatch::cli
