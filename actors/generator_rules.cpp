#include "actors/generator.hpp"

#include "actors/all_stats.hpp"
#include "config/log.hpp"
#include "messages/codec.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <utility>

namespace overwatch {

namespace {

constexpr auto propose_timeout = std::chrono::seconds{30};
constexpr auto judge_timeout = std::chrono::seconds{60}; // chunks end long before; a rule in C++ may hang
constexpr auto stats_timeout = std::chrono::seconds{5};
constexpr auto stats_age = std::chrono::seconds{1};

std::map<std::string, double> numbers_of(const stats_reply& x) {
  std::map<std::string, double> result{{"submitted", static_cast<double>(x.submitted)},
                                       {"completed", static_cast<double>(x.completed)},
                                       {"failed", static_cast<double>(x.failed)},
                                       {"cancelled", static_cast<double>(x.cancelled)},
                                       {"queue_depth", 0},
                                       {"pending", 0},
                                       {"running", 0}};
  for (const auto& count : x.counts) {
    if (count.status == task_status::queued)
      result["queue_depth"] += static_cast<double>(count.count);
    else if (count.status == task_status::pending || count.status == task_status::retrying)
      result["pending"] += static_cast<double>(count.count);
    else if (count.status == task_status::running)
      result["running"] += static_cast<double>(count.count);
  }
  return result;
}

command put_rule(const rule_record& x) {
  return put_command{document_kind::rule, x.name, encode(x), std::nullopt};
}

} // namespace

// -- one thing at a time -------------------------------------------------------

// Clients first: what they want to know or change does not wait for a round of a thousand rules.
void generator_state::next() {
  if (busy_ || !loaded_)
    return;
  if (!requests_.empty()) {
    auto work = std::move(requests_.front());
    requests_.pop_front();
    busy_ = true;
    work();
  } else if (!judgements_.empty()) {
    auto x = std::move(judgements_.front());
    judgements_.pop_front();
    busy_ = true;
    begin(std::move(x));
  }
}

void generator_state::run(std::function<void()> work) {
  requests_.push_back(std::move(work));
  next();
}

void generator_state::done() {
  busy_ = false;
  next();
}

// -- judging -------------------------------------------------------------------

void generator_state::begin_round(std::optional<caf::typed_response_promise<submit_reply>> promise) {
  auto all = std::make_shared<round>();
  all->promise = std::move(promise);
  std::map<std::string, judgement*> waiting;
  for (auto& x : judgements_)
    if (!x.event)
      waiting[x.rule] = &x;
  std::vector<std::string> added;
  for (auto& name : book_.to_judge()) {
    ++all->left;
    if (auto i = waiting.find(name); i != waiting.end())
      i->second->rounds.push_back(all);
    else
      added.push_back(std::move(name));
  }
  for (auto& name : added)
    judgements_.push_back({std::move(name), {}, {}, {all}});
  if (all->left == 0)
    finish_round(all);
  next();
}

void generator_state::finish_round(const std::shared_ptr<round>& x) {
  if (!x->promise)
    return;
  if (x->fault && x->reply.receipts.empty())
    x->promise->deliver(make_error(x->fault));
  else
    x->promise->deliver(std::move(x->reply));
}

void generator_state::add_event(const rule_event& x, const task_origin* origin) {
  ++cursor_.number;
  if (!loaded_)
    return;
  for (const auto& rule : book_.listening(x.kind)) {
    if (origin != nullptr && origin->kind == origin_kind::rule && origin->id == rule)
      continue; // what a rule made does not make it fire again
    const auto* heard = book_.find(rule)->heard.find(cursor_.partition);
    if (heard != nullptr && !(*heard < cursor_))
      continue; // it fired for it already, when the generator was on another node
    auto& waiting = waiting_events_[rule];
    if (waiting < max_waiting_events) {
      ++waiting;
      judgements_.push_back({rule, x, cursor_, {}});
      continue;
    }
    auto newest = std::find_if(judgements_.rbegin(), judgements_.rend(),
                               [&](const judgement& y) { return y.event && y.rule == rule; });
    auto count = newest->event->count + 1;
    newest->event = x;
    newest->event->count = count;
    newest->cursor = cursor_;
  }
}

void generator_state::begin(judgement x) {
  if (x.event && --waiting_events_[x.rule] == 0)
    waiting_events_.erase(x.rule);
  const auto* rule = book_.find(x.rule);
  if (rule == nullptr || !rule->definition.enabled) { // meanwhile
    finish(x);
    return;
  }
  with_inputs([this, x = std::move(x)](rule_inputs inputs) mutable {
    const auto* rule = book_.find(x.rule);
    inputs.event = x.event;
    auto request = judge_request_of(*rule, inputs);
    auto shared = std::make_shared<judgement>(std::move(x));
    self_->request(worker_, judge_timeout, std::move(request))
      .then([this, shared, inputs](judge_reply& reply) { judged(std::move(*shared), inputs, reply); },
            [this, shared, inputs](const caf::error&) {
              judge_reply reply;
              reply.error = "was not judged within a minute";
              judged(std::move(*shared), inputs, reply);
            });
  });
}

judge_request generator_state::judge_request_of(const rule_record& x, rule_inputs inputs) const {
  auto native = native_.find(x.name);
  auto is_native = x.built_in && native != native_.end();
  return {x, is_native ? native->second : nullptr, std::move(inputs), false};
}

void generator_state::with_inputs(std::function<void(rule_inputs)> then) {
  auto give = [this, then = std::move(then)] {
    rule_inputs inputs;
    inputs.now = options_.clock();
    inputs.node = options_.node;
    inputs.uptime = std::chrono::duration_cast<std::chrono::seconds>(inputs.now - started_);
    inputs.gates = gates_;
    inputs.stats = stats_;
    uint64_t failed = 0;
    for (const auto& [second, count] : failures_)
      failed += inputs.now - second < recent_failures ? count : 0;
    inputs.stats["failed_last_minute"] = static_cast<double>(failed);
    then(std::move(inputs));
  };
  auto time = options_.clock();
  if (stats_time_ && *stats_time_ <= time && time - *stats_time_ < stats_age) {
    give();
    return;
  }
  ask_all_stats(self_, replicas_, stats_timeout, [this, give, time](const std::optional<stats_reply>& x) {
    if (x) { // without, those of before
      stats_ = numbers_of(*x);
      stats_time_ = time;
    }
    give();
  });
}

void generator_state::judged(judgement x, const rule_inputs& inputs, judge_reply& reply) {
  auto fires = reply.decision.fires;
  if (fires && x.event && !book_.count_event_firing(x.rule, inputs.now)) {
    fires = false;
    reply.error = "events make it fire more than " + std::to_string(max_event_firings)
                  + " times a minute; give it a cooldown or a narrower condition";
  }
  auto is_new = book_.judged(x.rule, reply.holds, reply.error, inputs.now);
  if (is_new && !reply.error.empty())
    log_line(severity::warning, "generator", "a rule has an error", {{"rule", x.rule}, {"error", reply.error}});
  if (fires)
    fire(std::move(x), std::move(reply.tasks), inputs.now);
  else if (is_new)
    store(*book_.find(x.rule), [this, x](const failure&) { finish(x); });
  else
    finish(x);
}

// -- firing --------------------------------------------------------------------

void generator_state::fire(judgement x, std::vector<submission> tasks, timestamp time) {
  propose_request request;
  request.together = true;
  std::vector<task_id> ids;
  for (auto& task : tasks) {
    auto spec = std::make_shared<task_spec>(*task.spec);
    spec->id = ids_.next(time, 0);
    spec->created_at = time;
    ids.push_back(spec->id);
    request.commands.emplace_back(submit_command{{std::move(spec), std::move(task.payload)}, false});
  }
  // Taken for new, all of them; corrected afterwards when some were there already.
  request.commands.push_back(put_rule(after_firing(x, ids, time)));
  auto shared = std::make_shared<judgement>(std::move(x));
  self_->request(scheduler_, propose_timeout, std::move(request))
    .then([this, shared, ids, time](const propose_reply& reply) { fired(*shared, ids, reply, time); },
          [this, shared, time](const caf::error& error) {
            auto fault = describe(error);
            for (const auto& all : shared->rounds)
              if (!all->fault)
                all->fault = fault;
            if (fault.code == ec::timed_out)
              doubt(document_kind::rule, shared->rule); // it may fire all the same
            else
              note_error(shared->rule, "its tasks could not be stored: " + fault.message, time);
            finish(*shared);
          });
}

rule_record generator_state::after_firing(const judgement& x, const std::vector<task_id>& created,
                                          timestamp time) const {
  auto record = book_.after_firing(x.rule, created, time);
  if (x.event)
    record.heard.advance(x.cursor);
  return record;
}

void generator_state::fired(const judgement& x, const std::vector<task_id>& ids, const propose_reply& reply,
                            timestamp time) {
  std::vector<task_id> created;
  std::string error;
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto& result = reply.results[i];
    if (!result.error && !result.existing)
      created.push_back(ids[i]);
    if (result.error && error.empty())
      error = "task " + std::to_string(i + 1) + ": " + result.error.message;
    for (const auto& all : x.rounds)
      all->reply.receipts.push_back(
        {result.error ? task_id{} : result.id, result.status, result.existing, result.error});
  }
  log_line(severity::debug, "generator", "a rule fired", {{"rule", x.rule}, {"created", created.size()}});
  book_.stored(after_firing(x, created, time));
  note_error(x.rule, error, time);
  if (created.size() == ids.size() && error.empty())
    finish(x);
  else
    store(*book_.find(x.rule), [this, x](const failure&) { finish(x); });
}

void generator_state::finish(const judgement& x) {
  for (const auto& all : x.rounds)
    if (--all->left == 0)
      finish_round(all);
  done();
}

void generator_state::note_error(const std::string& rule, std::string error, timestamp time) {
  const auto* record = book_.find(rule);
  if (record == nullptr)
    return;
  if (book_.judged(rule, record->holds_since.has_value(), error, time) && !error.empty())
    log_line(severity::warning, "generator", "a rule has an error", {{"rule", rule}, {"error", error}});
}

void generator_state::store(const rule_record& x, std::function<void(const failure&)> then) {
  propose_request request;
  request.commands.push_back(put_rule(x));
  self_->request(scheduler_, propose_timeout, std::move(request))
    .then([then](const propose_reply& reply) { then(reply.results.front().error); },
          [this, name = x.name, then](const caf::error& error) {
            auto fault = describe(error);
            if (fault.code == ec::timed_out)
              doubt(document_kind::rule, name);
            then(fault);
          });
}

} // namespace overwatch
