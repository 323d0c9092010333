#pragma once

#include "actors/interfaces.hpp"
#include "actors/log_driver.hpp"
#include "actors/partition_state.hpp"
#include "actors/replicated_log.hpp"

#include <caf/actor_clock.hpp>

#include <deque>
#include <functional>
#include <map>

namespace overwatch {

struct replica_options {
  partition_id partition = 0;
  std::string node;
  member_id self = 1;
  std::vector<log_member> initial_members{{1, {}, true}}; ///< of a partition that begins; empty: waits to be added
  milliseconds flush_interval{200};          ///< the state in memory is written, and waits expire, this often
  size_t flush_tasks = 16'384;               ///< or when this many tasks changed
  size_t flush_bytes = 32ULL << 20;          ///< or when they have about this many bytes
  uint64_t checkpoint_bytes = 32ULL << 20;   ///< log since the last checkpoint; bounds the time of a restart
  size_t max_waits = 10'000;                 ///< `wait_request`s at once
  std::function<timestamp()> clock = now;    ///< of the entry that begins a leadership
};

/// Whom a replica talks to. The scheduler, the hub and the metrics get every applied entry.
struct replica_links {
  const store_reader* db = nullptr;
  journal_actor journal;
  task_reader_actor reader; ///< for the scheduler's pages
  event_hub_actor events;
  metrics_actor metrics;
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
};

/// Recovers from the store, then drives the log. Tells `scheduler` when it leads.
replica_actor::behavior_type replica(replica_actor::stateful_pointer<replica_state> self, replica_options options,
                                     replica_links links, scheduler_actor scheduler,
                                     log_maker make_log);

} // namespace overwatch
