#include "runtime/cli/command.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/text.hpp"

#include <memory>
#include <ostream>

namespace overwatch::cli {

namespace {

std::string duration_field(const boost::json::value& value, std::string_view name) {
  const auto seconds = number_of(value, name);
  return seconds ? format_duration(*seconds) : std::string{};
}

// Without the list and object members: those have lines of their own.
void add_plain_fields(fact_list& facts, const boost::json::value& value) {
  if (const auto* object = value.if_object())
    for (const auto& member : *object)
      if (!member.value().is_object() && !member.value().is_array())
        facts.add(printable({member.key().data(), member.key().size()}), text_of(member.value()));
}

void add_scheduler_facts(fact_list& facts, const boost::json::value& scheduler) {
  facts.add("waiting", format_count(count_of(scheduler, "queue_size")));
  facts.add("running", format_count(count_of(scheduler, "running_tasks")));
  facts.add("completed", format_count(count_of(scheduler, "completed_tasks")));
  facts.add("failed", format_count(count_of(scheduler, "failed_tasks")));
  facts.add("average time", duration_field(scheduler, "average_execution_time"));
}

void add_node_facts(fact_list& facts, const boost::json::value& node) {
  facts.add("node", text_of(node, "name"));
  facts.add("version", text_of(node, "version"));
  facts.add("problem", text_of(node, "problem"), colour::red);
  facts.add("data directory", text_of(node, "data_dir"));
  const auto disk = text_of(node, "disk");
  const auto free = number_of(node, "disk_free_bytes");
  facts.add("disk", disk + (free ? ", " + format_bytes(*free) + " free" : ""),
            disk == "ok" ? colour::plain : colour::red);
}

exit_code show_status(const command_context& context) {
  const auto reply = context.client().request("GET", "/status");
  const auto status = content_of(reply);
  const auto health = text_of(status, "health_status");
  const auto result = health == "unhealthy" ? exit_code::failed : exit_code::good;
  if (context.options.json) {
    context.print_raw(reply.body);
    return result;
  }
  const bool running = is_true(status, "running");
  fact_list facts;
  facts.add("health", health,
            health == "healthy"    ? colour::green
            : health == "degraded" ? colour::yellow
                                   : colour::red);
  facts.add("dispatch", running ? "running" : "paused: `overwatch resume` goes on",
            running ? colour::green : colour::yellow);
  facts.add("address", context.options.url);
  facts.add("uptime", duration_field(status, "uptime"));
  if (const auto* node = find_field(status, "node"))
    add_node_facts(facts, *node);
  if (const auto* scheduler = find_field(status, "scheduler_stats"))
    add_scheduler_facts(facts, *scheduler);
  facts.add("last generation", short_time(text_of(status, "last_generation")));
  facts.add("generation every", duration_field(status, "generation_interval"));
  facts.print(context.console);
  return result;
}

exit_code show_stats(const command_context& context) {
  const auto reply = context.client().request("GET", "/stats");
  if (context.options.json) {
    context.print_raw(reply.body);
    return exit_code::good;
  }
  const auto stats = content_of(reply);
  fact_list facts;
  add_plain_fields(facts, stats);
  facts.print(context.console);
  for (const auto* name : {"by_status", "by_priority", "by_type", "violations"}) {
    const auto* counts = find_field(stats, name);
    if (counts == nullptr || !counts->is_object() || counts->get_object().empty())
      continue;
    context.console.out << '\n' << paint(context.console, colour::bold, name) << '\n';
    fact_list lines;
    for (const auto& member : counts->get_object())
      lines.add("  " + printable({member.key().data(), member.key().size()}), text_of(member.value()));
    lines.print(context.console);
  }
  const auto& recent = list_of(stats, "recent_tasks");
  if (!recent.empty()) {
    context.console.out << '\n' << paint(context.console, colour::bold, "recent tasks") << '\n';
    print_tasks(context.console, recent, now());
  }
  return exit_code::good;
}

exit_code change_dispatch(const command_context& context, const std::string& path) {
  const auto reply = context.client().request("POST", path, "{}");
  if (context.options.json)
    context.print_raw(reply.body);
  else
    context.console.out << printable(text_of(content_of(reply), "message")) << '\n';
  return exit_code::good;
}

exit_code show_metrics(const command_context& context) {
  context.print_raw(context.client().request("GET", "/metrics").body);
  return exit_code::good;
}

} // namespace

void add_node_commands(CLI::App& app, command_context& context) {
  auto* status = app.add_subcommand("status", "How the node is; the exit code is 1 when it is unhealthy");
  status->footer("Examples:\n  overwatch status\n  overwatch status --json | jq .scheduler_stats");
  runs(status, context, [&context] { return show_status(context); });

  auto* stats = app.add_subcommand("stats", "Counters of tasks, and the newest tasks");
  stats->footer("Example:\n  overwatch stats --json | jq .total_failed");
  runs(stats, context, [&context] { return show_stats(context); });

  auto now_too = std::make_shared<bool>(false);
  auto* pause = app.add_subcommand("pause", "Start no more tasks; running ones end by themselves");
  pause->add_flag("--now", *now_too, "Cancel the running ones too");
  pause->footer("The node remembers it over restarts; `overwatch resume` goes on.\nExample:\n  overwatch pause --now");
  runs(pause, context, [&context, now_too] { return change_dispatch(context, *now_too ? "/stop?now=true" : "/stop"); });

  auto* resume = app.add_subcommand("resume", "Start tasks again after a pause");
  resume->footer("Example:\n  overwatch resume");
  runs(resume, context, [&context] { return change_dispatch(context, "/start"); });

  auto* generate = app.add_subcommand("generate", "Create the node's periodic tasks now");
  generate->footer("Example:\n  overwatch generate");
  runs(generate, context, [&context] { return change_dispatch(context, "/tasks/generate"); });

  auto* metrics = app.add_subcommand("metrics", "The node's metrics in Prometheus text form");
  metrics->footer("Example:\n  overwatch metrics | promtool check metrics");
  runs(metrics, context, [&context] { return show_metrics(context); });
}

} // namespace overwatch::cli
