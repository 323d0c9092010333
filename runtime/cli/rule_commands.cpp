#include "runtime/cli/command.hpp"

#include "messages/rule.hpp"
#include "runtime/cli/arguments.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <memory>
#include <ostream>

/// `overwatch rules ...`
namespace overwatch::cli {

namespace {

namespace json = boost::json;

constexpr size_t max_task_bytes = 2 * task_limits::payload_bytes;
constexpr size_t max_rule_bytes = max_task_bytes + 4 * max_chunk_bytes; // chunks are escaped in JSON

std::string rule_path(const std::string& name) { return "/rules/" + percent_encode(name); }

table::cell state_of(const json::value& rule) {
  if (!is_true(rule, "enabled"))
    return {"off", colour::dim};
  if (!text_of(rule, "error").empty())
    return {"error", colour::red};
  return {text_of(rule, "holds_since").empty() ? "on" : "holds", colour::green};
}

exit_code list_rules(const command_context& context) {
  const auto reply = context.client().request("GET", "/rules");
  return answer(context, reply, [&](const json::value& content) {
    table result{{{"RULE"},
                  {"STATE", false, true},
                  {"FIRED", true, true},
                  {"TASKS", true, true},
                  {"LAST FIRED", false, true},
                  {"DESCRIPTION OR ERROR"}}};
    for (const auto& rule : list_of(content, "rules")) {
      const auto error = text_of(rule, "error");
      result.add({text_of(rule, "name"),
                  state_of(rule),
                  format_count(count_of(rule, "fired")),
                  format_count(count_of(rule, "created")),
                  short_time(text_of(rule, "fired_at")),
                  {error.empty() ? text_of(rule, "description") : error, error.empty() ? colour::plain : colour::red}});
    }
    if (result.empty())
      context.console.out << "no rules\n";
    else
      result.print(context.console);
  });
}

// A text of several lines, each made printable.
void print_text(const console& console, const char* title, std::string_view text) {
  if (text.empty())
    return;
  console.out << paint(console, colour::bold, title) << '\n';
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    console.out << "  " << printable(text.substr(0, end)) << '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string duration_of(const json::value& rule, std::string_view field) {
  const auto seconds = number_of(rule, field).value_or(0);
  return seconds > 0 ? format_duration(seconds) : "";
}

std::string joined(const json::value& rule, std::string_view field) {
  std::string result;
  for (const auto& entry : list_of(rule, field))
    result += (result.empty() ? "" : ", ") + text_of(entry);
  return result;
}

void print_rule(const console& console, const json::value& rule) {
  const auto state = state_of(rule);
  fact_list facts;
  facts.add("rule", text_of(rule, "name"));
  facts.add("description", text_of(rule, "description"));
  facts.add("state", state.text, state.shade);
  facts.add("error", text_of(rule, "error"), colour::red);
  facts.add("failed", short_time(text_of(rule, "failed_at")));
  facts.add("built in", is_true(rule, "built_in") ? "yes: it can be switched off, not deleted" : "");
  facts.add("for", duration_of(rule, "for"));
  facts.add("cooldown", duration_of(rule, "cooldown"));
  facts.add("judged on", joined(rule, "on"));
  facts.add("judged", short_time(text_of(rule, "judged_at")));
  facts.add("holds since", short_time(text_of(rule, "holds_since")));
  facts.add("fired", format_count(count_of(rule, "fired")) + " times");
  facts.add("last fired", short_time(text_of(rule, "fired_at")));
  facts.add("tasks created", format_count(count_of(rule, "created")));
  facts.add("newest tasks", joined(rule, "tasks"));
  facts.print(console);
  print_text(console, "condition", text_of(rule, "condition"));
  print_text(console, "make", text_of(rule, "make"));
  if (const auto* task = find_field(rule, "task"); task != nullptr && task->is_object())
    print_text(console, "task", pretty(*task));
}

exit_code show_rule(const command_context& context, const std::string& name) {
  const auto reply = context.client().request("GET", rule_path(name));
  return answer(context, reply, [&](const json::value& rule) { print_rule(context.console, rule); });
}

exit_code put_rule(const command_context& context, const std::string& name, const json::object& body) {
  const auto reply = context.client().request("PUT", rule_path(name), json::serialize(body));
  return answer(context, reply, [&](const json::value& rule) {
    const auto state = state_of(rule);
    context.console.out << printable(name) << "  " << paint(context.console, state.shade, state.text) << '\n';
  });
}

exit_code enable_rule(const command_context& context, const std::string& name) {
  return put_rule(context, name, {{"enabled", true}});
}

exit_code disable_rule(const command_context& context, const std::string& name) {
  return put_rule(context, name, {{"enabled", false}});
}

exit_code remove_rule(const command_context& context, const std::string& name) {
  const auto reply = context.client().request("DELETE", rule_path(name));
  return answer(context, reply, [&](const json::value&) { context.console.out << printable(name) << "  deleted\n"; });
}

struct rule_options {
  std::string name, file, description, condition, make, task_file, holds_for, cooldown;
  std::vector<std::string> on;
  bool disabled = false;
};

// The file's definition with what the options say.
json::object definition_of(const rule_options& options, std::istream& in) {
  json::object body;
  if (!options.file.empty())
    body = object_argument(read_source(options.file, "--file", max_rule_bytes, in), "--file",
                           R"(, such as {"condition": "...", "make": "..."})");
  if (!options.description.empty())
    body["description"] = options.description;
  if (!options.condition.empty())
    body["condition"] = text_argument(options.condition, "--condition", max_chunk_bytes, in);
  if (!options.make.empty())
    body["make"] = text_argument(options.make, "--make", max_chunk_bytes, in);
  if (!options.task_file.empty())
    body["task"] = object_argument(read_source(options.task_file, "--task", max_task_bytes, in), "--task",
                                   R"(, such as {"name": "look", "task_type": "system_health"})");
  if (!options.holds_for.empty())
    body["for"] = seconds_of(options.holds_for, "--for");
  if (!options.cooldown.empty())
    body["cooldown"] = seconds_of(options.cooldown, "--cooldown");
  if (!options.on.empty())
    body["on"] = to_array(options.on);
  if (options.disabled)
    body["enabled"] = false;
  return body;
}

exit_code set_rule(const command_context& context, const rule_options& options) {
  const auto body = definition_of(options, context.console.in);
  if (body.empty())
    throw usage_failure("rules set: name --file, or what to change, such as --cooldown 10m");
  return put_rule(context, options.name, body);
}

// The exit code is `failed` when a chunk could not be run.
exit_code test_rule(const command_context& context, const rule_options& options) {
  const auto body = definition_of(options, context.console.in);
  if (options.name.empty() && body.empty())
    throw usage_failure("rules test: name a stored rule, or a definition with --file or --condition and --make");
  const auto path = options.name.empty() ? "/rules/test" : rule_path(options.name) + "/test";
  const auto reply = context.client().request("POST", path, body.empty() ? std::string{} : json::serialize(body));
  const auto trial = content_of(reply);
  const auto error = text_of(trial, "error");
  answer(context, reply, [&](const json::value&) {
    const auto& tasks = list_of(trial, "tasks");
    fact_list facts;
    facts.add("holds", is_true(trial, "holds") ? "yes" : "no");
    facts.add("would fire", is_true(trial, "would_fire") ? "yes" : "no");
    facts.add("why", text_of(trial, "why"));
    facts.add("error", error, colour::red);
    facts.add("tasks", format_count(tasks.size()));
    facts.print(context.console);
    for (const auto& task : tasks)
      print_text(context.console, "task", pretty(task));
    std::string printed;
    for (const auto& line : list_of(trial, "printed"))
      printed += text_of(line) + "\n";
    print_text(context.console, "printed", printed);
  });
  return error.empty() ? exit_code::good : exit_code::failed;
}

void add_definition_options(CLI::App* command, rule_options& options) {
  command->add_option("--file", options.file, "The rule as JSON, as PUT /rules takes it; the options below change it")
    ->type_name("FILE|-");
  command->add_option("--description", options.description, "More about it")->type_name("TEXT");
  command->add_option("--condition", options.condition, "Lua: an expression, or a chunk that returns true or false")
    ->type_name("TEXT|@FILE|-");
  auto* make = command->add_option("--make", options.make, "Lua: a chunk that returns a task or a list of tasks")
                 ->type_name("TEXT|@FILE|-");
  command->add_option("--task", options.task_file, "Instead of --make: the task as JSON")
    ->type_name("FILE|-")
    ->excludes(make);
  command->add_option("--for", options.holds_for, "How long the condition must hold [0s]")->type_name("DURATION");
  command->add_option("--cooldown", options.cooldown, "Not again within this time [0s]")->type_name("DURATION");
  command->add_option("--on", options.on, "Also judged when such an event comes; may be repeated")
    ->check(CLI::IsMember(texts_of(event_kind_names)))
    ->expected(1)
    ->take_all()
    ->delimiter(',');
}

void add_set_command(CLI::App* rules, command_context& context) {
  auto options = std::make_shared<rule_options>();
  auto* set = rules->add_subcommand("set", "Create or replace a rule; without --make and --task only change it");
  set->add_option("NAME", options->name, "The rule")->required();
  add_definition_options(set, *options);
  set->add_flag("--disabled", options->disabled, "Begins with `rules enable` only");
  set->footer(
    "Examples:\n"
    "  overwatch rules set failures --condition \"stats.failed_last_minute > 10\" --task look.json --cooldown 10m\n"
    "  overwatch rules set failures --condition @failures.lua --make @tasks.lua --on task_failed\n"
    "  overwatch rules set failures --cooldown 1h");
  runs(set, context, [&context, options] { return set_rule(context, *options); });
}

void add_test_command(CLI::App* rules, command_context& context) {
  auto options = std::make_shared<rule_options>();
  auto* test =
    rules->add_subcommand("test", "What a rule would do now, and why; creates nothing. The exit code is 1 when "
                                  "a chunk fails");
  test->add_option("NAME", options->name,
                   "A stored rule; options try it with changes. Without: what the options define");
  add_definition_options(test, *options);
  test->footer("Examples:\n"
               "  overwatch rules test failures\n"
               "  overwatch rules test --condition @failures.lua --make @tasks.lua");
  runs(test, context, [&context, options] { return test_rule(context, *options); });
}

void add_one_rule_command(CLI::App* rules, command_context& context, const char* name, const char* meaning,
                          exit_code (*run)(const command_context&, const std::string&)) {
  auto rule = std::make_shared<std::string>();
  auto* command = rules->add_subcommand(name, meaning);
  command->add_option("NAME", *rule, "The rule")->required();
  command->footer(std::string{"Example:\n  overwatch rules "} + name + " failures");
  runs(command, context, [&context, rule, run] { return run(context, *rule); });
}

} // namespace

void add_rule_commands(CLI::App& app, command_context& context) {
  const auto list = [&context] { return list_rules(context); };
  auto* rules = add_group(app, context, "rules", "Conditions that create tasks; alone: lists the rules", list);
  rules->footer("Examples:\n"
                "  overwatch rules\n"
                "  overwatch rules test failures\n"
                "  overwatch rules disable failures");
  auto* all = rules->add_subcommand("list", "All rules");
  all->footer("Example:\n  overwatch rules list");
  runs(all, context, list);
  add_one_rule_command(rules, context, "show", "Everything about a rule, with its chunks", show_rule);
  add_set_command(rules, context);
  add_one_rule_command(rules, context, "delete", "Remove a rule; its tasks stay", remove_rule);
  add_one_rule_command(rules, context, "enable", "Judge it again", enable_rule);
  add_one_rule_command(rules, context, "disable", "Judge it no more", disable_rule);
  add_test_command(rules, context);
}

} // namespace overwatch::cli
