#include "runtime/maintenance/plan.hpp"

#include "config/checks.hpp"
#include "config/options.hpp"
#include "runtime/handlers/json_text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <optional>

namespace overwatch::maintenance {

namespace json = boost::json;

namespace {

constexpr size_t max_rules = 100; // in a payload

/// The text that an option of the configuration takes; nothing for what it cannot be.
std::optional<std::string> option_text(const json::value& value) {
  if (value.is_string())
    return std::string{value.get_string()};
  if (value.is_int64() || value.is_uint64())
    return json::serialize(value);
  return std::nullopt;
}

/// Names are those of the configuration, with underscores: `older_than`.
template <class Rule>
std::string read_rule(const std::string& at, const json::object& fields, const std::vector<named_option<Rule>>& table,
                      Rule& rule) {
  for (const auto& [key, value] : fields) {
    std::string name{key};
    std::replace(name.begin(), name.end(), '_', '-');
    auto known = std::find_if(table.begin(), table.end(), [&](const auto& x) { return x.name == name; });
    if (known == table.end())
      return at + " has no field \"" + std::string{key} + "\"";
    auto text = option_text(value);
    auto wrong = text ? assign_text(known->field(rule), known->rules, *text)
                      : "must be " + describe_values(known->field(rule), known->rules);
    if (!wrong.empty())
      return at + "." + std::string{key} + " " + wrong;
  }
  return {};
}

template <class Rule>
std::string read_rules(const json::object& fields, const char* member, const std::vector<named_option<Rule>>& table,
                       std::map<std::string, Rule>& rules) {
  const auto* value = fields.if_contains(member);
  if (value == nullptr)
    return {};
  if (!value->is_object() || value->get_object().size() > max_rules)
    return std::string{member} + " must be an object of at most " + std::to_string(max_rules) +
           " rules with their names";
  rules.clear();
  for (const auto& [name, rule] : value->get_object()) {
    auto at = std::string{member} + "." + std::string{name};
    if (!rule.is_object())
      return at + " must be an object";
    if (auto wrong = read_rule(at, rule.get_object(), table, rules[std::string{name}]); !wrong.empty())
      return wrong;
  }
  return {};
}

std::string read_actions(const json::object& fields, std::vector<std::string>& actions) {
  const auto* value = fields.if_contains("actions");
  if (value == nullptr)
    return {};
  const auto* list = value->if_array();
  std::vector<std::string> wanted;
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto* text = (*list)[i].if_string();
    if (text == nullptr)
      return "actions must be texts: " + maintenance_action_list();
    wanted.emplace_back(*text);
  }
  if (wanted.empty())
    return "actions must be a list of some of " + maintenance_action_list();
  actions = std::move(wanted);
  return {};
}

/// What the configuration would be refused for is refused in a payload, too.
std::string check(const plan& x) {
  settings values;
  values.maintenance.actions = x.actions;
  values.maintenance.cleanup = x.cleanup;
  values.maintenance.rotate = x.rotate;
  for (const auto& finding : check_settings(values))
    if (finding.fatal)
      return finding.name + " " + finding.message;
  return {};
}

} // namespace

std::string parse_plan(std::string_view payload, const settings& config, plan& result) {
  json::object fields;
  if (auto wrong = parse_payload(payload, fields); !wrong.empty())
    return wrong;
  std::vector<std::string> wanted = config.maintenance.actions;
  result.cleanup = config.maintenance.cleanup;
  result.rotate = config.maintenance.rotate;
  for (const auto& [key, value] : fields) {
    if (key == "dry_run" && value.is_bool())
      result.dry_run = value.get_bool();
    else if (key == "dry_run")
      return "dry_run must be true or false";
    else if (key != "actions" && key != "cleanup" && key != "rotate")
      return "the payload has an unknown field \"" + std::string{key} +
             "\"; there are actions, dry_run, cleanup and rotate";
  }
  if (auto wrong = read_actions(fields, wanted); !wrong.empty())
    return wrong;
  if (auto wrong = read_rules(fields, "cleanup", cleanup_options(), result.cleanup); !wrong.empty())
    return wrong;
  if (auto wrong = read_rules(fields, "rotate", rotation_options(), result.rotate); !wrong.empty())
    return wrong;
  result.actions = wanted;
  if (auto wrong = check(result); !wrong.empty())
    return wrong;
  result.actions.clear();
  // Trimming keeps the disks of the whole machine busy, and most machines have a timer for it: only when it is named.
  for (auto action : maintenance_actions)
    if ((wanted.empty() && action != "trim") || std::find(wanted.begin(), wanted.end(), action) != wanted.end())
      result.actions.emplace_back(action);
  return {};
}

} // namespace overwatch::maintenance
