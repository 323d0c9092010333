#pragma once

#include "messages/gate.hpp"
#include "tests/simulation/task_checker.hpp"

namespace overwatch::simulation {

/// Sees which gates clients open and close, and which attempts start: none whose gate is closed, as its client was
/// told, until somebody asks to open it. Nobody asks to close a gate before all that was asked before was done.
class gate_checker {
public:
  explicit gate_checker(task_checker& all) : all_{all} {}

  /// After the task checker was told.
  void applied(const applied_entry& x);

  /// A client asks for a change: nothing is known until it is told. Gives the number of the change.
  uint64_t asked(const std::string& gate);
  void told(const std::string& gate, uint64_t change, bool open);

  /// What clients know when a current read begins, and what it found.
  struct knowledge {
    bool open = true;
    uint64_t change = 0;
  };
  std::map<std::string, knowledge> known() const { return known_; }
  void read(const std::map<std::string, knowledge>& before, const gates_reply& found);

  uint64_t closed = 0; ///< acknowledged

private:
  task_checker& all_;
  uint64_t changes_ = 0;
  std::map<std::string, uint64_t> asked_; ///< the newest change
  std::map<std::string, knowledge> known_;
  std::map<std::string, std::map<partition_id, uint64_t>> closed_after_; ///< what was applied when it was told
};

} // namespace overwatch::simulation
