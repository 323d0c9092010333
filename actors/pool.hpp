#pragma once

#include "actors/interfaces.hpp"
#include "actors/running_limit.hpp"
#include "actors/slot_keeper.hpp"
#include "actors/waiting_attempts.hpp"

#include <caf/actor_clock.hpp>

#include <unordered_map>

namespace overwatch {

/// Makes the worker with this number, which runs one attempt at a time and answers each `work` with `attempts_done` to
/// `owner`. It must not block a thread of CAF's scheduler.
using worker_maker = std::function<worker_actor(caf::actor_system&, uint64_t number, pool_actor owner)>;

struct pool_options {
  std::string task_type;
  std::string node;
  std::string name;                   ///< among the pools of the type on this node; empty: the type
  handler_registry::entry handler;
  uint32_t slots = 1;
  milliseconds tick_interval{100};    ///< between two looks at what blocking handlers report
  milliseconds stop_grace{10'000};    ///< a handler that ignores a stop for this long loses its slot
  size_t inline_batch = 64;           ///< attempts that a worker of a non-blocking handler takes at once
  size_t max_inline_workers = 4;
  std::shared_ptr<running_limit> places; ///< of this node; null: only its own slots limit the pool
  snapshotter_actor snapshotter;      ///< of this node; may be null when no task has a scope of files
  std::shared_ptr<node_services> services; ///< for handlers; may be null
  bool gives_all = false;             ///< attempts go to workers however few the slots: it is for these to say what they take
  worker_maker make_worker;           ///< empty: workers that call the handler; else its `blocking` should be true
  milliseconds offer_interval{2'000}; ///< an offer is repeated until the scheduler answers
  milliseconds resend_after{5'000};   ///< outcomes that are not settled by then are sent again
  milliseconds fence_after{4'000};    ///< attempts that must not run twice end when no scheduler lets them go on for so long
  milliseconds lease_interval{1'000}; ///< between two questions whether they may
  milliseconds settle_limit{5'000};   ///< for so long a drain waits until the outcomes are settled
  std::function<timestamp()> clock = now;
};

/// The workers of one task type on one node: runs what schedulers assign, watches timeouts and deadlines,
/// passes on what handlers report, and stops them. Keeps every outcome until it is settled.
///
/// Never runs more attempts than it has slots, nor, with the other pools, more than its node may: what is sent above that waits.
/// Only attached workers are given all at once: their sessions let them claim no more than they have slots.
///
/// The scheduler of a partition may be on any node, and is another one after a change of leader: it is told all that the
/// pool holds of its partition. Without one in sight attempts go on, but for those that must not run twice at a time:
/// they hold an exclusive name, a concurrency key or a snapshot scope, begin with a lease of the scheduler, and are stopped
/// when it runs out, before somebody else may have it.
///
/// Owns its workers. One that ignores a stop keeps its thread, but not its slot: it is fenced off, counted as
/// abandoned, and forgotten when it comes back. A pool that dies loses its attempts; the scheduler sees that.
class pool_state {
public:
  static inline const char* name = "pool";
  using pointer = pool_actor::stateful_pointer<pool_state>;

  /// A pool that dies tells its handlers to stop: their attempts are lost and will be started again.
  ~pool_state();

  void set_up(pointer self, pool_options options, journal_actor journal);

  // One method per message; see `pool_actor`.
  void hear(assignment_batch& x, const caf::strong_actor_ptr& sender);
  void stop(const stop_attempt& x);
  void set_deadline(const deadline_change& x);
  void take_outcomes(attempts_done& x);
  void resize(uint32_t slots);
  void share_slots(slot_keeper_actor keeper);
  void take_place();
  void join(const leader_in_sight& x);
  void take_leases(const lease_grant& x);
  caf::result<drain_reply> drain(const drain_request& x);
  pool_status status() const;
  workers_reply workers() const;
  void tick(uint64_t generation);
  void worker_down(const caf::actor_addr& source);
  void scheduler_down(const caf::actor_addr& source);

private:
  using time_point = caf::actor_clock::time_point;

  // The scheduler of one partition.
  struct leader {
    scheduler_actor handle; // null: none is in sight
    message_mark heard;
    std::optional<time_point> repeat_at; // the offer, while it is not answered
    bool grants_leases = true;
    milliseconds lease{4'000};           // as it grants them
    std::optional<time_point> renew_at;  // all of them
    std::optional<time_point> fence_at;  // without leases: when attempts that must not run twice are stopped
  };

  // Of an attempt that must not run twice.
  struct lease {
    time_point until;
    bool granted = false; // it may begin; false: it is given back then
  };

  struct attempt_key {
    task_id id;
    fencing_token fence;
    bool operator==(const attempt_key& x) const { return id == x.id && fence == x.fence; }
  };
  struct attempt_hash {
    size_t operator()(const attempt_key& x) const { return std::hash<task_id>{}(x.id) ^ x.fence.attempt; }
  };

  // Its outcome is not settled.
  struct ended_attempt {
    attempt_outcome outcome;
    time_point sent_at;
    uint64_t worker = 0; // that wants to hear what became of it; 0: none
  };

  struct worker_entry {
    worker_actor handle;
    std::vector<task_id> tasks; // empty: idle
    bool abandoned = false;
    bool retired = false;   // gets no more work, and goes when its outcomes are settled
    size_t unsettled = 0;   // outcomes that it wants to hear of
    uint64_t completed = 0;
    uint64_t failed = 0;
  };

  struct attempt {
    assignment what;
    uint64_t worker = 0;
    std::shared_ptr<cancellation> stop;
    std::shared_ptr<attempt_report> report;
    uint64_t lines = 0; // that it has logged
    double percent = 0;
    std::string message;
    timestamp began;
    std::optional<timestamp> deadline;
    time_point timeout_at;
    time_point stop_at;                 // by timeout or deadline
    std::optional<time_point> fence_at; // when it loses its slot
    cancellation::cause stop_cause = cancellation::cause::timeout;
  };

  // An attempt whose snapshot is being captured.
  struct capture {
    assignment what;
    cancellation::cause stop = cancellation::cause::none;
  };

  const std::string& own_name() const { return options_.name.empty() ? options_.task_type : options_.name; }
  void offer(partition_id partition, leader& to);
  void offer_to_all();
  void tell_keeper();
  void watch_leaders(time_point time);
  bool may_begin(const assignment& what) const;
  void change_leases(const leader_in_sight& what, leader& x);
  void ask_for_leases(partition_id partition, leader& to, time_point time);
  void watch_leases(time_point time);
  template <class Visit>
  void each_to_lease(Visit visit);
  template <class Predicate>
  void fence_off(Predicate meant);
  void settle(const std::vector<settled_outcome>& outcomes);
  void send_again(time_point time);
  void send_all_outcomes(partition_id partition);
  void conclude(attempt_outcome&& x, uint64_t worker = 0);
  void send_outcomes();
  void take(assignment&& what);
  uint64_t idle_worker();
  void watch_deadline_of(const assignment& what);
  bool has_slot() const { return options_.gives_all || slots_taken_ < options_.slots; }
  bool take_slot();
  void return_slots();
  std::optional<assignment> next_to_start();
  void dismiss(std::map<uint64_t, worker_entry>::iterator worker);
  bool captures(const task_spec& spec) const;
  void begin_capture(assignment&& what);
  void captured(const task_id& id, const fencing_token& fence, const failure& error, bool retryable);
  void set_stop_time(attempt& x) const;
  attempt_outcome never_began(const assignment& what, std::string message) const;
  attempt_outcome sent_back(const assignment& what) const;
  void start_waiting();
  void start(uint64_t number, std::vector<assignment> batch);
  void forget(std::unordered_map<task_id, attempt>::iterator ended);
  attempt_outcome outcome_of(const attempt& x, const outcome& how) const;
  void pass_reports();
  void pass_report(attempt& x, std::map<partition_id, progress_batch>& progress, journal_write& lines);
  void send_reports(std::map<partition_id, progress_batch> progress, journal_write lines);
  void ask_to_stop(attempt& x, cancellation::cause why);
  void stop_early(const assignment& what, cancellation::cause why);
  void watch_time(time_point time);
  void watch_waiting();
  void abandon(attempt& x);
  void finish_drain();
  void tick_at(time_point time);

  pointer self_ = nullptr;
  pool_options options_;
  uint32_t configured_slots_ = 1;
  journal_actor journal_;
  slot_keeper_actor keeper_; // null: one partition has all slots
  std::map<partition_id, leader> leaders_;
  uint64_t offers_ = 0;
  std::map<uint64_t, worker_entry> workers_;
  std::vector<uint64_t> idle_;
  uint64_t next_worker_ = 1;
  std::unordered_map<task_id, capture> capturing_;
  waiting_attempts waiting_;
  uint32_t slots_taken_ = 0; // by what is captured and runs, and by those of `waiting_` that have one
  uint64_t member_ = 0;      // of `options_.places`
  std::unordered_map<task_id, attempt> running_;
  std::unordered_map<task_id, assignment> behind_; // until an older attempt of the task is gone
  std::unordered_map<attempt_key, ended_attempt, attempt_hash> ended_;
  std::unordered_map<attempt_key, lease, attempt_hash> leases_;
  std::map<partition_id, outcome_batch> out_;      // outcomes to be sent now
  std::optional<time_point> resend_at_;
  uint64_t started_ = 0;
  std::optional<time_point> next_tick_;
  uint64_t tick_generation_ = 0;

  struct {
    std::optional<caf::typed_response_promise<drain_reply>> promise;
    time_point until;
    std::optional<time_point> settled_by; // when it ends also with outcomes that are not settled
    drain_reply reply;
  } drain_;
};

pool_actor::behavior_type pool(pool_state::pointer self, pool_options options, journal_actor journal);

} // namespace overwatch
