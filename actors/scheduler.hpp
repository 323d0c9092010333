#pragma once

#include "actors/interfaces.hpp"
#include "actors/ready_queue.hpp"
#include "actors/timer_queue.hpp"

#include <deque>
#include <random>
#include <unordered_map>

namespace overwatch {

struct scheduler_options {
  ready_queue::options ready;
  size_t timer_window = 65'536;             ///< timers in memory
  uint32_t max_lost = 3;                    ///< attempts lost in a row before a task is `poison`
  std::chrono::seconds retention{86'400};   ///< 0: finished tasks are kept forever
  std::chrono::seconds retention_interval{10};
  size_t max_entries_in_flight = 2;         ///< log entries on their way; more commands gather meanwhile
  size_t max_entry_commands = 2'000;
  size_t max_entry_bytes = 4ULL << 20;
  uint64_t seed = 1;                        ///< of the jitter
  std::function<timestamp()> clock = now;
};

/// Decides which task runs next and where, and proposes all that clients and pools want to change.
///
/// Owns: the window of ready tasks, the timers, what runs where, and the promises of clients. All of it is
/// rebuilt when leadership arrives. Talks to its replica (proposals; applied entries come back), to pools
/// (offers, assignments, outcomes) and to the event hub (live progress).
class scheduler_state {
public:
  static inline const char* name = "scheduler";
  using pointer = scheduler_actor::stateful_pointer<scheduler_state>;

  void set_up(pointer self, scheduler_options options, event_hub_actor events);

  // One method per message; see `scheduler_actor`.
  caf::result<propose_reply> propose(propose_request& x);
  caf::result<why_reply> why(const why_request& x);
  scheduler_status status() const;
  caf::result<scheduler_status> settle();
  void take_role(const role_report& x, replica_actor replica);
  void applied(const applied_entry& entry);
  void offer(const pool_offer& x, const pool_actor& pool);
  void set_capacity(const node_capacity& x);
  void finish(outcome_batch& x);
  void progress(progress_batch& x);
  void set_disk(const disk_report& x);
  void cancel_running();
  void leave();
  void send_gathered();
  void timers_due(uint64_t generation);
  void remove_expired();
  void pool_down(const caf::actor_addr& source);

private:
  struct client_request {
    caf::typed_response_promise<propose_reply> promise;
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
    uint32_t slots = 0;
    uint32_t busy = 0;
    bool live = false;
  };

  struct node_entry {
    uint32_t limit = 0; // 0: not told
    uint32_t busy = 0;
  };

  struct attempt {
    pool_entry* pool = nullptr;
    std::shared_ptr<const task_spec> spec;
    task_state state;
    bool finishing = false; // its outcome is on its way into the log
  };

  void reset();
  void fail_clients(const failure& why);
  command_batch& open_entry(size_t bytes);
  void add(command x, size_t bytes = 0);
  void schedule_send();
  void fill_starts(entry_in_flight& entry, command_batch& batch);
  void start_submitted(const entry_in_flight& entry, command_batch& batch);
  pool_entry* free_pool(const std::string& task_type);
  void start(const task_id& id, pool_entry& pool, command_batch& batch);
  void free_slot(pool_entry& pool);
  void end_attempt(const attempt_outcome& x, attempt& running);
  void react(const task_change& change, uint64_t index);
  void react_to_start(const task_change& change);
  void answer(const applied_entry& entry, const entry_in_flight& proposed);
  void use_setting(const std::string& key, const std::string& value);
  uint32_t limit_of(const node_entry& node) const;
  void load_pages();
  void arm_timer();
  void miss_deadline(const task_id& id);
  void answer_settled();
  why_reply explain(const task_record& record) const;
  double random() { return std::uniform_real_distribution<double>{}(random_); }

  pointer self_ = nullptr;
  scheduler_options options_;
  event_hub_actor events_;
  replica_actor replica_;
  std::mt19937_64 random_;

  bool leads_ = false;
  bool leaving_ = false;
  bool dispatching_ = true;
  disk_state disk_ = disk_state::ok;
  std::map<std::string, std::string> settings_;
  std::chrono::seconds retention_{0};
  uint32_t concurrency_override_ = 0; // the durable setting; 0: none

  ready_queue ready_{{}};
  timer_queue timers_{0, true};
  std::optional<timestamp> armed_;
  uint64_t timer_generation_ = 0;

  std::map<caf::actor_addr, std::unique_ptr<pool_entry>> pools_;
  std::map<std::string, std::vector<pool_entry*>> pools_of_type_;
  std::map<std::string, node_entry> nodes_;
  std::unordered_map<task_id, pool_entry*> starting_;
  std::unordered_map<task_id, attempt> running_;
  std::map<pool_entry*, assignment_batch> assignments_; // of the entry that is being looked at

  uint64_t next_proposal_ = 1;
  std::map<uint64_t, entry_in_flight> in_flight_;
  std::deque<std::pair<command_batch, entry_in_flight>> gathered_; // entries to be proposed, the last one open
  size_t gathered_bytes_ = 0;                                      // of the open one
  bool send_scheduled_ = false;
  bool removing_ = false;
  std::vector<caf::typed_response_promise<scheduler_status>> settling_;
};

scheduler_actor::behavior_type scheduler(scheduler_state::pointer self, scheduler_options options,
                                         event_hub_actor events);

} // namespace overwatch
