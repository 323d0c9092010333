#pragma once

#include "actors/failure_share.hpp"
#include "actors/gate_condition.hpp"
#include "actors/interfaces.hpp"
#include "actors/time_zone.hpp"

#include <deque>

namespace overwatch {

struct gate_manager_options {
  std::function<timestamp()> clock = now;

  /// Values of the host by the names in `health_metric_names`; what cannot be read is left out. Must not block: it is
  /// called at most once per `interval`, and only while there is a gate that looks at one of them.
  std::function<std::map<std::string, double>()> sample;

  milliseconds interval{1000};          ///< between two looks at gates of kind health
  milliseconds request_timeout{30'000}; ///< of a change; when it passes, the store is asked what became of it
  /// who asked is answered once all partitions have his change; none: there is one
  mirror_actor mirror;
};

/// Owns the gates: loads them when it starts, takes the changes that people ask for, and judges those of kinds health
/// (each `interval`, while there are any) and window (at their edges). A change counts once it is applied; changes of
/// one gate are done one after the other. Its own changes that fail are tried again with the next look.
class gate_manager_state {
public:
  static inline const char* name = "gate_manager";
  using pointer = gate_manager_actor::stateful_pointer<gate_manager_state>;

  void set_up(pointer self, gate_manager_options options, scheduler_actor scheduler,
              std::vector<replica_actor> replicas);

  caf::result<gates_reply> list();
  caf::result<gate_record> change(set_gate_request x);
  caf::result<gate_record> remove(const remove_gate_request& x);
  void tick(uint64_t generation);

private:
  using gate_promise = caf::typed_response_promise<gate_record>;
  using readings = std::map<std::string, double>;

  /// One that somebody asked for.
  struct requested_change {
    std::optional<set_gate_request> set; ///< none: remove
    gate_promise promise;
  };

  struct gate {
    bool stored = false; ///< false: it is being created
    gate_record record;
    condition_state condition;
    std::optional<time_zone> zone;
    std::optional<timestamp> next_edge; ///< of its windows; none: to be looked at
    bool in_window = false;             ///< until then
    bool changing = false;
    std::deque<requested_change> waiting;
  };

  void load(std::string after);
  void when_loaded(std::function<void()> what);
  caf::result<gate_record> enqueue(const std::string& name, requested_change x);
  void begin(const std::string& name, gate& x, requested_change asked);
  void propose(const std::string& name, std::optional<gate_record> record, std::optional<gate_promise> promise);
  void answer(gate_promise promise, gate_record record);
  void settle(const std::string& name, const std::optional<gate_record>& record);
  void look_up(const std::string& name);
  void go_on(const std::string& name);
  void adopt(gate& x, gate_record record);
  void judge_health(const readings& values);
  void judge_windows();
  void switch_to(gate& x, bool open, std::string reason);
  void look_at_health();
  readings tasks_of(const stats_reply& stats);
  void wake_at(timestamp time);
  void wake_for_next();

  pointer self_ = nullptr;
  gate_manager_options options_;
  scheduler_actor scheduler_;
  std::vector<replica_actor> replicas_; // by partition
  std::map<std::string, gate> gates_;
  bool loaded_ = false;
  std::vector<std::function<void()>> until_loaded_;
  failure_share failures_;
  bool reading_ = false; ///< of the replica's counters
  timestamp next_look_;  ///< at gates of kind health
  timestamp last_tick_;
  std::optional<timestamp> wakes_at_;
  uint64_t generation_ = 0; ///< of the running timer
};

/// `replicas`: those of this node, by partition. `scheduler`: of the control partition.
gate_manager_actor::behavior_type gate_manager(gate_manager_state::pointer self, gate_manager_options options,
                                               scheduler_actor scheduler, std::vector<replica_actor> replicas);

inline constexpr size_t max_waiting_gate_changes = 100; ///< of one gate; and requests while the gates are being loaded
inline constexpr auto longest_gate_sleep = std::chrono::minutes{1}; ///< a clock that was set is noticed after it

} // namespace overwatch
