#pragma once

#include "messages/error_code.hpp"
#include "messages/inspect_std.hpp"
#include "messages/requests.hpp"
#include "messages/task.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Gates: named switches that tasks require to be open when they start. A gate that nobody declared is open.
namespace overwatch {

enum class gate_kind : uint8_t {
  manual,  ///< people and programs switch it
  health,  ///< closed while a condition on a metric holds
  window,  ///< open only in given times
  approval ///< closed but for the tasks that a person approved
};
inline constexpr std::array<std::string_view, 4> gate_kind_names{"manual", "health", "window", "approval"};
inline std::string_view name_of(gate_kind x) { return gate_kind_names[static_cast<size_t>(x)]; }

enum class comparison : uint8_t { above, below };
inline constexpr std::array<std::string_view, 2> comparison_names{"above", "below"};
inline std::string_view name_of(comparison x) { return comparison_names[static_cast<size_t>(x)]; }

/// Holds once `metric` was at or beyond `threshold` for `lasting`; ends once it is back by more than `margin`
/// (a value at the edge does not flap). A metric that cannot be read leaves the state as it is.
struct metric_condition {
  std::string metric; ///< see `health_metric_names`
  comparison side = comparison::above;
  double threshold = 0;
  double margin = 2;        ///< at least 0, in the unit of the metric
  milliseconds lasting{0};  ///< 0 to 1 day
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, metric_condition& x) {
  return f(x.metric, x.side, x.threshold, x.margin, x.lasting);
}

/// What a condition may look at: percent of the machine, load per core, tasks that wait, percent of tasks that failed
/// among those that ended in the last five minutes.
inline constexpr std::array<std::string_view, 7> health_metric_names{
  "cpu_percent", "memory_percent", "disk_percent", "load_per_core", "queue_depth", "running_tasks", "failure_percent"};

/// Open from `from` until `to` on the given days. A window that ends before it begins goes over midnight and
/// belongs to the day on which it begins; equal ends mean the whole day.
struct time_window {
  uint8_t days = 0x7F;    ///< bit 0 is Monday
  uint16_t from = 0;      ///< minutes after midnight, 0 to 1439
  uint16_t to = 0;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, time_window& x) {
  return f(x.days, x.from, x.to);
}

/// What a gate is told to be.
struct gate_definition {
  gate_kind kind = gate_kind::manual;
  std::string description;
  metric_condition closes_while;     ///< of kind health
  std::vector<time_window> windows;  ///< of kind window; at most 64
  std::string time_zone = "UTC";     ///< of kind window, an IANA name
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, gate_definition& x) {
  return f(x.kind, x.description, x.closes_while, x.windows, x.time_zone);
}

/// One entry of a gate's history.
struct gate_change {
  timestamp time;
  bool open = true;
  std::string by;     ///< a person, a program, or `gate_manager`
  std::string reason;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, gate_change& x) {
  return f(x.time, x.open, x.by, x.reason);
}

struct gate_record {
  std::string name;
  gate_definition definition;
  bool open = true;                 ///< of kind approval always false
  std::vector<gate_change> history; ///< newest first, at most `max_gate_history`; the first is what holds now
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, gate_record& x) {
  return f(x.name, x.definition, x.open, x.history);
}

inline constexpr size_t max_gates = 10'000;
inline constexpr size_t max_gate_history = 100;
inline constexpr size_t max_windows = 64;

// -- requests ------------------------------------------------------------------

/// All gates, by name.
struct gates_request {};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, gates_request&) { return f(); }

struct gates_reply {
  std::vector<gate_record> gates;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, gates_reply& x) { return f(x.gates); }

/// Declares a gate or changes it. Fields that are not set stay as they are (a new gate: manual, open).
/// Answers with the gate once the change is durable. `open` is refused for kinds that judge by themselves.
struct set_gate_request {
  std::string name;
  std::optional<gate_definition> definition;
  std::optional<bool> open;
  std::string by;
  std::string reason;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, set_gate_request& x) {
  return f(x.name, x.definition, x.open, x.by, x.reason);
}

/// Forgets a gate: it counts as open. Answers with what it was, or `not_found`.
struct remove_gate_request {
  std::string name;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, remove_gate_request& x) { return f(x.name); }

/// Opens an approval gate for one task. `gate` may be empty when the task requires one approval gate only.
struct approve_request {
  task_id id;
  std::string gate;
  std::string by;
  std::string reason;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, approve_request& x) { return f(x.id, x.gate, x.by, x.reason); }

} // namespace overwatch
