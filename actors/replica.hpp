#pragma once

#include "actors/cluster_interfaces.hpp"
#include "actors/interfaces.hpp"
#include "actors/log_driver.hpp"
#include "actors/partition_state.hpp"
#include "actors/state_receiver.hpp"

#include <caf/actor_clock.hpp>

#include <deque>
#include <functional>
#include <map>

namespace overwatch {

struct replica_options {
  partition_id partition = 0;
  uint32_t partitions = 1;                   ///< of the cluster
  std::string node;
  member_id self = 1;
  std::vector<log_member> initial_members{{1, {}, true}}; ///< of a partition that begins; empty: waits to be added
  milliseconds flush_interval{200};          ///< the state in memory is written, and waits expire, this often
  size_t flush_tasks = 16'384;               ///< or when this many tasks changed
  size_t flush_bytes = 32ULL << 20;          ///< or when they have about this many bytes
  uint64_t checkpoint_bytes = 32ULL << 20;   ///< log since the last checkpoint; bounds the time of a restart
  size_t max_waits = 10'000;                 ///< `wait_request`s at once
  milliseconds group_interval{250};          ///< between two looks at who belongs to the group
  state_receiver_options receiving;
  bool receive_detached = true;              ///< false: on the scheduler's threads (for tests)
  std::function<timestamp()> clock = now;    ///< of the entry that begins a leadership
};

/// Whom a replica talks to. The scheduler, the hub and the metrics get every applied entry.
struct replica_links {
  store* db = nullptr; ///< written only by the journal, and by receivers of whole states
  journal_actor journal;
  task_reader_actor reader; ///< for the scheduler's pages
  event_hub_actor events;
  metrics_actor metrics;
  state_shipper_actor shipper{};              ///< none: it never has other members
  std::vector<leader_listener> on_leadership{}; ///< are told who leads
  roster_actor roster_listener{};             ///< is told what the control partition says of nodes; may be none
};

/// Owns the state machine of one partition on this node and drives its log. Whatever goes wrong with the
/// log or the store ends the process; a replica never continues from a state that it is not sure of.
struct replica_state {
  static inline const char* name = "replica";

  replica_options options;
  replica_links links;
  scheduler_actor scheduler;
  std::unique_ptr<log_driver> log;
  std::unique_ptr<partition_state> machine;

  struct wait {
    caf::typed_response_promise<task_record> promise;
    caf::actor_clock::time_point until;
  };
  std::multimap<task_id, wait> waits;
  std::vector<entry_watcher> watchers; ///< get every applied entry, beside those in `links`

  struct flush_on_its_way {
    uint64_t number = 0;
    uint64_t applied = 0;
    std::vector<std::function<void(uint64_t)>> then; ///< called with `applied` once it is in the store
  };
  std::deque<flush_on_its_way> flushes;
  bool ticking = false;
  bool recovering = false; ///< entries are applied that were stored when it started
  std::optional<log_time> next_tick; ///< of the log, that was asked for
  std::deque<proposal> refused;      ///< by a log that leads: proposed again
  struct confirmation {
    caf::typed_response_promise<uint64_t> promise;
    log_time until{0};
  };
  std::deque<confirmation> confirmations; ///< that wait for a majority

  /// A state on its way to a member.
  struct shipment {
    bool opening = false;
    std::optional<state_offer> offer; ///< none: no transfer is open
    log_time told{0};                 ///< of the offer
    log_time not_before{0};           ///< of the next transfer
    uint64_t kept_from = 0;           ///< entries that it may need until then
  };
  /// The state of another member on its way here.
  struct arrival {
    state_receiver_actor receiver;
    state_offer offer;
    double bytes = 0;
    bool installing = false; ///< the receiver writes
  };
  struct {
    std::map<std::string, peer_report> peers; ///< by node
    std::map<member_id, shipment> shipments;
    std::optional<arrival> arriving;
    uint64_t previous_checkpoint = 0; ///< entries behind it are kept for members that lag
    bool looking = false;
    bool looked = false;              ///< since the last news of peers
    bool opened = false;              ///< it leads, and its first entry is applied
    std::optional<timestamp> leaderless_since;
  } group;
  log_maker make_log;
};

/// Recovers from the store, then drives the log. Tells `scheduler` when it leads.
replica_actor::behavior_type replica(replica_actor::stateful_pointer<replica_state> self, replica_options options,
                                     replica_links links, scheduler_actor scheduler,
                                     log_maker make_log);

} // namespace overwatch
