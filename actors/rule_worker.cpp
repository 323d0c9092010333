#include "actors/rule_worker.hpp"

#include "actors/submission_rules.hpp"

#include <caf/event_based_actor.hpp>

namespace overwatch {

namespace {

constexpr auto sample_interval = std::chrono::seconds{1};

std::string text_of(const failure& fault) {
  return fault.field.empty() ? fault.message : fault.field + ": " + fault.message;
}

} // namespace

judge_reply rule_worker_state::judge(judge_request& x) {
  judge_reply reply;
  try {
    x.inputs.metrics = metrics(x.inputs.now);
    if (x.native)
      judge_native(x, reply);
    else
      judge_chunks(x, reply);
  } catch (const std::exception& thrown) {
    reply.error = thrown.what();
  }
  if (!reply.error.empty())
    reply.decision = {false, "it has an error"};
  else if (reply.decision.fires && reply.tasks.empty())
    reply.decision = {false, "it makes no task now"};
  if (!reply.error.empty())
    reply.tasks.clear();
  return reply;
}

void rule_worker_state::judge_chunks(const judge_request& x, judge_reply& reply) {
  auto condition = options_.judge->condition(x.rule, x.inputs);
  reply.holds = condition.holds && condition.error.empty();
  reply.error = std::move(condition.error);
  reply.printed = std::move(condition.printed);
  reply.decision = decide_rule(x.rule, reply.holds, x.inputs.now);
  if (!reply.holds || !(reply.decision.fires || x.trial))
    return;
  auto made = options_.judge->make(x.rule, x.inputs);
  reply.printed.insert(reply.printed.end(), made.printed.begin(), made.printed.end());
  reply.error = std::move(made.error);
  reply.texts = std::move(made.tasks);
  if (reply.error.empty())
    read_tasks(x, reply);
}

void rule_worker_state::judge_native(const judge_request& x, judge_reply& reply) {
  reply.tasks = x.native->make(x.inputs);
  reply.holds = !reply.tasks.empty();
  reply.decision = decide_rule(x.rule, reply.holds, x.inputs.now);
  if (reply.tasks.size() > max_tasks_per_firing) {
    reply.error = "makes " + std::to_string(reply.tasks.size()) + " tasks; at most "
                  + std::to_string(max_tasks_per_firing) + " are allowed";
    return;
  }
  for (auto& task : reply.tasks) {
    if (auto fault = accept(task, x.rule.name)) {
      reply.error = text_of(fault);
      return;
    }
    if (options_.write_task)
      reply.texts.push_back(options_.write_task(task));
  }
}

void rule_worker_state::read_tasks(const judge_request& x, judge_reply& reply) {
  for (const auto& text : reply.texts) {
    auto where = reply.texts.size() > 1 ? "task " + std::to_string(reply.tasks.size() + 1) + ": " : "task: ";
    auto task = options_.parse_task(text);
    auto fault = task ? accept(*task, x.rule.name) : describe(task.error());
    if (fault) {
      reply.error = where + text_of(fault);
      return;
    }
    reply.tasks.push_back(std::move(*task));
  }
}

// Who made it is the rule, whatever the template says.
failure rule_worker_state::accept(submission& task, const std::string& rule) const {
  if (auto fault = check_submission(task, options_.task_types))
    return fault;
  if (auto fault = check_scope(task.spec->snapshot, options_.snapshot_roots))
    return fault;
  if (!task.spec->id.is_nil())
    return {ec::invalid, "/id", "a rule's task gets a new id each time; leave it out"};
  auto spec = std::make_shared<task_spec>(*task.spec);
  spec->origin = {origin_kind::rule, rule};
  task.spec = std::move(spec);
  return {};
}

check_rule_reply rule_worker_state::check(const check_rule_request& x) {
  if (auto fault = options_.judge->check(x.definition))
    return {fault};
  if (x.definition.task_json.empty())
    return {};
  auto task = options_.parse_task(x.definition.task_json);
  auto fault = task ? accept(*task, {}) : describe(task.error());
  if (fault)
    fault.field = "/task" + fault.field;
  return {fault};
}

const std::map<std::string, double>& rule_worker_state::metrics(timestamp now) {
  if (options_.sample && (!sampled_ || now < *sampled_ || now - *sampled_ >= sample_interval)) {
    metrics_ = options_.sample();
    sampled_ = now;
  }
  return metrics_;
}

rule_worker_actor::behavior_type rule_worker(rule_worker_actor::stateful_pointer<rule_worker_state> self,
                                             rule_worker_options options) {
  self->state.set_up(std::move(options));
  return {
    [=](judge_request& x) { return self->state.judge(x); },
    [=](const check_rule_request& x) { return self->state.check(x); },
    [=](const known_types& x) { self->state.set_types(x); },
  };
}

} // namespace overwatch
