#pragma once

#include "actors/change.hpp"
#include "messages/schedule.hpp"

#include <caf/expected.hpp>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

namespace overwatch {

/// What is to go into the log in one entry: the tasks of slots, and the schedule as it is after them.
struct schedule_change {
  std::string name;
  std::vector<submission> tasks;         ///< complete, ids set; to be submitted with `check_id`
  std::optional<schedule_record> record; ///< none: the schedule is removed
};

/// Leaves a task out of a change that was not proposed yet, because it is not acceptable: its slot is noted as
/// `refused`.
void refuse_task(schedule_change& change, task_id id, const std::string& why);

/// All schedules, and what is due of them. Without clock, log or actors: its owner proposes the changes that it
/// makes, and says what became of them. A schedule has at most one change under way; what is shown by `list` and `find`
/// is what is durable.
///
/// Which slots are missed: those that have a newer slot behind them already when they are taken, and those that are
/// more than `slot_tolerance` late. Policy `once` makes one task, of the newest slot, for all that passed.
class schedule_book {
public:
  /// Makes the id of a task that is created at this time.
  using id_source = std::function<task_id(timestamp)>;

  explicit schedule_book(id_source ids);
  ~schedule_book();
  schedule_book(schedule_book&&) noexcept;
  schedule_book& operator=(schedule_book&&) noexcept;

  /// What the store has; replaces what was known. Also after a change `failed` whose outcome is unknown; ignored while
  /// another one is under way. Fails when it cannot be understood any more (its time zone is gone): it is listed, but
  /// never due.
  failure load(schedule_record record, bool last_task_unfinished);

  // -- what people ask for: each is a change under way, until `committed` or `failed` ------------------------------

  /// Creates or replaces. `invalid` names the field below the definition, as `/cron`; of the task only its deadline is
  /// looked at: tasks get one that is as far away as this one is from `now`. `conflict`, here and below: a change is
  /// under way, see `busy`.
  caf::expected<schedule_change> put(const std::string& name, schedule_definition definition, timestamp now);
  caf::expected<schedule_change> remove(const std::string& name);
  caf::expected<schedule_change> pause(const std::string& name);
  caf::expected<schedule_change> resume(const std::string& name, timestamp now);
  /// One task now, whatever the overlap policy says; the slots stay as they are.
  caf::expected<schedule_change> run_now(const std::string& name, timestamp now);

  // -- what time brings ------------------------------------------------------------------------------------------

  /// When `take_due` has something to do; may be in the past. O(1).
  std::optional<timestamp> next_due() const;

  /// Changes of up to `limit` schedules; each counts as under way from now on. A change has at most
  /// `max_tasks_per_change` tasks: what is left is due at once when it is committed.
  std::vector<schedule_change> take_due(timestamp now, size_t limit);

  /// Is a change of it under way? What else is asked of it has to wait.
  bool busy(const std::string& name) const;

  /// `change` was applied; `results` are those of its tasks, in their order. A task that `apply` did not accept is
  /// noted as `refused` (durable with the next change).
  void committed(const schedule_change& change, const std::vector<command_result>& results);

  /// It was not applied, as far as one knows. Slots are tried again after `schedule_retry_delay`, with the same task
  /// ids, so that none is doubled when it was applied all the same.
  void failed(const schedule_change& change, timestamp now);

  /// A task ended (or was removed). True when a slot that waited for it is due now.
  bool task_ended(const task_id& id);

  // -- reading ---------------------------------------------------------------------------------------------------

  const schedule_record* find(const std::string& name) const;
  std::vector<schedule_record> list() const; ///< by name

  /// Slots after `now`, or after what is handled if that is later; also of a paused schedule: as if it went on now.
  caf::expected<std::vector<timestamp>> next_slots(const std::string& name, size_t count, timestamp now) const;

private:
  struct entry;

  /// The entry of a schedule that has no change under way; `not_found` or `conflict`.
  caf::expected<entry*> idle(const std::string& name);
  schedule_change begin(entry& x, schedule_change change);
  void adopt(entry& x, schedule_record record);
  void index(entry& x);
  void unindex(entry& x);
  void watch(entry& x, const task_id& id);
  void forget_tasks(entry& x);

  schedule_change take(entry& x, timestamp now);

  id_source ids_;
  std::map<std::string, std::unique_ptr<entry>> entries_;
  std::set<std::pair<timestamp, std::string>> due_;
  std::unordered_map<task_id, entry*> tasks_; ///< whose end matters to a schedule
};

inline constexpr size_t max_schedule_name_bytes = 200; ///< leaves room for the slot in the unique key
inline constexpr size_t max_tasks_per_change = 100;
inline constexpr auto slot_tolerance = std::chrono::seconds{60};
inline constexpr auto schedule_retry_delay = std::chrono::seconds{5};

} // namespace overwatch
