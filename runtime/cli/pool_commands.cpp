#include "runtime/cli/command.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <cmath>
#include <memory>
#include <ostream>

namespace overwatch::cli {

namespace {

constexpr uint32_t most_slots = 10'000; // a slip of the finger, not a pool

exit_code show_pools(const command_context& context) {
  const auto reply = context.client().request("GET", "/pools");
  if (context.options.json) {
    context.print_raw(reply.body);
    return exit_code::good;
  }
  const auto content = content_of(reply);
  table pools{{{"TYPE"},
               {"SLOTS", true, true},
               {"BUSY", true, true},
               {"WAITING", true, true},
               {"STARTED", true, true},
               {"NODE"},
               {"WHAT IT DOES"}}};
  for (const auto& pool : list_of(content, "pools")) {
    const auto abandoned = count_of(pool, "abandoned");
    const auto busy = text_of(pool, "busy") + (abandoned > 0 ? " +" + std::to_string(abandoned) + " stuck" : "");
    pools.add({text_of(pool, "task_type"),
               text_of(pool, "slots"),
               {busy, abandoned > 0 ? colour::red : colour::plain},
               format_count(count_of(pool, "waiting")),
               format_count(count_of(pool, "started")),
               text_of(pool, "node"),
               text_of(pool, "description")});
  }
  pools.print(context.console);
  fact_list facts;
  facts.add("running at once, over all types", text_of(content, "max_concurrent_tasks"));
  std::string without;
  if (const auto* types = find_field(content, "types_without_handler"); types != nullptr && types->is_array())
    for (const auto& type : types->get_array())
      without += (without.empty() ? "" : ", ") + text_of(type);
  facts.add("types without a handler here", without);
  facts.print(context.console);
  return exit_code::good;
}

exit_code show_workers(const command_context& context) {
  const auto reply = context.client().request("GET", "/workers");
  if (context.options.json) {
    context.print_raw(reply.body);
    return exit_code::good;
  }
  const auto content = content_of(reply);
  const auto& workers = list_of(content, "workers");
  if (workers.empty()) {
    context.console.out << "no workers\n";
    return exit_code::good;
  }
  table result{{{"WORKER"},
                {"STATE", false, true},
                {"TASK"},
                {"FOR", true, true},
                {"COMPLETED", true, true},
                {"FAILED", true, true}}};
  for (const auto& worker : workers) {
    const bool busy = is_true(worker, "busy");
    const auto since = parse_api_time(text_of(worker, "since"));
    result.add({text_of(worker, "id"),
                {busy ? "busy" : "idle", busy ? colour::cyan : colour::plain},
                text_of(worker, "task"),
                since ? format_duration(std::chrono::duration<double>(now() - *since).count()) : "",
                text_of(worker, "completed"),
                text_of(worker, "failed")});
  }
  result.print(context.console);
  return exit_code::good;
}

exit_code show_resources(const command_context& context) {
  const auto reply = context.client().request("GET", "/resources");
  return answer(context, reply, [&](const boost::json::value& content) {
    table nodes{{{"NODE"},
                 {"CORES", true, true},
                 {"CPU HELD", true, true},
                 {"MEMORY", true, true},
                 {"HELD", true, true},
                 {"IO HELD", true, true},
                 {"RUNNING", true, true},
                 {"STATE", false, true},
                 {"RESERVED FOR", false, true}}};
    const auto state = [](const boost::json::value& node) {
      if (is_true(node, "draining"))
        return "draining";
      return find_field(node, "present") == nullptr || is_true(node, "present") ? "" : "away";
    };
    const auto percent = [](double share) { return std::to_string(std::llround(share * 100)) + " %"; };
    const auto memory = [](double mb) { return format_bytes(mb * 1024 * 1024); };
    for (const auto& node : list_of(content, "nodes"))
      nodes.add({text_of(node, "node"), text_of(node, "cpus"), percent(number_of(node, "cpu_held").value_or(0)),
                 memory(number_of(node, "memory_mb").value_or(0)),
                 memory(number_of(node, "memory_mb_held").value_or(0)), percent(number_of(node, "io_held").value_or(0)),
                 text_of(node, "running"), state(node), text_of(node, "reserved_for")});
    nodes.print(context.console);
  });
}

exit_code set_slots(const command_context& context, const std::string& type, uint32_t slots) {
  const auto body = boost::json::serialize(boost::json::object{{"slots", slots}});
  const auto reply = context.client().request("PUT", "/pools/" + percent_encode(type), body);
  if (context.options.json)
    context.print_raw(reply.body);
  else
    context.console.out << printable(type) << " has " << slots << (slots == 1 ? " slot\n" : " slots\n");
  return exit_code::good;
}

} // namespace

void add_pool_commands(CLI::App& app, command_context& context) {
  auto* pools = app.add_subcommand("pools", "Which task types this node serves, with how many slots");
  pools->footer("Example:\n  overwatch pools");
  runs(pools, context, [&context] { return show_pools(context); });

  auto* workers = app.add_subcommand("workers", "What runs tasks, and which task each has");
  workers->footer("Example:\n  overwatch workers");
  runs(workers, context, [&context] { return show_workers(context); });

  auto* resources = app.add_subcommand("resources", "What the nodes have for tasks, and what running ones hold of it");
  resources->footer("RESERVED FOR names a task that waited too long: nothing else takes resources before it.\n"
                    "Example:\n  overwatch resources");
  runs(resources, context, [&context] { return show_resources(context); });

  struct slot_options {
    std::string type;
    uint32_t slots = 0;
  };
  auto options = std::make_shared<slot_options>();
  auto* set = app.add_subcommand("set-slots", "How many tasks of a type may run at once; the node remembers it");
  set->add_option("TYPE", options->type, "The task type")->required();
  set->add_option("N", options->slots, "Slots")->required()->check(CLI::Range(1U, most_slots));
  set->footer("Example:\n  overwatch set-slots user_task 4");
  runs(set, context, [&context, options] { return set_slots(context, options->type, options->slots); });
}

} // namespace overwatch::cli
