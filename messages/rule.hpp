#pragma once

#include "messages/error_code.hpp"
#include "messages/inspect_std.hpp"
#include "messages/requests.hpp"
#include "messages/task.hpp"

#include "messages/event.hpp"

#include <optional>
#include <string>
#include <vector>

/// Rules: conditions that create tasks.
namespace overwatch {

/// A condition and what to create once it holds. `condition` and `make` are Lua chunks in a sandbox.
struct rule_definition {
  std::string description;
  bool enabled = true;
  std::string condition;         ///< an expression or a chunk that returns true or false; empty: always true
  std::string make;              ///< a chunk that returns a task or a list of tasks as tables; or
  std::string task_json;         ///< a fixed task, as POST /tasks takes it
  milliseconds holds_for{0};     ///< `for`: how long the condition must hold before the rule fires
  milliseconds cooldown{0};      ///< no second time within it
  std::vector<event_kind> on;    ///< also judged when such an event comes; empty: only at the interval
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, rule_definition& x) {
  return f(x.description, x.enabled, x.condition, x.make, x.task_json, x.holds_for, x.cooldown, x.on);
}

struct rule_record {
  std::string name;
  rule_definition definition;
  bool built_in = false;   ///< ships with Overwatch (or is registered in C++): can be switched off, not removed
  std::optional<timestamp> judged_at;
  std::optional<timestamp> holds_since; ///< the condition has held since then
  std::optional<timestamp> fired_at;
  uint64_t fired = 0;      ///< times
  uint64_t created = 0;    ///< tasks
  std::string error;       ///< of the newest judgement; empty: it went well
  std::optional<timestamp> failed_at;
  std::vector<task_id> tasks; ///< the newest ones that it created, at most 10
  event_position heard;    ///< how far the events are that made it fire: none of them does so again
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, rule_record& x) {
  return f(x.name, x.definition, x.built_in, x.judged_at, x.holds_since, x.fired_at, x.fired, x.created, x.error,
           x.failed_at, x.tasks, x.heard);
}

inline constexpr size_t max_rules = 1'000;
inline constexpr size_t max_chunk_bytes = 64 * 1024;
inline constexpr size_t max_tasks_per_firing = 100;

// -- requests ------------------------------------------------------------------

struct rules_request {};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, rules_request&) { return f(); }

struct rules_reply {
  std::vector<rule_record> rules; ///< by name
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, rules_reply& x) { return f(x.rules); }

struct rule_request {
  std::string name;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, rule_request& x) { return f(x.name); }

/// Creates or replaces a rule. Chunks that do not compile are refused with their line. Of a built-in rule only
/// `enabled`, `holds_for` and `cooldown` can change.
struct put_rule_request {
  std::string name;
  rule_definition definition;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, put_rule_request& x) { return f(x.name, x.definition); }

struct remove_rule_request {
  std::string name;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, remove_rule_request& x) { return f(x.name); }

/// What would the rule do now? Creates nothing.
struct test_rule_request {
  std::string name;                          ///< of a stored rule, or
  std::optional<rule_definition> definition; ///< one to try
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, test_rule_request& x) { return f(x.name, x.definition); }

struct test_rule_reply {
  bool holds = false;       ///< the condition
  bool would_fire = false;  ///< also `for`, cooldown and `enabled`
  std::string why;          ///< a sentence
  std::vector<std::string> tasks; ///< JSON, as POST /tasks takes them
  std::string error;
  std::vector<std::string> printed; ///< what the chunks gave to print()
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, test_rule_reply& x) {
  return f(x.holds, x.would_fire, x.why, x.tasks, x.error, x.printed);
}

} // namespace overwatch
