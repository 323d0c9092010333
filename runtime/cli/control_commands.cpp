#include "runtime/cli/command.hpp"

#include "runtime/cli/account.hpp"
#include "runtime/cli/arguments.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <memory>
#include <ostream>

/// Commands that steer one task: approve, rollback, snapshot, patch.
namespace overwatch::cli {

namespace {

namespace json = boost::json;

constexpr std::chrono::minutes longest_rollback{10}; // the node answers when all is put back

std::string task_path(const std::string& id) { return "/tasks/" + percent_encode(id); }

struct approve_options {
  std::string id, gate;
  account who;
};

exit_code approve_task(const command_context& context, const approve_options& options) {
  auto body = body_of(options.who);
  if (!options.gate.empty())
    body["gate"] = options.gate;
  const auto reply = context.client().request("POST", task_path(options.id) + "/approve", json::serialize(body));
  return answer(context, reply, [&](const json::value& task) {
    const auto& approvals = list_of(task, "approvals");
    const auto gate = approvals.empty() ? options.gate : text_of(approvals.back(), "gate");
    const auto waits_for = text_of(task, "waits_for");
    context.console.out << printable(options.id) << "  approved for gate " << printable(gate) << ", "
                        << printable(text_of(task, "status"))
                        << (waits_for.empty() ? "" : ", waits for " + printable(waits_for)) << '\n';
  });
}

struct rollback_options {
  std::string id;
  account who;
};

// The exit code is `failed` unless all was put back.
exit_code roll_back_task(const command_context& context, const rollback_options& options) {
  const auto body = json::serialize(body_of(options.who));
  const auto reply = context.client().request("POST", task_path(options.id) + "/rollback", body, longest_rollback);
  const auto task = content_of(reply);
  const auto state = text_of(task, "rollback");
  answer(context, reply, [&](const json::value&) {
    const auto message = text_of(task, "rollback_message");
    context.console.out << printable(options.id) << "  "
                        << (state == "done"     ? "rolled back"
                            : state == "failed" ? "could not be rolled back"
                                                : "rollback " + printable(state))
                        << (message.empty() ? "" : ": " + printable(message)) << '\n';
  });
  return state == "done" ? exit_code::good : exit_code::failed;
}

void print_captured(const console& console, const json::value& snapshot) {
  table files{{{"PATH"}, {"KIND", false, true}, {"SIZE", true, true}, {"MODE", true, true}}};
  for (const auto& file : list_of(snapshot, "files")) {
    const auto kind = text_of(file, "kind");
    const bool has_size = kind == "file";
    files.add({text_of(file, "path"), kind, has_size ? format_bytes(number_of(file, "bytes").value_or(0)) : "",
               kind == "absent" ? "" : text_of(file, "mode")});
  }
  if (!files.empty())
    files.print(console);
  table keys{{{"KEY"}, {"VERSION", true, true}, {"SIZE", true, true}}};
  for (const auto& key : list_of(snapshot, "keys"))
    keys.add({text_of(key, "key"), text_of(key, "version"), format_bytes(number_of(key, "bytes").value_or(0))});
  if (!keys.empty())
    keys.print(console);
  if (is_true(snapshot, "truncated"))
    console.err << "the lists are not complete; the snapshot is\n";
}

exit_code show_snapshot(const command_context& context, const std::string& id) {
  const auto reply = context.client().request("GET", task_path(id) + "/snapshot");
  return answer(context, reply, [&](const json::value& snapshot) {
    fact_list facts;
    facts.add("task", text_of(snapshot, "id"));
    facts.add("attempt", text_of(snapshot, "attempt"));
    facts.add("kept", is_true(snapshot, "stored") ? "yes" : "no, it is not needed any more");
    facts.add("kept until", short_time(text_of(snapshot, "kept_until")));
    facts.add("files", format_count(count_of(snapshot, "entries")) + ", " +
                         format_bytes(number_of(snapshot, "bytes").value_or(0)));
    facts.add("keys", format_count(list_of(snapshot, "keys").size()));
    facts.add("handler", is_true(snapshot, "handler_state") ? "its own hook captured something" : "");
    facts.print(context.console);
    print_captured(context.console, snapshot);
  });
}

struct patch_options {
  std::string id, priority, at, deadline;
  std::vector<std::string> tags;
  bool no_tags = false;
};

json::object body_of(const patch_options& options) {
  json::object body;
  if (!options.priority.empty())
    body["priority"] = priority_value(options.priority);
  if (options.at == "now")
    body["scheduled_at"] = nullptr;
  else if (!options.at.empty())
    body["scheduled_at"] = time_text(options.at, "--at");
  if (options.deadline == "none")
    body["deadline"] = nullptr;
  else if (!options.deadline.empty())
    body["deadline"] = time_text(options.deadline, "--deadline");
  if (!options.tags.empty() || options.no_tags)
    body["tags"] = to_array(options.tags);
  if (body.empty())
    throw usage_failure("nothing to change: name --priority, --at, --deadline, --tag or --no-tags");
  return body;
}

exit_code patch_task(const command_context& context, const patch_options& options) {
  const auto body = json::serialize(body_of(options));
  const auto reply = context.client().request("PATCH", task_path(options.id), body);
  return answer(context, reply, [&](const json::value& task) {
    const auto deadline = short_time(text_of(task, "deadline"));
    std::string tags;
    for (const auto& tag : list_of(task, "tags"))
      tags += (tags.empty() ? "" : ", ") + text_of(tag);
    fact_list facts;
    facts.add("id", text_of(task, "id"));
    facts.add("status", text_of(task, "status"), colour_of_status(text_of(task, "status")));
    facts.add("priority", text_of(task, "priority"));
    facts.add("scheduled", short_time(text_of(task, "scheduled_at")));
    facts.add("deadline", deadline.empty() ? "none" : deadline);
    facts.add("tags", tags);
    facts.print(context.console);
  });
}

void add_patch_command(CLI::App& app, command_context& context) {
  auto options = std::make_shared<patch_options>();
  auto* command = app.add_subcommand("patch", "Change priority, times or tags of an unfinished task");
  command->add_option("TASK", options->id, "The task")->required()->type_name("ID");
  command->add_option("--priority", options->priority, "Or 0 to 4")->type_name(completable_priorities());
  command->add_option("--at", options->at, "Not before this time; now: at once")->type_name("TIME|+DURATION|now");
  command->add_option("--deadline", options->deadline, "Fails when it has not ended by then")
    ->type_name("TIME|+DURATION|none");
  auto* tags = command->add_option("--tag", options->tags, "Replaces all its tags; may be repeated")
                 ->type_name("TEXT")
                 ->expected(1)
                 ->take_all();
  command->add_flag("--no-tags", options->no_tags, "Removes all its tags")->excludes(tags);
  command->footer("Example:\n  overwatch patch 019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64 --priority high --at now");
  runs(command, context, [&context, options] { return patch_task(context, *options); });
}

} // namespace

void add_control_commands(CLI::App& app, command_context& context) {
  add_patch_command(app, context);

  auto approval = std::make_shared<approve_options>();
  auto* approve = app.add_subcommand("approve", "Open an approval gate for one task");
  approve->add_option("TASK", approval->id, "The task")->required()->type_name("ID");
  approve->add_option("--gate", approval->gate, "Which gate; needed when the task requires several approval gates")
    ->type_name("NAME");
  add_account_options(approve, approval->who, true);
  approve->footer("Example:\n  overwatch approve 019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64 --reason \"change 4711\"");
  runs(approve, context, [&context, approval] { return approve_task(context, *approval); });

  auto undo = std::make_shared<rollback_options>();
  auto* rollback = app.add_subcommand("rollback", "Put back what a completed task changed, while its snapshot is kept");
  rollback->add_option("TASK", undo->id, "The task")->required()->type_name("ID");
  add_account_options(rollback, undo->who, false);
  rollback->footer("Returns once all is put back; the exit code is 1 when something could not be.\n"
                   "Example:\n  overwatch rollback 019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64 --reason \"wrong release\"");
  runs(rollback, context, [&context, undo] { return roll_back_task(context, *undo); });

  auto id = std::make_shared<std::string>();
  auto* snapshot = app.add_subcommand("snapshot", "What was captured before a task's newest attempt");
  snapshot->add_option("TASK", *id, "The task")->required()->type_name("ID");
  snapshot->footer("Example:\n  overwatch snapshot 019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64");
  runs(snapshot, context, [&context, id] { return show_snapshot(context, *id); });
}

} // namespace overwatch::cli
