#include "runtime/cli/command.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <memory>
#include <ostream>

namespace overwatch::cli {

namespace {

std::string task_path(const std::string& id) { return "/tasks/" + percent_encode(id); }

exit_code show_task(const command_context& context, const std::string& id) {
  const auto reply = context.client().request("GET", task_path(id));
  if (context.options.json)
    context.print_raw(reply.body);
  else
    print_task(context.console, content_of(reply));
  return exit_code::good;
}

exit_code show_log(const command_context& context, const std::string& id, bool follow) {
  const auto client = context.client();
  if (follow)
    return outcome_of(content_of(follow_task(context, client, id, std::nullopt)));
  const auto reply = client.request("GET", task_path(id) + "/logs");
  if (context.options.json) {
    context.print_raw(reply.body);
    return exit_code::good;
  }
  const auto content = content_of(reply);
  for (const auto& entry : list_of(content, "entries"))
    print_log_entry(context.console, entry);
  return exit_code::good;
}

exit_code show_why(const command_context& context, const std::string& id) {
  const auto reply = context.client().request("GET", task_path(id) + "/why");
  if (context.options.json) {
    context.print_raw(reply.body);
    return exit_code::good;
  }
  const auto content = content_of(reply);
  context.console.out << printable(text_of(content, "sentence")) << '\n';
  fact_list facts;
  if (const auto* data = find_field(content, "data"); data != nullptr && data->is_object())
    for (const auto& member : data->get_object())
      facts.add("  " + printable({member.key().data(), member.key().size()}), text_of(member.value()));
  facts.print(context.console);
  return exit_code::good;
}

exit_code retry_task(const command_context& context, const std::string& id) {
  const auto reply = context.client().request("POST", task_path(id) + "/retry", "{}");
  if (context.options.json)
    context.print_raw(reply.body);
  else
    context.console.out << "task " << printable(text_of(content_of(reply), "id")) << "  tries " << printable(id)
                        << " again\n";
  return exit_code::good;
}

// One request per task; goes on after a refusal, so that the others are still done, and ends with its code.
// `sentence` says what was done from the answer. With --json the answers come as one array.
template <class Sentence>
exit_code for_each_task(const command_context& context, const std::vector<std::string>& ids, const char* method,
                        const std::string& suffix, const std::string& body, Sentence sentence) {
  const auto client = context.client();
  auto worst = exit_code::good;
  std::string answers;
  for (const auto& id : ids) {
    const auto reply = client.send(method, task_path(id) + suffix, body);
    if (!reply.good()) {
      const auto failure = failure_of(reply);
      worst = std::max(worst, failure.code);
      context.console.err << "overwatch: " << printable(id) << ": " << failure.what() << '\n';
    } else if (!context.options.json) {
      context.console.out << printable(id) << "  " << sentence(reply) << '\n';
    }
    if (!reply.body.empty())
      answers += (answers.empty() ? "" : ",") + reply.body;
  }
  if (context.options.json)
    context.print_raw("[" + answers + "]");
  return worst;
}

exit_code cancel_tasks(const command_context& context, const std::vector<std::string>& ids, const std::string& reason) {
  boost::json::object body;
  if (!reason.empty())
    body["reason"] = reason;
  return for_each_task(context, ids, "POST", "/cancel", boost::json::serialize(body), [](const rest_reply& reply) {
    const auto status = text_of(content_of(reply), "status");
    return status == "cancelled" ? status : printable(status) + ", told to stop";
  });
}

exit_code delete_tasks(const command_context& context, const std::vector<std::string>& ids) {
  return for_each_task(context, ids, "DELETE", "", "", [](const rest_reply&) { return std::string{"deleted"}; });
}

CLI::App* add_one_task_command(CLI::App& app, command_context& context, const char* name, const char* meaning,
                               exit_code (*run)(const command_context&, const std::string&)) {
  auto id = std::make_shared<std::string>();
  auto* command = app.add_subcommand(name, meaning);
  command->add_option("ID", *id, "The task")->required();
  runs(command, context, [&context, id, run] { return run(context, *id); });
  return command;
}

void add_log_command(CLI::App& app, command_context& context) {
  struct log_options {
    std::string id;
    bool follow = false;
  };
  auto options = std::make_shared<log_options>();
  auto* command = app.add_subcommand("logs", "The newest lines of a task's log");
  command->add_option("ID", options->id, "The task")->required();
  command->add_flag("-f,--follow", options->follow,
                    "Print lines and progress as they come until the task ends; the exit "
                    "code is 1 when it did not complete");
  command->footer("Example:\n  overwatch logs 019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64 --follow");
  runs(command, context, [&context, options] { return show_log(context, options->id, options->follow); });
}

void add_cancel_command(CLI::App& app, command_context& context) {
  struct cancel_options {
    std::vector<std::string> ids;
    std::string reason;
  };
  auto options = std::make_shared<cancel_options>();
  auto* command = app.add_subcommand("cancel", "End unfinished tasks; running handlers are told to stop");
  command->add_option("ID", options->ids, "The tasks")->required();
  command->add_option("--reason", options->reason, "Kept with the task");
  command->footer("Example:\n  overwatch cancel $(overwatch list-tasks --status queued --json | jq -r '.[].id') "
                  "--reason \"wrong input\"");
  runs(command, context, [&context, options] { return cancel_tasks(context, options->ids, options->reason); });
}

} // namespace

void add_task_commands(CLI::App& app, command_context& context) {
  add_one_task_command(app, context, "show", "Everything about a task", show_task)
    ->footer("Example:\n  overwatch show 019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64");
  add_log_command(app, context);
  add_one_task_command(app, context, "why", "Why a task is not running: what it waits for", show_why)
    ->footer("Example:\n  overwatch why 019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64");
  add_cancel_command(app, context);
  add_one_task_command(app, context, "retry", "Submit a finished task again, as a new one", retry_task)
    ->footer("Example:\n  overwatch retry 019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64");
  auto ids = std::make_shared<std::vector<std::string>>();
  auto* remove = app.add_subcommand("delete", "Remove finished tasks with their logs");
  remove->add_option("ID", *ids, "The tasks")->required();
  remove->footer("Example:\n  overwatch delete 019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64");
  runs(remove, context, [&context, ids] { return delete_tasks(context, *ids); });
}

} // namespace overwatch::cli
