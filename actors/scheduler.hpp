#pragma once

#include "actors/interfaces.hpp"
#include "actors/parked_tasks.hpp"
#include "actors/ready_queue.hpp"
#include "actors/remote_parents.hpp"
#include "actors/slot_keeper.hpp"
#include "actors/timer_queue.hpp"

#include <caf/actor_clock.hpp>

#include <deque>
#include <random>
#include <set>
#include <unordered_map>

namespace overwatch {

struct scheduler_options {
  ready_queue::options ready;
  size_t timer_window = 65'536;             ///< timers in memory
  uint32_t max_lost = 3;                    ///< attempts lost in a row before a task is `poison`
  std::chrono::seconds retention{86'400};   ///< 0: finished tasks are kept forever
  std::chrono::seconds retention_interval{10};       ///< between two looks at what is old, by the one that leads,
  std::chrono::seconds retention_idle_interval{60};  ///< and when there was nothing: twice as long each time, up to this
  size_t max_entries_in_flight = 2;         ///< log entries on their way; more commands gather meanwhile
  size_t max_entry_commands = 2'000;
  size_t max_entry_bytes = 4ULL << 20;
  std::string node;                         ///< where it runs; empty: every pool is on its node
  partition_id partition = 0;
  milliseconds adopt_timeout{5'000};        ///< attempts whose pool does not come (back) with them by then are lost
  milliseconds lease{4'000};                ///< for so long after they ask pools go on with what must not run twice; less than `adopt_timeout`
  milliseconds watch_interval{1'000};       ///< between two looks at pools of other nodes, and at what waits for nodes
  milliseconds demand_again{2'000};         ///< slots that tasks wait for are asked for again when their keeper says nothing
  uint32_t report_every = 5;                ///< looks until a pool is asked what it holds
  uint32_t max_unanswered = 2;              ///< such questions; at the next one the pool counts as gone
  std::chrono::seconds restore_limit{600};  ///< for so long files are restored once their node is back; then that has failed
  std::chrono::seconds reserve_after{30};   ///< a task that asks for resources and waits this long has the next that get free
  remote_parents::options parents;          ///< watched in other partitions
  partition_gateway_actor router;           ///< of this node; none while there is one partition
  uint64_t seed = 1;                        ///< of the jitter
  std::function<timestamp()> clock = now;
};

/// Decides which task runs next and where, and proposes all that clients and pools want to change.
///
/// Owns: the window of ready tasks, the timers, what runs where, and the promises of clients. All of it is
/// rebuilt when leadership arrives. Talks to its replica (proposals; applied entries come back), to pools of all nodes
/// (offers, assignments, outcomes; see `execution.hpp`) and to the event hub (live progress).
class scheduler_state {
public:
  static inline const char* name = "scheduler";
  using pointer = scheduler_actor::stateful_pointer<scheduler_state>;

  void set_up(pointer self, scheduler_options options, event_hub_actor events);

  // One method per message; see `scheduler_actor`.
  caf::result<propose_reply> propose(propose_request& x);
  caf::result<why_reply> why(const why_request& x);
  caf::result<task_record> roll_back(const rollback_request& x);
  resources_reply resources() const;
  void set_snapshotter(const snapshotter_offer& x);
  scheduler_status status() const;
  caf::result<scheduler_status> settle();
  void take_role(const role_report& x, replica_actor replica);
  void applied(const applied_entry& entry);
  void offer(const pool_offer& x, const pool_actor& pool);
  void set_capacity(const node_capacity& x);
  void set_share(const slot_share& x, const caf::strong_actor_ptr& keeper);
  void lease(lease_request& x, const caf::strong_actor_ptr& from);
  void finish(outcome_batch& x, const caf::strong_actor_ptr& from);
  void progress(progress_batch& x);
  void set_disk(const disk_report& x);
  void cancel_running();
  void leave() { leaving_ = true; }
  void send_gathered();
  void timers_due(uint64_t generation);
  void parents_due(uint64_t generation);
  void remove_expired();
  void down(const caf::actor_addr& source);
  void watch();

private:
  using time_point = caf::actor_clock::time_point;

  struct client_request {
    std::function<void(caf::expected<propose_reply>)> done;
    propose_reply reply;
    size_t missing = 0; // results that have not come yet
  };

  // Which commands of an entry belong to a request.
  struct client_part {
    std::shared_ptr<client_request> request;
    size_t first_command = 0;
    size_t first_result = 0;
    size_t count = 0;
  };

  struct entry_in_flight {
    std::vector<client_part> clients;
    size_t first_start = 0; // the scheduler's own start commands are the last ones
  };

  struct pool_entry {
    pool_actor handle;
    std::string task_type;
    std::string node;
    std::string name; // on its node
    uint32_t slots = 0;
    uint32_t busy = 0;
    bool live = false;
    bool shared = false;     // with other partitions
    uint32_t share = 0;      // of its slots, when it is
    uint32_t told_busy = 0;  // what the keeper of its node knows: this,
    bool told_wanting = false; // and whether tasks wait for more
    uint64_t offers = 0; // number of the newest
    uint32_t unanswered = 0; // questions since then
    message_mark asked;  // in this leadership: what it holds
    bool agreed = false; // it has answered that: it gets work
  };

  // In an order that does not depend on where memory was free: the same messages go out in the same order.
  struct by_address {
    bool operator()(const pool_entry* x, const pool_entry* y) const { return x->handle.address() < y->handle.address(); }
  };

  struct node_entry {
    uint32_t limit = 0; // 0: not told
    uint32_t busy = 0;
    double cpus = 0;
    uint64_t memory_mb = 0;
    resource_demand held; // by what starts and runs there
    std::optional<task_id> reserved_for;
    snapshotter_actor snapshotter;
    std::set<std::string> hooked_types;
    std::map<std::string, std::string> labels;
    caf::strong_actor_ptr keeper; // of its slots; null: they are not shared
    uint64_t heard_share = 0;
    uint32_t share = 0;           // of `all`, that may run there at once
    uint32_t all = 0;
    std::map<std::pair<std::string, std::string>, uint32_t> pool_shares; // by task type and name
    uint32_t told_busy = 0;       // what the keeper knows: this,
    bool told_idle = false;       // that there is nothing here and nothing waits,
    std::optional<time_point> told_wanting_at; // or that tasks wait for more
    bool must_answer = false;
    bool draining = false; // nothing starts here
    std::optional<timestamp> drain_until;
  };

  // A slot that is being filled: its pool (null: it failed meanwhile) and what was taken of its node.
  struct start_on_its_way {
    pool_entry* pool = nullptr;
    resource_demand demand;
    priority importance = priority::normal;
  };

  // The rollback of a completed task.
  struct undo {
    std::vector<caf::typed_response_promise<task_record>> promises;
    task_id workflow; // nil: on request
  };

  // Completed tasks of a workflow that are still to be rolled back, the newest last.
  struct compensation {
    std::vector<task_id> tasks;
    bool failed = false;
  };

  struct attempt {
    pool_entry* pool = nullptr;
    resource_demand demand;
    std::shared_ptr<const task_spec> spec;
    task_state state;
    bool finishing = false; // its outcome is on its way into the log
    message_mark mark{};    // of the message that told its pool; 0: an earlier leadership did
    pool_entry* reporter = nullptr; // whose outcome is on its way
    std::optional<time_point> lost_at{}; // without a pool: when it is given up
  };

  // Files that are put back, on their node.
  struct restoration {
    std::string node;
    std::function<void(rollback_status, std::string)> done;
    time_point give_up_at;
    uint64_t request = 0; // on its way; 0: the node is away
  };

  void reset();
  void fail_clients();
  command_batch& open_entry(size_t bytes);
  void add(command x, size_t bytes = 0);
  void schedule_send();
  void fill_starts(entry_in_flight& entry, command_batch& batch);
  void start_submitted(const entry_in_flight& entry, command_batch& batch);
  void propose_then(propose_request& x, std::function<void(caf::expected<propose_reply>)> done);
  pool_entry* free_pool(const std::string& task_type, const ready_key& task);
  bool has_room(const node_entry& node, const ready_key& task) const;
  static bool may_run_on(const ready_key& task, const std::string& name, const node_entry& node);
  bool is_here(const std::string& node) const { return options_.node.empty() || node == options_.node; }
  void load_running(const role_report& x);
  void send_to(pool_entry& pool, assignment_batch&& x);
  void agree(pool_entry& pool, const pool_offer& x);
  bool adopt(pool_entry& pool, const held_attempt& held);
  void grant(const lease_request& x, pool_entry& pool);
  void take_room(pool_entry& pool, const resource_demand& demand);
  void pool_down(const caf::actor_addr& source);
  void settle_outcome_of(attempt& x);
  void settle_stale(const attempt_outcome& x, const caf::actor_addr& pool);
  void lose_overdue();
  static bool is_content(const pool_entry& pool) { return pool.agreed && pool.busy == 0; }
  void watch_pools();
  void watch_drains();
  bool must_watch() const;
  void arm_watch();
  void set_drain(const std::string& node, const std::string& value);
  void reserve();
  void start(const ready_key& task, priority importance, pool_entry& pool, command_batch& batch);
  void free_slot(pool_entry& pool, const resource_demand& demand);
  void end_attempt(const attempt_outcome& x, attempt& running);
  void finish_attempt(const attempt_outcome& x, attempt& running, rollback_status rollback, std::string message);
  void lose(const task_id& id, attempt& running, std::string message);
  void send_back(const task_id& id, attempt& running, std::string message);
  bool captures(const attempt& running) const;
  void restore(const task_id& id, const std::string& node,
               std::function<void(rollback_status, std::string)> done);
  void ask_to_restore(const task_id& id, restoration& x);
  void end_restore(const task_id& id, uint64_t request, rollback_status status, std::string message);
  void put_off_restores(const std::string& node);
  void watch_restores();
  void release_snapshot_of(const task_change& change);
  void collect_snapshots(const node_entry& node);
  void undo_next(const task_id& workflow);
  void compensate(const workflow_record& workflow);
  void begin_undo(const task_id& id);
  void react_to_rollback(const task_change& change);
  void react_to_patch(const task_change& change, uint64_t index);
  void react_to_gates(const applied_entry& entry);
  void react_to_freed(const applied_entry& entry);
  void release(const std::string& reason);
  void let_go();
  void rates_due();
  void react(const task_change& change, uint64_t index);
  void react_to_start(const task_change& change);
  void answer(const applied_entry& entry, const entry_in_flight& proposed);
  void use_setting(const std::string& key, const std::string& value);
  void use_limit(uint32_t limit);
  void resize_pool(const pool_entry& pool, uint32_t slots);
  void resize_pools(const std::string& task_type, uint32_t slots);
  uint32_t limit_of(const node_entry& node) const;
  static uint32_t slots_of(const pool_entry& pool);
  void share_pool(pool_entry& pool);
  void report_demand();
  bool has_news(const pool_entry& pool) const;
  bool may_start(const pool_entry& pool) const;
  priority_counts waiting_for(const pool_entry& pool) const;
  void report_demand(const std::string& name, node_entry& node);
  void repeat_demand();
  void expire_later();
  void remove_finished();
  void forget_expired();
  void load_pages();
  void watch_parents(const task_change& change);
  std::string watched_parents(const task_spec& spec) const;
  void load_parents();
  void follow_parents(const applied_entry& entry);
  void ask_for_parents();
  void settle_parents(partition_id partition, statuses_reply& reply);
  void arm_timer();
  void miss_deadline(const task_id& id);
  void answer_settled();
  why_reply explain(const task_record& record) const;
  why_reply explain_wait(const task_record& record) const;
  why_reply explain_queue(const task_record& record) const;
  why_reply explain_room(const task_record& record) const;
  why_reply explain_slots(const task_record& record, const std::vector<const pool_entry*>& usable) const;
  why_reply explain_run(const task_record& record) const;
  void look_into_pool(const task_record& record, caf::typed_response_promise<why_reply> promise);
  why_reply explain_placement(const task_record& record) const;
  double random() { return std::uniform_real_distribution<double>{}(random_); }

  pointer self_ = nullptr;
  scheduler_options options_;
  event_hub_actor events_;
  replica_actor replica_;
  std::mt19937_64 random_;

  bool leads_ = false;
  bool loaded_ = false; // what ran when leadership arrived is known
  uint64_t epoch_ = 0;
  uint64_t role_ = 0; // changes with it: what was asked for before is not heard any more
  bool leaving_ = false;
  bool dispatching_ = true;
  disk_state disk_ = disk_state::ok;
  std::map<std::string, std::string> settings_;
  std::chrono::seconds retention_{0};
  uint32_t concurrency_override_ = 0; // the durable setting; 0: none

  ready_queue ready_{{}};
  timer_queue timers_{0, true};
  parked_tasks parked_;
  std::unordered_map<task_id, std::string> let_go_; // promotes on their way, by what the task waited for
  std::map<std::string, rate_wait> rate_waits_;
  std::map<timestamp, std::set<std::string>> rates_by_time_;
  std::map<std::string, std::pair<task_id, timestamp>> demanding_; // by type: who waits first for room, and since when
  std::map<task_id, undo> undos_;
  std::map<task_id, compensation> compensations_; // by workflow
  std::optional<timestamp> armed_;
  uint64_t timer_generation_ = 0;
  remote_parents remote_parents_{{}};
  std::optional<time_point> parents_asked_at_;
  uint64_t parents_generation_ = 0;

  std::map<caf::actor_addr, std::unique_ptr<pool_entry>> pools_;
  std::map<std::string, std::vector<pool_entry*>> pools_of_type_;
  std::map<std::string, node_entry> nodes_;
  std::unordered_map<task_id, start_on_its_way> starting_;
  std::unordered_map<task_id, attempt> running_;
  std::map<pool_entry*, assignment_batch, by_address> assignments_; // of the entry that is being looked at
  uint64_t last_mark_ = 0;
  uint64_t last_demand_ = 0;
  bool shares_ = false; // some node has a keeper of its slots
  std::optional<time_point> next_loss_; // of attempts without a pool
  std::map<task_id, restoration> restores_;
  uint64_t last_restore_ = 0;
  bool watching_ = false;
  uint32_t looks_ = 0;

  uint64_t next_proposal_ = 1;
  std::map<uint64_t, entry_in_flight> in_flight_;
  std::deque<std::pair<command_batch, entry_in_flight>> gathered_; // entries to be proposed, the last one open
  size_t gathered_bytes_ = 0;                                      // of the open one
  bool send_scheduled_ = false;
  std::chrono::seconds expiry_wait_{0}; // before the next look at what is old
  bool expiry_armed_ = false;
  bool removing_ = false;
  bool forgetting_ = false;
  std::string look_on_at_; // of the values whose time may have passed
  std::vector<caf::typed_response_promise<scheduler_status>> settling_;
};

scheduler_actor::behavior_type scheduler(scheduler_state::pointer self, scheduler_options options,
                                         event_hub_actor events);

} // namespace overwatch
