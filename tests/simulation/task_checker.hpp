#pragma once

#include "actors/change.hpp"
#include "messages/key_value.hpp"
#include "messages/requests.hpp"
#include "tests/simulation/log_checker.hpp"
#include "tests/simulation/wire.hpp"

#include <map>
#include <set>
#include <string>

namespace overwatch::simulation {

/// Sees all that nodes apply, what attempts do, and what clients are told, and knows what must hold at all times. It is
/// called by actors, which must not throw: the first finding is kept, and the run ends with it.
class task_checker {
public:
  /// What every node has.
  task_checker(uint32_t slots_of_pool, uint32_t slots_of_node)
    : slots_of_pool_{slots_of_pool}, slots_of_node_{slots_of_node} {}

  // -- nodes ---------------------------------------------------------------------

  /// Replicas of a partition apply the same in the same order, and no outcome ever changes.
  void applied(const std::string& node, const applied_entry& x);

  /// Replicas at one position have one state.
  void state(const std::string& node, partition_id partition, uint64_t position, uint64_t digest);

  // -- attempts ------------------------------------------------------------------

  /// Each runs once, after the log said so; of those that hold a name or a key, no more run at a time than may, and no
  /// more of a pool, or on a node, than these have slots.
  void began(host_id where, const task_spec& spec, const fencing_token& fence);
  void ended(host_id where, const task_id& id, const fencing_token& fence, violation kind);
  void died(host_id where);

  // -- clients -------------------------------------------------------------------

  void acknowledged(const submit_receipt& x);

  /// What a client was told of a task; `current` if a read promised it and began when `known` was all that was
  /// acknowledged (see `known`).
  void told(const task_record& x);

  /// The task as far as it was acknowledged until now: what a read that begins now must show.
  struct knowledge {
    bool exists = false;
    bool ended = false;
    bool removed = false;
  };
  knowledge known(const task_id& id) const;
  void read(const task_id& id, const knowledge& before, const task_record* found);

  /// The newest version of a key that was acknowledged until now, and a current read that began then.
  uint64_t known_version(const std::string& key) const;
  void wrote(const key_record& x);
  void read(const std::string& key, uint64_t version_before, uint64_t version_found);

  void fail(const std::string& finding);

  // -- what is -------------------------------------------------------------------

  const std::string& finding() const { return finding_; } ///< empty: all is well
  const std::set<task_id>& tasks() const { return acknowledged_; }
  uint32_t newest_attempt(const task_id& id) const;
  std::optional<fencing_token> newest_fence(const task_id& id) const;
  uint32_t running_on(host_id where) const;
  const std::map<partition_id, uint64_t>& newest() const { return newest_; } ///< index that was applied anywhere

  uint64_t entries = 0;
  uint64_t attempts = 0;
  uint64_t outcomes = 0;
  uint64_t current_reads = 0;

private:
  struct outcome {
    task_status status = task_status::pending;
    fencing_token fence;
    violation kind = violation::none;
  };
  struct task {
    fencing_token newest;            ///< that was applied
    std::optional<outcome> ended;    ///< likewise
    std::optional<outcome> told;     ///< to a client
  };
  struct attempt {
    host_id where = 0;
    std::string task_type;
    std::vector<std::string> names;
    concurrency_limit key;
  };
  using attempt_name = std::pair<task_id, uint32_t>;

  void take(const task_change& x);
  void compare(const task_id& id, std::optional<outcome>& known, const outcome& found, const char* whose);
  void holds_too_much(const task_spec& spec);
  void takes_too_many_slots(host_id where, const std::string& task_type);

  uint32_t slots_of_pool_;
  uint32_t slots_of_node_;
  std::string finding_;
  std::map<std::pair<partition_id, uint64_t>, uint64_t> entries_; ///< digests, by index
  std::map<std::pair<partition_id, uint64_t>, uint64_t> states_;  ///< digests, by position
  std::map<partition_id, uint64_t> newest_; ///< index that was applied anywhere
  std::map<task_id, task> tasks_;
  std::map<attempt_name, fencing_token> begun_;
  std::map<attempt_name, violation> ended_;
  std::map<attempt_name, attempt> live_;
  std::set<task_id> acknowledged_;
  std::map<std::string, uint64_t> versions_;
};

} // namespace overwatch::simulation
