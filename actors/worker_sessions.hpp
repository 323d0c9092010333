#pragma once

#include "actors/interfaces.hpp"
#include "actors/pool.hpp"

#include <deque>
#include <random>

namespace overwatch {

// -- what only these actors say to each other ------------------------------------

/// An attempt that waits to be claimed.
struct parked_attempt {
  std::string session;
  std::string task_type;
  std::shared_ptr<const attempt_context> context;
  pool_actor pool;         ///< to which its outcome goes
  uint64_t slot = 0;       ///< the number by which the pool knows who runs it
};

/// The programs that are attached to this node as workers. See `messages/worker.hpp`.
using worker_sessions_actor = caf::typed_actor<
  caf::replies_to<register_worker_request>::with<worker_registration>,
  caf::replies_to<claim_request>::with<claim_reply>,
  caf::replies_to<heartbeat_request>::with<heartbeat_reply>,
  caf::replies_to<finish_request>::with<finish_reply>,
  caf::replies_to<leave_request>::with<leave_reply>,
  // Their pools, and they themselves.
  caf::replies_to<pools_request>::with<pools_reply>,
  caf::replies_to<workers_request>::with<workers_reply>,
  caf::reacts_to<leader_in_sight>,
  // The keeper of the node's slots, as pools hear of it.
  caf::reacts_to<caf::subscribe_atom, caf::strong_actor_ptr>,
  // The node stops.
  caf::replies_to<drain_request>::with<drain_reply>,
  // From an attached worker's slot: there is something to claim.
  caf::reacts_to<parked_attempt>,
  // From the same: what became of outcomes.
  caf::reacts_to<settled_batch>,
  // Internal: hand out what is parked.
  caf::reacts_to<caf::flush_atom>,
  // Internal: leases, waits.
  caf::reacts_to<caf::tick_atom>>;

// -- the actor -------------------------------------------------------------------

struct worker_sessions_options {
  std::string node;
  milliseconds lease{15'000};        ///< how long a worker, or one of its attempts, may go without a word
  uint32_t max_sessions = 1'000;     ///< workers attached at once
  milliseconds gone_after{2'000};    ///< a CAF program whose connection ended may come back for so long
  milliseconds settle_limit{20'000}; ///< how long a finish waits until the outcome is in the log
  milliseconds tick_interval{250};
  std::set<std::string> task_types;  ///< known already
  milliseconds request_timeout{20'000}; ///< of questions to `front`
  pool_options pool;                 ///< what all pools have in common: snapshotter, limits, clock
  uint64_t seed = 1;                 ///< of the workers' ids
};

/// Names one attempt.
struct attempt_name {
  task_id id;
  fencing_token fence;
};
inline bool operator<(const attempt_name& x, const attempt_name& y) {
  return std::tie(x.id, x.fence.epoch, x.fence.attempt) < std::tie(y.id, y.fence.epoch, y.fence.attempt);
}

/// The sessions of attached workers: one pool per session and task type, whose attempts are parked until a claim takes them.
///
/// A pool offers as many slots as claims ask for, beside those that are taken: nothing is given to a worker that does not wait for
/// it. Owns the pools. A session whose lease ends, and an attempt that no heartbeat names, are lost; their pools say so to the
/// scheduler. Nothing here is durable: after a restart workers register again.
class worker_sessions_state {
public:
  static inline const char* name = "worker_sessions";
  using pointer = worker_sessions_actor::stateful_pointer<worker_sessions_state>;

  void set_up(pointer self, worker_sessions_options options, gateway_actor front, journal_actor journal);

  // One method per message; see `worker_sessions_actor`.
  caf::result<worker_registration> add(const register_worker_request& x);
  caf::result<claim_reply> claim(const claim_request& x);
  caf::result<heartbeat_reply> heartbeat(const heartbeat_request& x);
  caf::result<finish_reply> finish(finish_request& x);
  caf::result<leave_reply> leave(const leave_request& x);
  pools_reply pools() const;
  workers_reply workers() const;
  void join(const leader_in_sight& x);
  void share_slots(caf::strong_actor_ptr keeper);
  caf::result<drain_reply> drain(const drain_request& x);
  void park(parked_attempt& x);
  void settle(const settled_batch& x);
  void hand_out();
  void tick();
  void program_down(const caf::actor_addr& program);

private:
  using time_point = caf::actor_clock::time_point;

  struct waiting_claim {
    caf::typed_response_promise<claim_reply> promise;
    uint32_t limit = 0;
    time_point until;
  };

  // What a session does for one task type.
  struct service {
    uint32_t slots = 0;
    pool_actor pool; // from the first claim on
    uint32_t offered = 0;
    uint32_t claimed = 0; // attempts that are not finished
    std::deque<std::pair<parked_attempt, time_point>> parked; // since then
    std::deque<waiting_claim> claims;
    uint64_t started = 0;
    uint64_t completed = 0;
    uint64_t failed = 0;
  };

  struct session {
    std::string id;
    register_worker_request what;
    std::map<std::string, service> services;
    std::set<attempt_name> attempts; // claimed, not finished
    time_point until;                // end of its lease
    bool leaving = false;
  };

  // A finish that is answered when the fate of all its outcomes is known.
  struct waiting_finish {
    caf::typed_response_promise<finish_reply> promise;
    finish_reply reply;
    std::vector<bool> open;
    size_t missing = 0;
    time_point until;
  };
  using finish_place = std::pair<std::shared_ptr<waiting_finish>, size_t>;

  // An attempt that a worker has claimed, until its outcome is settled.
  struct attempt {
    parked_attempt what;
    timestamp claimed_at;
    time_point until;                 // end of its lease
    std::optional<finished_attempt> how; // its outcome is on the way into the log; without the result
    time_point asked;                 // when that was, or when the log was asked for it last
    std::vector<finish_place> waiting;
  };
  using attempt_place = std::map<attempt_name, attempt>::iterator;

  static caf::error refuse_stopping();
  static caf::error refuse_unknown(const std::string& id);
  session* find(const std::string& id);
  service* service_of(const parked_attempt& x);
  void open(const register_worker_request& x, caf::typed_response_promise<worker_registration> promise);
  void start_pool(const session& x, const std::string& task_type, service& served);
  void offer(service& x);
  void take_parked(session& x, service& served, uint32_t limit, claim_reply& reply);
  void add_stops(const session& x, std::vector<attempt_stop>& stops) const;
  void report(const attempt& x, const attempt_beat& beat) const;
  void drop_claims(service& x);
  void give_back(const parked_attempt& x);
  void give_back_all(service& x);
  void end(const parked_attempt& x, outcome how, timestamp since, std::chrono::microseconds execution);
  void close(const std::string& id);
  void retire(const pool_actor& pool);

  // The half in worker_sessions_outcomes.cpp.
  void begin_finish(const attempt_name& which, attempt& x, finished_attempt& how);
  void lose(const attempt_name& which, const std::string& message);
  void decide(attempt_place i, const failure& error);
  void resolve(const finish_place& where, failure error);
  void ask_log(const attempt_name& which, const finished_attempt& how, std::function<void(const failure&)> then);
  void remember(const attempt_name& which, bool completed);
  void answer_waits(const session& owner, service& x, time_point time);
  void watch_parked(service& x, time_point time);
  void watch_finishes(time_point time);
  void keep_ticking();

  pointer self_ = nullptr;
  worker_sessions_options options_;
  gateway_actor front_;
  journal_actor journal_;
  std::map<partition_id, leader_in_sight> leaders_;
  caf::strong_actor_ptr keeper_;
  std::mt19937_64 random_;
  std::map<std::string, session> sessions_;
  std::map<attempt_name, attempt> attempts_;
  std::map<attempt_name, bool> settled_; // the newest outcomes that became durable: completed?
  std::deque<attempt_name> settled_order_;
  std::vector<std::shared_ptr<waiting_finish>> finishes_;
  bool handing_out_ = false;
  bool ticking_ = false;
  bool draining_ = false;
};

worker_sessions_actor::behavior_type worker_sessions(worker_sessions_state::pointer self, worker_sessions_options options,
                                                     gateway_actor front, journal_actor journal);

} // namespace overwatch

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::parked_attempt)
