#include "runtime/cli/command.hpp"

#include "runtime/cli/arguments.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/text.hpp"
#include "runtime/cli/workflow_view.hpp"

#include <boost/json.hpp>
#include <memory>
#include <ostream>

/// `overwatch workflow ...`
namespace overwatch::cli {

namespace {

namespace json = boost::json;

constexpr size_t max_workflow_bytes = 256 * 1024 * 1024; // the node's own limit is smaller, and a setting
constexpr uint32_t most_per_request = 1000;              // the node's own limit

std::string workflow_path(const std::string& id) { return "/workflows/" + percent_encode(id); }

struct submit_options {
  std::string file, wait;
};

exit_code submit_workflow(const command_context& context, const submit_options& options, bool wait) {
  const auto text = read_source(options.file, "FILE", max_workflow_bytes, context.console.in);
  object_argument(text, "FILE", R"(, such as {"name": "release", "tasks": [{"name": "build"}]})");
  std::optional<milliseconds> limit;
  if (!options.wait.empty())
    limit = milliseconds{static_cast<int64_t>(seconds_of(options.wait, "--wait") * 1000)};
  const auto client = context.client();
  auto reply = client.request("POST", "/workflows", text);
  const auto created = content_of(reply);
  const auto id = text_of(created, "id");
  if (!context.options.json)
    context.console.out << "workflow " << paint(context.console, colour::bold, printable(id)) << "  "
                        << printable(text_of(created, "status")) << ", "
                        << format_count(list_of(created, "tasks").size()) << " tasks\n"
                        << std::flush;
  if (wait)
    reply = follow_workflow(context, client, id, limit);
  const auto workflow = content_of(reply);
  if (context.options.json)
    context.print_raw(reply.body);
  else if (wait)
    print_workflow(context.console, workflow);
  if (!wait)
    return exit_code::good;
  if (!is_finished(workflow))
    throw command_failure{exit_code::server, "the workflow has not finished and goes on; `overwatch workflow show " +
                                               printable(id) + "` says how far it is"};
  return result_of(workflow);
}

exit_code show_workflow(const command_context& context, const std::string& id) {
  const auto reply = context.client().request("GET", workflow_path(id));
  return answer(context, reply, [&](const json::value& workflow) { print_workflow(context.console, workflow); });
}

exit_code cancel_workflow(const command_context& context, const std::string& id, const std::string& reason) {
  json::object body;
  if (!reason.empty())
    body["reason"] = reason;
  const auto reply = context.client().request("POST", workflow_path(id) + "/cancel", json::serialize(body));
  return answer(context, reply, [&](const json::value& workflow) {
    const auto status = text_of(workflow, "status");
    context.console.out << printable(id) << "  "
                        << (is_finished(workflow) ? printable(status)
                                                  : printable(status) + ", its tasks are told to stop")
                        << '\n';
  });
}

struct list_options {
  uint32_t limit = 20;
  std::string cursor;
};

std::string between(const std::string& from, const std::string& to) {
  const auto start = parse_api_time(from);
  const auto end = parse_api_time(to);
  return start && end ? format_duration(std::chrono::duration<double>(*end - *start).count()) : "";
}

exit_code list_workflows(const command_context& context, const list_options& options) {
  const auto path = "/workflows?limit=" + std::to_string(options.limit) +
                    (options.cursor.empty() ? "" : "&cursor=" + percent_encode(options.cursor));
  return answer(context, context.client().request("GET", path), [&](const json::value& page) {
    table result{{{"ID", false, true},
                  {"STATUS", false, true},
                  {"COMPENSATION", false, true},
                  {"NAME"},
                  {"CREATED", false, true},
                  {"TOOK", true, true}}};
    for (const auto& workflow : list_of(page, "workflows")) {
      const auto status = text_of(workflow, "status");
      const auto created = text_of(workflow, "created_at");
      result.add({text_of(workflow, "id"),
                  {status, colour_of_status(status)},
                  text_of(workflow, "compensation"),
                  text_of(workflow, "name"),
                  short_time(created),
                  between(created, text_of(workflow, "finished_at"))});
    }
    if (result.empty())
      context.console.out << "no workflows\n";
    else
      result.print(context.console);
    if (const auto next = text_of(page, "next"); !next.empty())
      context.console.err << "more: --cursor " << printable(next) << '\n';
  });
}

void add_submit_command(CLI::App* workflows, command_context& context) {
  auto options = std::make_shared<submit_options>();
  auto* submit = workflows->add_subcommand("submit", "Submit a whole graph of tasks; it is on disk when this returns");
  submit->add_option("FILE", options->file, "The workflow as JSON, as POST /workflows takes it; - for standard input")
    ->required()
    ->type_name("FILE|-");
  auto* wait =
    submit
      ->add_option("--wait", options->wait,
                   "Print what becomes of its tasks until it has finished, at most this long when given; the "
                   "exit code is 1 when it did not complete")
      ->type_name("[DURATION]")
      ->expected(0, 1);
  submit->footer(
    "Tasks name each other in depends_on. With \"compensate\": true a failure rolls the completed ones back.\n"
    "Example:\n"
    "  echo '{\"name\": \"release\", \"compensate\": true, \"tasks\": [\n"
    "    {\"name\": \"build\", \"payload\": {\"command\": \"build\"}},\n"
    "    {\"name\": \"test\", \"payload\": {\"command\": \"test\"}, \"depends_on\": [\"build\"]}]}' |\n"
    "  overwatch workflow submit - --wait");
  runs(submit, context, [&context, options, wait] { return submit_workflow(context, *options, wait->count() > 0); });
}

void add_list_command(CLI::App* workflows, command_context& context) {
  auto options = std::make_shared<list_options>();
  auto* list = workflows->add_subcommand("list", "Workflows, newest first");
  list->add_option("--limit", options->limit, "At most so many")
    ->check(CLI::Range(1U, most_per_request))
    ->capture_default_str();
  list->add_option("--cursor", options->cursor, "Go on where the last list ended");
  list->footer("Example:\n  overwatch workflow list --limit 5");
  runs(list, context, [&context, options] { return list_workflows(context, *options); });
}

void add_cancel_command(CLI::App* workflows, command_context& context) {
  struct cancel_options {
    std::string id, reason;
  };
  auto options = std::make_shared<cancel_options>();
  auto* cancel = workflows->add_subcommand("cancel", "End all its unfinished tasks");
  cancel->add_option("ID", options->id, "The workflow")->required();
  cancel->add_option("--reason", options->reason, "Kept with the workflow");
  cancel->footer(
    "Example:\n  overwatch workflow cancel 019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64 --reason \"wrong branch\"");
  runs(cancel, context, [&context, options] { return cancel_workflow(context, options->id, options->reason); });
}

} // namespace

void add_workflow_commands(CLI::App& app, command_context& context) {
  auto* workflows = add_group(app, context, "workflow", "Graphs of tasks as one thing; alone: lists the newest",
                              [&context] { return list_workflows(context, {}); });
  workflows->footer("Examples:\n"
                    "  overwatch workflow submit release.json --wait\n"
                    "  overwatch workflow list");
  add_submit_command(workflows, context);
  add_list_command(workflows, context);

  auto id = std::make_shared<std::string>();
  auto* show = workflows->add_subcommand("show", "Its graph, with the status of each task");
  show->add_option("ID", *id, "The workflow")->required();
  show->footer("A task stands below the last one that it waits for; AFTER has all of them.\n"
               "Example:\n  overwatch workflow show 019ab3d2-8f41-7c05-a3e1-5d0c9f2b7a64");
  runs(show, context, [&context, id] { return show_workflow(context, *id); });

  add_cancel_command(workflows, context);
}

} // namespace overwatch::cli
