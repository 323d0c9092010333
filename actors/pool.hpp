#pragma once

#include "actors/interfaces.hpp"

#include <caf/actor_clock.hpp>

#include <deque>
#include <unordered_map>

namespace overwatch {

/// Makes the worker with this number, which runs one attempt at a time and answers each `work` with `attempts_done` to
/// `owner`. It must not block a thread of CAF's scheduler.
using worker_maker = std::function<worker_actor(caf::actor_system&, uint64_t number, pool_actor owner)>;

struct pool_options {
  std::string task_type;
  std::string node;
  handler_registry::entry handler;
  uint32_t slots = 1;
  milliseconds tick_interval{100};    ///< between two looks at what blocking handlers report
  milliseconds stop_grace{10'000};    ///< a handler that ignores a stop for this long loses its slot
  size_t inline_batch = 64;           ///< attempts that a worker of a non-blocking handler takes at once
  size_t max_inline_workers = 4;
  snapshotter_actor snapshotter;      ///< of this node; may be null when no task has a scope of files
  std::shared_ptr<node_services> services; ///< for handlers; may be null
  worker_maker make_worker;           ///< empty: workers that call the handler; else its `blocking` should be true
  std::function<timestamp()> clock = now;
};

/// The workers of one task type on one node: runs what the scheduler assigns, watches timeouts and deadlines,
/// passes on what handlers report, and stops them.
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
  void run(assignment_batch& x);
  void stop(const stop_attempt& x);
  void set_deadline(const deadline_change& x);
  void take_outcomes(attempts_done& x);
  void resize(uint32_t slots);
  void join(scheduler_actor scheduler);
  caf::result<drain_reply> drain(const drain_request& x);
  pool_status status() const;
  workers_reply workers() const;
  void tick(uint64_t generation);
  void worker_down(const caf::actor_addr& source);

private:
  struct worker_entry {
    worker_actor handle;
    std::vector<task_id> tasks; // empty: idle
    bool abandoned = false;
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
    caf::actor_clock::time_point timeout_at;
    caf::actor_clock::time_point stop_at;                 // by timeout or deadline
    std::optional<caf::actor_clock::time_point> fence_at; // when it loses its slot
    cancellation::cause stop_cause = cancellation::cause::timeout;
  };

  // An attempt whose snapshot is being captured.
  struct capture {
    assignment what;
    cancellation::cause stop = cancellation::cause::none;
  };

  uint64_t idle_worker();
  bool captures(const task_spec& spec) const;
  void begin_capture(assignment&& what);
  void captured(const task_id& id, const fencing_token& fence, const failure& error, bool retryable);
  void set_stop_time(attempt& x) const;
  attempt_outcome never_began(const assignment& what, std::string message) const;
  void start_waiting();
  void start(uint64_t number, std::vector<assignment> batch);
  void end(attempt& x, const outcome& how, std::chrono::microseconds execution, outcome_batch& out);
  attempt_outcome outcome_of(const attempt& x, const outcome& how) const;
  void pass_reports();
  void pass_report(attempt& x, progress_batch& progress, journal_write& lines);
  void ask_to_stop(attempt& x, cancellation::cause why);
  void watch_time(outcome_batch& out);
  void abandon(attempt& x, outcome_batch& out);
  void send(outcome_batch&& out);
  void finish_drain();
  void tick_at(caf::actor_clock::time_point time);

  pointer self_ = nullptr;
  pool_options options_;
  uint32_t configured_slots_ = 1;
  journal_actor journal_;
  scheduler_actor scheduler_;
  std::map<uint64_t, worker_entry> workers_;
  std::vector<uint64_t> idle_;
  uint64_t next_worker_ = 1;
  std::unordered_map<task_id, capture> capturing_;
  std::deque<assignment> waiting_; // for an idle worker
  std::unordered_map<task_id, attempt> running_;
  uint64_t started_ = 0;
  std::optional<caf::actor_clock::time_point> next_tick_;
  uint64_t tick_generation_ = 0;

  struct {
    std::optional<caf::typed_response_promise<drain_reply>> promise;
    caf::actor_clock::time_point until;
    drain_reply reply;
  } drain_;
};

pool_actor::behavior_type pool(pool_state::pointer self, pool_options options, journal_actor journal);

} // namespace overwatch
