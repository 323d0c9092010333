#include "runtime/cli/run_task.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/text.hpp"

namespace overwatch::cli {

namespace json = boost::json;

namespace {

constexpr const char* longest_run = "7d"; // whoever has much data may need days

} // namespace

std::optional<json::value> run_task(const command_context& context, const task_run& run) {
  json::object task{
    {"name", run.name}, {"task_type", run.task_type}, {"timeout", longest_run}, {"payload", run.payload}};
  if (!run.node.empty())
    task["placement"] = json::object{{"node", run.node}};
  const auto client = context.client();
  auto reply = client.request("POST", "/tasks", json::serialize(task));
  const auto id = text_of(content_of(reply), "id");
  if (run.detach) {
    if (context.options.json)
      context.print_raw(reply.body);
    else
      context.console.out << "task " << printable(id) << '\n';
    return std::nullopt;
  }
  const auto quiet = run.quiet || context.options.json;
  reply = quiet ? wait_for_task(client, id, std::nullopt) : follow_task(context, client, id, std::nullopt);
  auto ended = content_of(reply);
  const auto* result = find_field(ended, "result");
  if (context.options.json)
    context.print_raw(reply.body);
  else if (!run.print_result || result == nullptr || !run.print_result(*result))
    print_task(context.console, ended);
  return ended;
}

} // namespace overwatch::cli
