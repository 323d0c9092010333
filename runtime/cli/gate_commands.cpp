#include "runtime/cli/command.hpp"

#include "messages/gate.hpp"
#include "runtime/cli/account.hpp"
#include "runtime/cli/arguments.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <memory>
#include <ostream>

/// `overwatch gates ...`
namespace overwatch::cli {

namespace {

namespace json = boost::json;

std::string gate_path(const std::string& name) { return "/gates/" + percent_encode(name); }

colour colour_of(bool open) { return open ? colour::green : colour::red; }

// Nobody opens an approval gate for all tasks.
table::cell state_of(const json::value& gate) {
  if (text_of(gate, "kind") == "approval")
    return {"per task", colour::yellow};
  const bool open = is_true(gate, "open");
  return {open ? "open" : "closed", colour_of(open)};
}

exit_code list_gates(const command_context& context) {
  const auto reply = context.client().request("GET", "/gates");
  return answer(context, reply, [&](const json::value& content) {
    table result{{{"GATE"}, {"STATE", false, true}, {"KIND", false, true}, {"SINCE", false, true}, {"BY"}, {"REASON"}}};
    for (const auto& gate : list_of(content, "gates"))
      result.add({text_of(gate, "name"), state_of(gate), text_of(gate, "kind"), short_time(text_of(gate, "since")),
                  text_of(gate, "by"), text_of(gate, "reason")});
    if (result.empty())
      context.console.out << "no gates are declared: all count as open\n";
    else
      result.print(context.console);
  });
}

// `cpu_percent is at or above 90 for 30.0 s; open again below 85`
std::string condition_of(const json::value& gate) {
  const auto* condition = find_field(gate, "condition");
  if (condition == nullptr || !condition->is_object())
    return {};
  const bool above = number_of(*condition, "above").has_value();
  const auto threshold = number_of(*condition, above ? "above" : "below").value_or(0);
  const auto margin = number_of(*condition, "margin").value_or(0);
  const auto lasting = number_of(*condition, "for").value_or(0);
  return text_of(*condition, "metric") + " is at or " + (above ? "above " : "below ") +
         text_of(json::value(threshold)) + (lasting > 0 ? " for " + format_duration(lasting) : "") + "; opens again " +
         (above ? "below " : "above ") + text_of(json::value(above ? threshold - margin : threshold + margin));
}

std::string window_text(const json::value& window) {
  std::string days;
  for (const auto& day : list_of(window, "days"))
    days += (days.empty() ? "" : ",") + text_of(day);
  return days + " " + text_of(window, "from") + "-" + text_of(window, "to");
}

void print_gate(const console& console, const json::value& gate) {
  const auto state = state_of(gate);
  const auto kind = text_of(gate, "kind");
  fact_list facts;
  facts.add("gate", text_of(gate, "name"));
  facts.add("kind", kind);
  facts.add("state", kind == "approval" ? "opens for each task that `overwatch approve` names" : state.text,
            state.shade);
  facts.add("description", text_of(gate, "description"));
  facts.add("closes while", condition_of(gate));
  for (const auto& window : list_of(gate, "windows"))
    facts.add("open in", window_text(window));
  facts.add("time zone", kind == "window" ? text_of(gate, "time_zone") : "");
  facts.add("since", short_time(text_of(gate, "since")));
  facts.add("by", text_of(gate, "by"));
  facts.add("reason", text_of(gate, "reason"));
  facts.print(console);
}

exit_code show_gate(const command_context& context, const std::string& name) {
  const auto reply = context.client().request("GET", gate_path(name));
  return answer(context, reply, [&](const json::value& gate) { print_gate(context.console, gate); });
}

exit_code show_history(const command_context& context, const std::string& name) {
  const auto reply = context.client().request("GET", gate_path(name));
  if (context.options.json) {
    context.print_raw(json::serialize(list_of(content_of(reply), "history")));
    return exit_code::good;
  }
  const auto gate = content_of(reply);
  table result{{{"TIME", false, true}, {"STATE", false, true}, {"BY"}, {"REASON"}}};
  for (const auto& change : list_of(gate, "history")) {
    const bool open = is_true(change, "open");
    result.add({short_time(text_of(change, "time")),
                {open ? "open" : "closed", colour_of(open)},
                text_of(change, "by"),
                text_of(change, "reason")});
  }
  result.print(context.console);
  return exit_code::good;
}

exit_code put_gate(const command_context& context, const std::string& name, const json::object& body) {
  const auto reply = context.client().request("PUT", gate_path(name), json::serialize(body));
  return answer(context, reply, [&](const json::value& gate) {
    const auto state = state_of(gate);
    context.console.out << printable(name) << "  " << paint(context.console, state.shade, state.text) << '\n';
  });
}

exit_code remove_gate(const command_context& context, const std::string& name) {
  const auto reply = context.client().request("DELETE", gate_path(name));
  return answer(context, reply, [&](const json::value&) {
    context.console.out << printable(name) << "  deleted: it counts as open\n";
  });
}

struct gate_options {
  std::string name, kind, description, metric, lasting, time_zone;
  std::optional<double> above, below, margin;
  std::vector<std::string> windows;
  bool open = false;
  bool closed = false;
  account who;
};

// `mon-fri 08:00-18:00`, or only the times for every day.
json::object window_value(const std::string& text) {
  const auto space = text.rfind(' ');
  const auto days = space == std::string::npos ? std::string{} : text.substr(0, space);
  const auto times = space == std::string::npos ? text : text.substr(space + 1);
  const auto dash = times.find('-');
  if (dash == std::string::npos || times.find(':') > dash || times.find(':', dash) == std::string::npos)
    throw usage_failure("--window: '" + printable(text) + "' is not [DAYS] FROM-TO, such as 'mon-fri 08:00-18:00'");
  json::object result{{"from", times.substr(0, dash)}, {"to", times.substr(dash + 1)}};
  if (!days.empty())
    result["days"] = days;
  return result;
}

json::object definition_of(const gate_options& options) {
  auto body = body_of(options.who);
  body["kind"] = options.kind;
  if (!options.description.empty())
    body["description"] = options.description;
  json::object condition;
  if (!options.metric.empty())
    condition["metric"] = options.metric;
  if (options.above)
    condition["above"] = *options.above;
  if (options.below)
    condition["below"] = *options.below;
  if (options.margin)
    condition["margin"] = *options.margin;
  if (!options.lasting.empty())
    condition["for"] = seconds_of(options.lasting, "--for");
  if (!condition.empty())
    body["condition"] = std::move(condition);
  json::array windows;
  for (const auto& window : options.windows)
    windows.push_back(window_value(window));
  if (!windows.empty())
    body["windows"] = std::move(windows);
  if (!options.time_zone.empty())
    body["time_zone"] = options.time_zone;
  if (options.open || options.closed)
    body["open"] = options.open;
  return body;
}

void add_set_command(CLI::App* gates, command_context& context) {
  auto options = std::make_shared<gate_options>();
  auto* set = gates->add_subcommand("set", "Declare a gate, or say anew what it is");
  set->add_option("NAME", options->name, "The gate")->required();
  set->add_option("--kind", options->kind, "What opens and closes it")
    ->required()
    ->check(CLI::IsMember(texts_of(gate_kind_names)));
  set->add_option("--description", options->description, "More about it")->type_name("TEXT");
  set->add_option("--metric", options->metric, "Of kind health: closed while this is beyond a threshold")
    ->check(CLI::IsMember(texts_of(health_metric_names)));
  auto* above = set->add_option("--above", options->above, "The threshold: closed at or above it")->type_name("N");
  set->add_option("--below", options->below, "The threshold: closed at or below it")->type_name("N")->excludes(above);
  set->add_option("--margin", options->margin, "Opens again once the metric is back by more than this [2]")
    ->type_name("N");
  set->add_option("--for", options->lasting, "Closes when the metric was beyond it for so long [0s]")
    ->type_name("DURATION");
  set->add_option("--window", options->windows, "Of kind window: open in these times; may be repeated")
    ->type_name("[DAYS] FROM-TO")
    ->expected(1)
    ->take_all();
  set->add_option("--time-zone", options->time_zone, "Of the windows [UTC]")->type_name("ZONE");
  auto* open = set->add_flag("--open", options->open, "Of kind manual: open it");
  set->add_flag("--closed", options->closed, "Of kind manual: close it")->excludes(open);
  add_account_options(set, options->who, false);
  set->footer(
    "Examples:\n"
    "  overwatch gates set deploy --kind manual --closed --reason \"not before the review\"\n"
    "  overwatch gates set calm --kind health --metric cpu_percent --above 90 --margin 5 --for 30s\n"
    "  overwatch gates set night --kind window --window \"mon-fri 22:00-06:00\" --window \"sat,sun 00:00-00:00\" "
    "\\\n    --time-zone Europe/Berlin\n"
    "  overwatch gates set four-eyes --kind approval");
  runs(set, context, [&context, options] { return put_gate(context, options->name, definition_of(*options)); });
}

// `gates open` and `gates close`.
void add_switch_command(CLI::App* gates, command_context& context, const char* name, const char* meaning, bool open) {
  struct switch_options {
    std::string name;
    account who;
  };
  auto options = std::make_shared<switch_options>();
  auto* command = gates->add_subcommand(name, meaning);
  command->add_option("NAME", options->name, "The gate; one that is not declared becomes a manual one")->required();
  add_account_options(command, options->who, true);
  command->footer(std::string{"Example:\n  overwatch gates "} + name + " deploy --reason \"release 7\"");
  runs(command, context, [&context, options, open] {
    auto body = body_of(options->who);
    body["open"] = open;
    return put_gate(context, options->name, body);
  });
}

void add_one_gate_command(CLI::App* gates, command_context& context, const char* name, const char* meaning,
                          exit_code (*run)(const command_context&, const std::string&)) {
  auto gate = std::make_shared<std::string>();
  auto* command = gates->add_subcommand(name, meaning);
  command->add_option("NAME", *gate, "The gate")->required();
  command->footer(std::string{"Example:\n  overwatch gates "} + name + " deploy");
  runs(command, context, [&context, gate, run] { return run(context, *gate); });
}

} // namespace

void add_gate_commands(CLI::App& app, command_context& context) {
  const auto list = [&context] { return list_gates(context); };
  auto* gates = add_group(app, context, "gates", "Switches that tasks wait for; alone: lists them", list);
  gates->footer("Examples:\n"
                "  overwatch gates\n"
                "  overwatch gates close deploy --reason \"release 7 is bad\"\n"
                "  overwatch create-task release --gate deploy --on-closed-gate wait");
  auto* all = gates->add_subcommand("list", "All declared gates");
  all->footer("Example:\n  overwatch gates list");
  runs(all, context, list);
  add_one_gate_command(gates, context, "show", "Everything about a gate", show_gate);
  add_one_gate_command(gates, context, "history", "Who switched it, when and why; newest first", show_history);
  add_switch_command(gates, context, "open", "Let tasks pass", true);
  add_switch_command(gates, context, "close", "Let no task pass", false);
  add_set_command(gates, context);
  add_one_gate_command(gates, context, "delete", "Forget a gate: it counts as open", remove_gate);
}

} // namespace overwatch::cli
