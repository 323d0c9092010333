#include "runtime/rules/lua_rules.hpp"

#include <cmath>

namespace overwatch {

namespace {

using kind = script_value::kind;
using globals = std::map<std::string, script_value>;

constexpr double max_exact_integer = 9e15; // of a double

// A number that counts something is an integer for the chunk, too.
script_value number_value(double x) {
  if (std::abs(x) < max_exact_integer && std::floor(x) == x)
    return static_cast<int64_t>(x);
  return x;
}

int64_t seconds_of(timestamp x) {
  return std::chrono::duration_cast<std::chrono::seconds>(x.time_since_epoch()).count();
}

script_value optional_time(const std::optional<timestamp>& x) {
  return x ? script_value{seconds_of(*x)} : script_value{};
}

script_value object_of(const std::map<std::string, double>& numbers) {
  auto result = script_value::make(kind::object);
  for (const auto& [name, number] : numbers)
    if (std::isfinite(number))
      result.fields[name] = number_value(number);
  return result;
}

script_value object_of(const rule_event& x) {
  auto result = script_value::make(kind::object);
  result.fields = {{"kind", name_of(x.kind)},
                   {"message", x.message},
                   {"task_id", x.task_id},
                   {"task_name", x.task_name},
                   {"task_type", x.task_type},
                   {"task_status", x.task_status},
                   {"error", x.error},
                   {"origin", x.origin},
                   {"count", static_cast<int64_t>(x.count)}};
  return result;
}

script_value object_of(const rule_record& x) {
  auto result = script_value::make(kind::object);
  result.fields = {{"name", x.name},
                   {"holds_since", optional_time(x.holds_since)},
                   {"fired_at", optional_time(x.fired_at)}};
  return result;
}

globals globals_of(const rule_record& rule, const rule_inputs& inputs) {
  auto gates = script_value::make(kind::object);
  for (const auto& [name, open] : inputs.gates)
    gates.fields[name] = open;
  return {{"metrics", object_of(inputs.metrics)},
          {"stats", object_of(inputs.stats)},
          {"gates", std::move(gates)},
          {"alerts", script_value::make(kind::list)},
          {"event", inputs.event ? object_of(*inputs.event) : script_value{}},
          {"node", inputs.node},
          {"uptime", static_cast<int64_t>(inputs.uptime.count())},
          {"now", seconds_of(inputs.now)},
          {"rule", object_of(rule)}};
}

class lua_rules : public rule_judge {
public:
  explicit lua_rules(sandbox_limits limits) : sandbox_{limits} {}

  failure check(const rule_definition& x) override {
    if (auto fault = sandbox_.compile("condition", x.condition, lua_sandbox::form::expression);
        !x.condition.empty() && !fault.empty())
      return {ec::invalid, "/condition", fault};
    if (auto fault = sandbox_.compile("make", x.make, lua_sandbox::form::chunk); !fault.empty())
      return {ec::invalid, "/make", fault};
    return {};
  }

  rule_answer condition(const rule_record& rule, const rule_inputs& inputs) override {
    rule_answer answer;
    answer.holds = true;
    if (rule.definition.condition.empty())
      return answer;
    auto ran = sandbox_.run("condition", rule.definition.condition, lua_sandbox::form::expression,
                            globals_of(rule, inputs));
    answer.printed = std::move(ran.printed);
    answer.error = std::move(ran.error);
    if (answer.error.empty() && ran.result.is != kind::boolean && ran.result.is != kind::null)
      answer.error = "condition: must return true or false";
    answer.holds = answer.error.empty() && ran.result.boolean; // nothing returned is false
    return answer;
  }

  rule_answer make(const rule_record& rule, const rule_inputs& inputs) override {
    rule_answer answer;
    answer.holds = true;
    if (!rule.definition.task_json.empty()) {
      answer.tasks.push_back(rule.definition.task_json);
      return answer;
    }
    auto ran = sandbox_.run("make", rule.definition.make, lua_sandbox::form::chunk, globals_of(rule, inputs));
    answer.printed = std::move(ran.printed);
    answer.error = std::move(ran.error);
    if (answer.error.empty())
      answer.error = take_tasks(std::move(ran.result), answer.tasks);
    if (!answer.error.empty())
      answer.tasks.clear();
    return answer;
  }

private:
  // Nothing, nil and {} are no task.
  static std::string take_tasks(script_value x, std::vector<std::string>& tasks) {
    if (x.is == kind::null || (x.is == kind::object && x.fields.empty()))
      return {};
    if (x.is == kind::object)
      return take_task(std::move(x), 0, tasks);
    if (x.is != kind::list)
      return "make: must return a task as a table, or a list of them";
    if (x.items.size() > max_tasks_per_firing)
      return "make: returned " + std::to_string(x.items.size()) + " tasks; at most "
             + std::to_string(max_tasks_per_firing) + " are allowed";
    for (size_t i = 0; i < x.items.size(); ++i)
      if (auto fault = take_task(std::move(x.items[i]), i, tasks); !fault.empty())
        return fault;
    return {};
  }

  static std::string take_task(script_value x, size_t position, std::vector<std::string>& tasks) {
    auto where = "make: task " + std::to_string(position + 1) + ": ";
    if (x.is != kind::object)
      return where + "must be a table with the fields of a task";
    auto fault = append_task_json(tasks.emplace_back(), std::move(x));
    return fault.empty() ? fault : where + fault;
  }

  lua_sandbox sandbox_;
};

} // namespace

std::shared_ptr<rule_judge> make_lua_judge(sandbox_limits limits) {
  return std::make_shared<lua_rules>(limits);
}

} // namespace overwatch
