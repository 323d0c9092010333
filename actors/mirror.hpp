#pragma once

#include "actors/interfaces.hpp"

#include <caf/actor_clock.hpp>
#include <caf/typed_response_promise.hpp>

#include <map>
#include <vector>

namespace overwatch {

struct mirror_options {
  uint32_t partitions = 1;              ///< of the cluster, the control partition among them
  milliseconds settle_limit{5'000};     ///< then who waits is told which partitions do not have it yet
  milliseconds request_timeout{10'000}; ///< of one try, with the router's search for a leader
  milliseconds retry_interval{250};     ///< between tries that failed
  size_t max_settles = 10'000;          ///< that wait
};

/// Brings gates, what was said of nodes, and settings from the control partition into all others: each has them in its
/// own replicated state, because its `apply` and its scheduler decide with them. Runs where the control partition
/// leads.
///
/// At its start it tells every partition all, then what changes, once the last answer is there; what fails is tried
/// again without end. Needs nothing durable: every partition knows which position it shows.
class mirror_state {
public:
  static inline const char* name = "mirror";
  using pointer = mirror_actor::stateful_pointer<mirror_state>;

  /// `replica`: of the control partition. `router`: finds the leaders of the others.
  void set_up(pointer self, mirror_options options, replica_actor replica, partition_gateway_actor router);

  void applied(const applied_entry& entry);
  caf::result<uint64_t> settle();
  void tick();

private:
  using time_point = caf::actor_clock::time_point;

  struct value {
    std::optional<std::string> text; // none: removed
    uint64_t changed = 0;            // position
  };

  struct target {
    bool told_all = false;
    uint64_t has = 0; // position, once it was told all
    bool asked = false;
  };

  struct waiting {
    std::optional<uint64_t> position; // none: it is not known yet what there is
    time_point until;
    caf::typed_response_promise<uint64_t> promise;
  };

  void load();
  void adopt(control_state& x);
  void set(mirrored_value&& x, uint64_t position);
  bool has(const target& x, uint64_t position) const { return x.told_all && x.has >= position; }
  std::vector<partition_id> without(uint64_t position) const;
  void send_news();
  void send_news(partition_id partition, target& to);
  void answer_waiting();
  void arm();

  pointer self_ = nullptr;
  mirror_options options_;
  replica_actor replica_;
  partition_gateway_actor router_;
  bool loaded_ = false;
  bool loading_ = false;
  mirror_mark mark_; // of the newest change
  std::map<std::pair<mirrored_kind, std::string>, value> values_;
  bool any_removed_ = false; // among the values
  std::map<partition_id, target> targets_;
  std::vector<waiting> waiting_;
  bool armed_ = false;
};

mirror_actor::behavior_type mirror(mirror_state::pointer self, mirror_options options, replica_actor replica,
                                   partition_gateway_actor router);

} // namespace overwatch
