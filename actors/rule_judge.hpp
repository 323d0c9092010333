#pragma once

#include "messages/rule.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace overwatch {

/// The event that a rule is judged for.
struct rule_event {
  event_kind kind = event_kind::task_created;
  std::string message; ///< as the event has it; of a gate: name and reason
  // Of a task; empty when the event is about none.
  std::string task_id;
  std::string task_name;
  std::string task_type;
  std::string task_status;
  std::string error;  ///< of its newest violation
  std::string origin; ///< kind and id, as `rule:backup`
  uint64_t count = 1; ///< events that this one stands for, when more came than can wait
};

/// What the chunks of a rule can see.
struct rule_inputs {
  timestamp now;
  std::string node;
  std::chrono::seconds uptime{0};
  std::map<std::string, double> metrics; ///< of the host
  std::map<std::string, double> stats;   ///< of the tasks
  std::map<std::string, bool> gates;     ///< open?
  std::optional<rule_event> event;       ///< none: judged because of the interval, or asked to
};

/// What a chunk gave.
struct rule_answer {
  bool holds = false;             ///< of a condition
  std::vector<std::string> tasks; ///< of `make`: JSON, as POST /tasks takes them
  std::string error;              ///< with the chunk's line; empty: it went well
  std::vector<std::string> printed;
};

/// A rule in C++. It fires when `make` returns tasks; called on the thread that judges rules.
struct native_rule {
  std::string name;
  std::string description;
  std::function<std::vector<submission>(const rule_inputs&)> make;
};

/// Runs the chunks of rules; the seam behind which the language is. Slow up to its own time limit, so it is called on a
/// thread of its own; one call at a time. Nothing of one call is seen by the next.
class rule_judge {
public:
  virtual ~rule_judge() = default;

  /// Do the chunks compile? Names the field (`/condition`, `/make`) and the line.
  virtual failure check(const rule_definition& x) = 0;

  /// An empty condition holds.
  virtual rule_answer condition(const rule_record& rule, const rule_inputs& inputs) = 0;

  /// The tasks that the rule creates now, from `make` or `task_json`.
  virtual rule_answer make(const rule_record& rule, const rule_inputs& inputs) = 0;
};

} // namespace overwatch
