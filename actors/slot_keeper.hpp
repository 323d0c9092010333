#pragma once

#include "actors/interfaces.hpp"
#include "actors/running_limit.hpp"
#include "actors/slot_shares.hpp"

#include <caf/actor_clock.hpp>

namespace overwatch {

/// From a pool of the node: how many slots it has, each time that this changes; 0: nothing may start.
struct pool_slots {
  std::string task_type;
  std::string name;
  uint32_t slots = 0;
  pool_actor pool;
};

/// Divides the slots of a node's pools, and what the node may run at once, among the partitions.
using slot_keeper_actor = caf::typed_actor<
  caf::reacts_to<pool_slots>,
  caf::reacts_to<slot_demand>,
  // The scheduler that leads a partition, on whatever node; null: none is in sight.
  caf::reacts_to<caf::join_atom, partition_id, caf::strong_actor_ptr>,
  // Internal: divide again.
  caf::reacts_to<caf::flush_atom>,
  // Internal: say again what was not answered, and ask.
  caf::reacts_to<caf::tick_atom>>;

struct slot_keeper_options {
  std::string node;
  std::shared_ptr<running_limit> places;
  milliseconds tick_interval{500}; ///< between two looks, and two questions while partitions wait for slots
  milliseconds resend_after{2'000};///< a share that was not answered
  milliseconds ask_after{5'000};   ///< what a scheduler has and wants, when nothing happens
  milliseconds ask_idle_after{60'000}; ///< one that has and wants nothing: it says by itself, and again, when it wants something
  milliseconds forget_after{60'000}; ///< what runs for a partition that has no scheduler in sight
  /// for so long a partition keeps a slot that others wait for, where there are fewer than those
  milliseconds turn{1'000};
};

/// Every node with several partitions has one. Says to each scheduler its `slot_share`, which it answers with its
/// `slot_demand`.
///
/// Nobody is promised what another may still use: a share that shrinks is free when its scheduler has answered and its
/// attempts above it have ended. One share at a time is on its way to each scheduler, and is said again until it is
/// answered; so nothing has to arrive. Schedulers are asked now and then; those that have and want nothing hardly ever. One
/// that goes away leaves its share, but for what runs, for a while.
class slot_keeper_state {
public:
  static inline const char* name = "slot_keeper";
  using pointer = slot_keeper_actor::stateful_pointer<slot_keeper_state>;

  void set_up(pointer self, slot_keeper_options options);

  // One method per message; see `slot_keeper_actor`.
  void set_slots(const pool_slots& x);
  void hear(const slot_demand& x, const caf::strong_actor_ptr& from);
  void join(partition_id partition, scheduler_actor scheduler);
  void divide();
  void tick();
  void down(const caf::actor_addr& source);

private:
  using time_point = caf::actor_clock::time_point;

  struct claimant {
    slot_claim claim;
    uint32_t said = 0;  // its share
    uint32_t next = 0;  // what it should be now
    uint32_t fair = 0;
    uint64_t turn = 0;  // who has the smallest comes first
    time_point since{}; // its share is not 0
  };

  // The slots of a pool, or of the node.
  struct division {
    uint32_t total = 0;
    pool_actor pool;
    std::map<partition_id, claimant> claimants;
    bool is_short = false;
  };

  struct partition {
    scheduler_actor scheduler; // null: none is in sight
    uint64_t said = 0;         // the number of the newest share
    uint64_t heard = 0;        // of the newest demand
    bool answered = true;
    bool ask = true;           // say the share although it is the same
    bool idle = false;         // it has and wants nothing, as far as it was heard
    time_point said_at{};
    time_point gone_at{};      // the scheduler
  };
  using pool_name = std::pair<std::string, std::string>; // task type, name

  void schedule();
  void divide(division& x);
  void add_node_demand(const division& pool);
  void say(partition_id number, partition& to);
  milliseconds wait_of(const partition& x, bool is_short) const;
  void end_turns(division& x, time_point time);
  template <class Function>
  void for_each_division(Function visit);

  pointer self_ = nullptr;
  slot_keeper_options options_;
  std::map<partition_id, partition> partitions_;
  std::map<pool_name, division> pools_;
  division node_;
  uint64_t turns_ = 0;
  bool scheduled_ = false;
};

slot_keeper_actor::behavior_type slot_keeper(slot_keeper_state::pointer self, slot_keeper_options options);

} // namespace overwatch

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::pool_slots)
