#pragma once

#include "messages/schedule.hpp"
#include "tests/simulation/task_checker.hpp"

namespace overwatch::simulation {

/// Sees what schedules make of their slots, and knows what must hold of them: each has one task, or is noted as left
/// out; one that was stopped makes no more. The schedules of a run have different names, and none is started again.
class slot_checker {
public:
  explicit slot_checker(task_checker& all) : all_{all} {}

  /// No slot has two tasks, and nothing comes after a schedule was stopped.
  void applied(const applied_entry& x);

  // -- clients -------------------------------------------------------------------

  /// It was made: its slots from the next one on are accounted for.
  void promised(const schedule_record& x);

  /// A client asks to stop it, and was told that it is: removed, or paused.
  void asked_to_stop(const std::string& name);
  void stopped(const std::string& name);

  /// How far the schedule was, as far as a client knows, when a current read began, and what it found.
  std::optional<timestamp> known(const std::string& name) const;
  void read(const std::string& name, std::optional<timestamp> before, const schedule_record* found);

  // -- in the end ------------------------------------------------------------------

  /// All schedules that are stored, and have no more slots to come.
  void look_at(const std::vector<schedule_record>& all) const;

  /// And the tasks of one of them.
  void look_at(const schedule_record& schedule, const task_page& page);

  uint64_t accounted = 0; ///< slots

private:
  struct promise {
    timestamp first;
    std::optional<timestamp> handled; ///< told to a client
  };

  task_checker& all_;
  std::map<std::string, task_id> tasks_;         ///< by unique key: a slot, or a wish
  std::map<std::string, uint64_t> stopped_at_;   ///< index of the entry
  std::map<std::string, uint64_t> last_made_at_; ///< likewise, of a task of a slot, or of a schedule that goes on
  std::map<std::string, promise> promised_;      ///< and nobody asked to stop it
  std::set<std::string> stopped_;                ///< acknowledged
};

} // namespace overwatch::simulation
