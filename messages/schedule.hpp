#pragma once

#include "messages/error_code.hpp"
#include "messages/inspect_std.hpp"
#include "messages/requests.hpp"
#include "messages/task.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

/// Schedules: tasks at times.
namespace overwatch {

/// What becomes of slots that passed while no node ran (or the schedule was paused: those are always skipped).
enum class missed_policy : uint8_t { skip, once, all };
inline constexpr std::array<std::string_view, 3> missed_policy_names{"skip", "once", "all"};
inline std::string_view name_of(missed_policy x) { return missed_policy_names[static_cast<size_t>(x)]; }

/// What happens at a slot while the task of an earlier one is unfinished.
enum class overlap_policy : uint8_t { allow, skip, queue };
inline constexpr std::array<std::string_view, 3> overlap_policy_names{"allow", "skip", "queue"};
inline std::string_view name_of(overlap_policy x) { return overlap_policy_names[static_cast<size_t>(x)]; }

struct schedule_definition {
  std::string description;
  std::string cron;              ///< 5 or 6 fields (the first of 6 are seconds), or empty
  milliseconds interval{0};      ///< at least 1 s, when there is no cron; slots are multiples of it after `starts_at`
  std::optional<timestamp> starts_at; ///< no slot before it; of an interval without it: when it was created
  std::optional<timestamp> ends_at;   ///< no slot at or after it
  std::string time_zone = "UTC"; ///< of cron, an IANA name
  missed_policy missed = missed_policy::once;
  overlap_policy overlap = overlap_policy::skip;
  bool paused = false;
  submission task;               ///< the template; id, scheduled_at, created_at, unique_key and origin are set per slot
  std::string task_json;         ///< the template as the client sent it
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, schedule_definition& x) {
  return f(x.description, x.cron, x.interval, x.starts_at, x.ends_at, x.time_zone, x.missed, x.overlap, x.paused,
           x.task, x.task_json);
}

enum class slot_outcome : uint8_t {
  submitted,
  missed,  ///< passed while no node ran, and left out
  skipped, ///< an earlier task was unfinished
  waiting, ///< will be submitted once the earlier task has ended
  refused  ///< the task was not accepted; `note` says why
};
inline constexpr std::array<std::string_view, 5> slot_outcome_names{"submitted", "missed", "skipped", "waiting",
                                                                    "refused"};
inline std::string_view name_of(slot_outcome x) { return slot_outcome_names[static_cast<size_t>(x)]; }

struct schedule_slot {
  timestamp time;  ///< of the slot
  slot_outcome how = slot_outcome::submitted;
  bool by_hand = false; ///< run now
  task_id task;    ///< nil: none
  uint64_t count = 1; ///< slots that this entry stands for (missed ones are gathered)
  std::string note;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, schedule_slot& x) {
  return f(x.time, x.how, x.by_hand, x.task, x.count, x.note);
}

struct schedule_record {
  std::string name;
  schedule_definition definition;
  timestamp created_at;
  std::optional<timestamp> handled;     ///< all slots up to here are done with
  std::optional<timestamp> next;        ///< slot; none: paused or ended
  std::vector<timestamp> queued;        ///< slots that wait for an earlier task; at most `max_queued_slots`
  task_id last_task;                    ///< submitted by the newest slot; nil: none
  std::vector<schedule_slot> history;   ///< newest first, at most `max_schedule_history`
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, schedule_record& x) {
  return f(x.name, x.definition, x.created_at, x.handled, x.next, x.queued, x.last_task, x.history);
}

inline constexpr size_t max_schedules = 10'000;
inline constexpr size_t max_schedule_history = 50;
inline constexpr size_t max_queued_slots = 100;
inline constexpr size_t max_missed_slots = 1'000; ///< submitted by policy `all`; older ones are left out

// -- requests ------------------------------------------------------------------

struct schedules_request {};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, schedules_request&) { return f(); }

struct schedules_reply {
  std::vector<schedule_record> schedules; ///< by name
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, schedules_reply& x) { return f(x.schedules); }

struct schedule_request {
  std::string name;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, schedule_request& x) { return f(x.name); }

/// Creates or replaces a schedule. Slots that passed before it are not made up for.
struct put_schedule_request {
  std::string name;
  schedule_definition definition;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, put_schedule_request& x) { return f(x.name, x.definition); }

struct remove_schedule_request {
  std::string name;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, remove_schedule_request& x) { return f(x.name); }

enum class schedule_action : uint8_t { pause, resume, run_now };
inline constexpr std::array<std::string_view, 3> schedule_action_names{"pause", "resume", "run_now"};

/// Answers with the schedule as it is then; `run_now` has its task first in the history.
struct control_schedule_request {
  std::string name;
  schedule_action action = schedule_action::pause;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, control_schedule_request& x) { return f(x.name, x.action); }

/// The slots that come.
struct next_slots_request {
  std::string name;
  uint32_t count = 10; ///< 1 to 100
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, next_slots_request& x) { return f(x.name, x.count); }

struct next_slots_reply {
  std::vector<timestamp> slots;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, next_slots_reply& x) { return f(x.slots); }

} // namespace overwatch
