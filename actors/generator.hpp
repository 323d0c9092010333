#pragma once

#include "actors/interfaces.hpp"
#include "actors/rule_worker.hpp"
#include "actors/schedule_book.hpp"

#include <deque>

namespace overwatch {

struct generator_options {
  std::chrono::seconds interval{60}; ///< of the rules, as configured; 0: they are judged on request only
  std::function<timestamp()> clock = now;
  uint64_t seed = 1;                       ///< of the task ids
  std::string node;                        ///< its name, for the chunks
  std::vector<rule_record> default_rules;  ///< that ship, in the order in which they are judged
  std::vector<native_rule> native_rules;   ///< that the program brings
  std::shared_ptr<rule_judge> judge;
  /// Reads a task as POST /tasks takes it.
  std::function<caf::expected<submission>(const std::string& json)> parse_task;
  /// The reverse, to show in a dry run what a rule in C++ makes; may be empty.
  std::function<std::string(const submission&)> write_task;
  /// Metrics of the host, called on the thread that judges; may be empty.
  std::function<std::map<std::string, double>()> sample;
  std::set<std::string> task_types;        ///< that are known beside those that settings declare
  std::vector<std::string> snapshot_roots; ///< under which the paths of a snapshot scope lie
  bool own_thread = true;                  ///< rules are judged on a thread of their own; without: for tests
};

/// Creates tasks by itself: schedules and rules, which it loads from the documents of its partition and keeps there.
/// A slot's task and the schedule after it, or a firing's tasks and the rule after it, go into the log in one entry.
///
/// Rules are judged one after the other, a client's wish first: at the interval, when asked to, and for the events that
/// they name. An event of a task that a rule made does not make the same rule fire. Of one rule at most one judgement
/// waits, and `max_waiting_events` for events; more events are counted on the newest one.
///
/// Hears what is applied of all partitions, from the replicas of its node; those that do not lead may be behind. A rule
/// remembers how far the events are that made it fire, so that another generator, on another node, does not let it fire
/// for them again. Events that nobody has judged when the generator moves are lost to rules.
///
/// Talks to the replicas (applied entries, stats; that of the control partition: documents), the scheduler of the
/// control partition (proposals) and its rule_worker.
class generator_state {
public:
  static inline const char* name = "generator";
  using pointer = generator_actor::stateful_pointer<generator_state>;

  generator_state();

  void set_up(pointer self, generator_options options, scheduler_actor scheduler, std::vector<replica_actor> replicas);
  void applied(const applied_entry& entry);
  void timer(uint64_t number);
  void set_interval(std::chrono::seconds interval);

  // -- rules: generator_rules.cpp, generator_rule_requests.cpp -----------------------------------------------------
  caf::result<submit_reply> generate();
  caf::result<rules_reply> rules() const;
  caf::result<rule_record> rule(const rule_request& x) const;
  caf::result<rule_record> put(const put_rule_request& x);
  caf::result<rule_record> remove(const remove_rule_request& x);
  caf::result<test_rule_reply> test(const test_rule_request& x);

  // -- schedules: generator_schedules.cpp --------------------------------------------------------------------------
  caf::result<schedules_reply> schedules() const;
  caf::result<schedule_record> schedule(const schedule_request& x) const;
  caf::result<schedule_record> put(const put_schedule_request& x);
  caf::result<schedule_record> remove(const remove_schedule_request& x);
  caf::result<schedule_record> control(const control_schedule_request& x);
  caf::result<next_slots_reply> next_slots(const next_slots_request& x) const;

private:
  using record_promise = caf::typed_response_promise<rule_record>;
  using schedule_promise = caf::typed_response_promise<schedule_record>;
  using make_change = std::function<caf::expected<schedule_change>()>;

  /// One judgement of all rules, and who waits for its end.
  struct round {
    std::optional<caf::typed_response_promise<submit_reply>> promise;
    submit_reply reply;
    failure fault; ///< the first one, when tasks could not be stored
    size_t left = 0;
  };

  struct judgement {
    std::string rule;
    std::optional<rule_event> event;
    event_cursor cursor; // of the event
    std::vector<std::shared_ptr<round>> rounds;
  };

  // -- loading -----------------------------------------------------------------
  void load();
  void load_later();
  void load_documents(document_kind kind, std::string after);
  void take_document(document_kind kind, const document& x);
  void load_schedules();
  void take_schedule(schedule_record record, bool last_task_unfinished);
  void go();
  failure not_loaded() const;
  failure check_task(const submission& x) const;
  void doubt(document_kind kind, const std::string& document);
  void take_doubtful(const document_change& x);
  void take_gate(const std::string& gate, const std::shared_ptr<const std::string>& value);
  void apply_control(const applied_entry& entry);
  void declare_types(const std::set<std::string>& declared);
  void count_failure(timestamp time);

  // -- rules -------------------------------------------------------------------
  void arm_interval();
  void begin_round(std::optional<caf::typed_response_promise<submit_reply>> promise);
  void finish_round(const std::shared_ptr<round>& x);
  void add_event(const rule_event& x, const task_origin* origin);
  void next();
  void run(std::function<void()> work);
  void done();
  void begin(judgement x);
  void with_inputs(std::function<void(rule_inputs)> then);
  void judged(judgement x, const rule_inputs& inputs, judge_reply& reply);
  void fire(judgement x, std::vector<submission> tasks, timestamp time);
  void fired(const judgement& x, const std::vector<task_id>& ids, const propose_reply& reply, timestamp time);
  void finish(const judgement& x);
  void note_error(const std::string& rule, std::string error, timestamp time);
  void store(const rule_record& x, std::function<void(const failure&)> then);
  void test_now(const test_rule_request& x, caf::typed_response_promise<test_rule_reply> promise);
  rule_record after_firing(const judgement& x, const std::vector<task_id>& created, timestamp time) const;
  judge_request judge_request_of(const rule_record& x, rule_inputs inputs) const;

  // -- schedules ---------------------------------------------------------------
  void take_due();
  void arm_slots();
  void propose(schedule_change change, std::function<void(const failure&)> then);
  void not_stored(const schedule_change& change, const failure& fault, const std::function<void(const failure&)>& then);
  void settled(const schedule_change& change);
  void when_idle(const std::string& schedule, std::function<void()> work, schedule_promise promise);
  caf::result<schedule_record> change(const std::string& schedule, make_change make);

  pointer self_ = nullptr;
  generator_options options_;
  scheduler_actor scheduler_;
  std::vector<replica_actor> replicas_; // by partition
  rule_worker_actor worker_;
  timestamp started_;
  std::chrono::seconds interval_{60}; // in force
  bool loaded_ = false;
  uint64_t last_timer_ = 0;
  uint64_t load_timer_ = 0;
  uint64_t interval_timer_ = 0;
  uint64_t slot_timer_ = 0;
  std::set<std::pair<document_kind, std::string>> doubtful_; // proposed, and not known whether it will be applied
  std::set<std::string> declared_types_; // by settings
  std::set<std::string> types_;          // that are known, of whatever source
  event_cursor cursor_;                  // of the newest event that was shown to the rules
  std::deque<schedule_record> unread_; // schedules whose last task was not looked at yet

  rule_book book_;
  std::map<std::string, std::shared_ptr<const native_rule>> native_;
  std::deque<std::function<void()>> requests_; // of clients
  std::deque<judgement> judgements_;
  std::map<std::string, size_t> waiting_events_; // by rule
  bool busy_ = false;
  std::map<std::string, bool> gates_;
  std::map<std::string, double> stats_;
  std::optional<timestamp> stats_time_;
  std::map<timestamp, uint64_t> failures_; // of tasks, by second

  task_id_generator ids_{1};
  schedule_book schedule_book_;
  std::map<std::string, std::deque<std::function<void()>>> waiting_; // for a change of the schedule that is under way
  size_t waiting_count_ = 0;
  size_t changes_under_way_ = 0;
};

/// `replicas`: those of this node, by partition. `scheduler`: of the control partition.
generator_actor::behavior_type generator(generator_state::pointer self, generator_options options,
                                         scheduler_actor scheduler, std::vector<replica_actor> replicas);

/// Bounds of the generator; what is above them is refused with `overloaded`, or counted.
inline constexpr size_t max_waiting_events = 16;     ///< of one rule
inline constexpr size_t max_waiting_requests = 64;   ///< of clients, for rules and again for schedules
inline constexpr size_t max_changes_under_way = 64;  ///< of schedules
inline constexpr auto recent_failures = std::chrono::minutes{1}; ///< of `stats.failed_last_minute`
inline constexpr auto slot_check_interval = std::chrono::seconds{5}; ///< so that a clock that was set is noticed

} // namespace overwatch
