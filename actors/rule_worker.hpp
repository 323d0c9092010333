#pragma once

#include "actors/rule_book.hpp"
#include "actors/rule_judge.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <set>

namespace overwatch {

/// Judge this rule now.
struct judge_request {
  rule_record rule;
  std::shared_ptr<const native_rule> native; ///< null: its chunks say what it does
  rule_inputs inputs;                        ///< without metrics: the worker takes them
  bool trial = false;                        ///< make its tasks also when it does not fire
};

struct judge_reply {
  bool holds = false;
  rule_decision decision;
  std::vector<submission> tasks;  ///< checked as a client's, all or none; without ids
  std::vector<std::string> texts; ///< the same as JSON
  std::string error;
  std::vector<std::string> printed;
};

/// Can this definition be stored? Compiles its chunks and reads its task.
struct check_rule_request {
  rule_definition definition;
};

struct check_rule_reply {
  failure fault;
};

/// The task types that are known from now on.
struct known_types {
  std::set<std::string> types;
};

struct rule_worker_options {
  std::shared_ptr<rule_judge> judge;
  /// Reads a task as POST /tasks takes it.
  std::function<caf::expected<submission>(const std::string& json)> parse_task;
  /// The reverse, to show what rules in C++ make; may be empty.
  std::function<std::string(const submission&)> write_task;
  /// Metrics of the host, called once a second at most; may be empty.
  std::function<std::map<std::string, double>()> sample;
  std::set<std::string> task_types;        ///< that are known at the start
  std::vector<std::string> snapshot_roots; ///< under which the paths of a snapshot scope lie
};

using rule_worker_actor = caf::typed_actor<
  caf::replies_to<judge_request>::with<judge_reply>,
  caf::replies_to<check_rule_request>::with<check_rule_reply>,
  caf::reacts_to<known_types>>;

/// Judges rules, one at a time, on a thread of its own: a chunk may take up to its time limit. Keeps nothing but the
/// newest metrics.
class rule_worker_state {
public:
  static inline const char* name = "rule_worker";

  void set_up(rule_worker_options options) { options_ = std::move(options); }
  judge_reply judge(judge_request& x);
  check_rule_reply check(const check_rule_request& x);
  void set_types(const known_types& x) { options_.task_types = x.types; }

private:
  void judge_chunks(const judge_request& x, judge_reply& reply);
  void judge_native(const judge_request& x, judge_reply& reply);
  void read_tasks(const judge_request& x, judge_reply& reply);
  failure accept(submission& task, const std::string& rule) const;
  const std::map<std::string, double>& metrics(timestamp now);

  rule_worker_options options_;
  std::map<std::string, double> metrics_;
  std::optional<timestamp> sampled_;
};

rule_worker_actor::behavior_type rule_worker(rule_worker_actor::stateful_pointer<rule_worker_state> self,
                                             rule_worker_options options);

} // namespace overwatch

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::judge_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::judge_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::check_rule_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::check_rule_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::known_types)
