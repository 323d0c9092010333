#include "actors/gate_manager.hpp"

#include "actors/all_stats.hpp"
#include "actors/gate_rules.hpp"
#include "actors/open_hours.hpp"
#include "messages/codec.hpp"

#include <caf/typed_response_promise.hpp>

#include <algorithm>

namespace overwatch {

namespace {

constexpr auto itself = "gate_manager";

bool is_of_tasks(const std::string& metric) {
  return metric == "queue_depth" || metric == "running_tasks" || metric == "failure_percent";
}

caf::error no_such_gate(const std::string& name) {
  return make_error(ec::not_found, "there is no gate \"" + name.substr(0, max_gate_name_bytes) + '"');
}

} // namespace

void gate_manager_state::set_up(pointer self, gate_manager_options options, scheduler_actor scheduler,
                                std::vector<replica_actor> replicas) {
  self_ = self;
  options_ = std::move(options);
  scheduler_ = std::move(scheduler);
  replicas_ = std::move(replicas);
  load({});
}

// -- loading -------------------------------------------------------------------

void gate_manager_state::load(std::string after) {
  documents_request request;
  request.kind = document_kind::gate;
  request.after = std::move(after);
  self_->request(replicas_[control_partition], options_.request_timeout, request)
    .then(
      [this](const document_page& page) {
        for (const auto& document : page.documents) {
          gate_record record;
          if (document.value && decode(*document.value, record))
            adopt(gates_[document.name], std::move(record));
        }
        if (page.more && !page.documents.empty()) {
          load(page.documents.back().name);
          return;
        }
        loaded_ = true;
        for (const auto& what : std::exchange(until_loaded_, {}))
          what();
      },
      [this](const caf::error&) { wake_at(options_.clock() + options_.interval); });
}

void gate_manager_state::when_loaded(std::function<void()> what) {
  if (loaded_)
    what();
  else
    until_loaded_.push_back(std::move(what));
}

// -- requests ------------------------------------------------------------------

caf::result<gates_reply> gate_manager_state::list() {
  if (until_loaded_.size() >= max_waiting_gate_changes)
    return make_error(ec::overloaded, "the gates are still being read; try again");
  auto promise = self_->make_response_promise<gates_reply>();
  when_loaded([this, promise]() mutable {
    gates_reply reply;
    for (const auto& [name, x] : gates_)
      if (x.stored)
        reply.gates.push_back(x.record);
    promise.deliver(std::move(reply));
  });
  return promise;
}

caf::result<gate_record> gate_manager_state::change(set_gate_request x) {
  auto name = x.name;
  return enqueue(name, {std::move(x), {}});
}

caf::result<gate_record> gate_manager_state::remove(const remove_gate_request& x) {
  return enqueue(x.name, {std::nullopt, {}});
}

caf::result<gate_record> gate_manager_state::enqueue(const std::string& name, requested_change x) {
  auto found = gates_.find(name);
  if (until_loaded_.size() >= max_waiting_gate_changes ||
      (found != gates_.end() && found->second.waiting.size() >= max_waiting_gate_changes))
    return make_error(ec::overloaded, "too many changes of gates wait already; try again");
  auto promise = self_->make_response_promise<gate_record>();
  x.promise = promise;
  when_loaded([this, name, x = std::move(x)]() mutable {
    auto is_new = gates_.find(name) == gates_.end();
    if (is_new && !x.set) {
      x.promise.deliver(no_such_gate(name));
    } else if (is_new && gates_.size() >= max_gates) {
      x.promise.deliver(make_error(
        ec::invalid, "there are " + std::to_string(max_gates) + " gates already; remove one first", "/name"));
    } else {
      gates_[name].waiting.push_back(std::move(x));
      go_on(name);
    }
  });
  return promise;
}

/// Starts what waits, one change at a time.
void gate_manager_state::go_on(const std::string& name) {
  for (auto i = gates_.find(name); i != gates_.end() && !i->second.changing; i = gates_.find(name)) {
    auto& x = i->second;
    if (x.waiting.empty()) {
      if (!x.stored)
        gates_.erase(i);
      return;
    }
    auto asked = std::move(x.waiting.front());
    x.waiting.pop_front();
    begin(name, x, std::move(asked));
  }
}

void gate_manager_state::begin(const std::string& name, gate& x, requested_change asked) {
  if (!asked.set) {
    if (x.stored)
      propose(name, std::nullopt, asked.promise);
    else
      asked.promise.deliver(no_such_gate(name));
    return;
  }
  auto changed = changed_gate(x.stored ? &x.record : nullptr, *asked.set, options_.clock());
  if (!changed)
    asked.promise.deliver(std::move(changed.error()));
  else if (x.stored && encode(*changed) == encode(x.record))
    answer(asked.promise, x.record); // an earlier one may not be everywhere yet
  else
    propose(name, std::move(*changed), asked.promise);
}

// -- changes -------------------------------------------------------------------

/// Without `record` the gate is removed.
void gate_manager_state::propose(const std::string& name, std::optional<gate_record> record,
                                 std::optional<gate_promise> promise) {
  auto& x = gates_[name];
  x.changing = true;
  put_command put{document_kind::gate, name, std::nullopt, std::nullopt};
  if (record)
    put.value = encode(*record);
  auto answer = record ? *record : x.record;
  auto failed = [this, name, promise](caf::error error) mutable {
    auto unknown = describe(error).code == ec::timed_out;
    if (promise)
      promise->deliver(std::move(error));
    else
      wake_at(options_.clock() + options_.interval); // its own judgement: again
    if (unknown) {
      look_up(name);
    } else {
      gates_[name].changing = false;
      go_on(name);
    }
  };
  self_->request(scheduler_, options_.request_timeout, propose_request{{std::move(put)}, false})
    .then(
      [this, name, promise, failed, record = std::move(record),
       answer = std::move(answer)](const propose_reply& reply) mutable {
        if (reply.results.empty() || reply.results.front().error) {
          failed(reply.results.empty() ? make_error(ec::internal, "the change of a gate got no answer")
                                       : make_error(reply.results.front().error));
          return;
        }
        settle(name, record);
        if (promise)
          this->answer(*promise, std::move(answer));
        go_on(name);
      },
      [failed](caf::error& error) mutable { failed(std::move(error)); });
}

void gate_manager_state::answer(gate_promise promise, gate_record record) {
  if (!options_.mirror) {
    promise.deliver(std::move(record));
    return;
  }
  self_->request(options_.mirror, options_.request_timeout, settle_request{})
    .then([promise, record = std::move(record)](uint64_t) mutable { promise.deliver(std::move(record)); },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
}

void gate_manager_state::settle(const std::string& name, const std::optional<gate_record>& record) {
  auto& x = gates_[name];
  x.changing = false;
  if (record)
    adopt(x, *record);
  else
    x.stored = false;
}

/// After a change whose outcome is unknown: the store knows.
void gate_manager_state::look_up(const std::string& name) {
  self_->request(replicas_[control_partition], options_.request_timeout, document_request{document_kind::gate, name})
    .then(
      [this, name](const document& found) {
        gate_record record;
        if (found.value && decode(*found.value, record))
          settle(name, std::move(record));
        else
          gates_[name].changing = false;
        go_on(name);
      },
      [this, name](const caf::error& error) {
        if (describe(error).code == ec::not_found)
          settle(name, std::nullopt);
        else
          gates_[name].changing = false;
        go_on(name);
      });
}

void gate_manager_state::adopt(gate& x, gate_record record) {
  const auto& definition = record.definition;
  auto is_new = !x.stored || encode(x.record.definition) != encode(definition);
  x.stored = true;
  x.record = std::move(record);
  if (!is_new) {
    if (x.zone)
      wake_at(options_.clock()); // an edge may have passed meanwhile
    return;
  }
  x.condition = {!x.record.open, std::nullopt};
  x.zone.reset();
  x.next_edge.reset();
  if (x.record.definition.kind == gate_kind::health)
    wake_at(next_look_);
  if (x.record.definition.kind != gate_kind::window)
    return;
  if (auto zone = time_zone::find(x.record.definition.time_zone)) {
    x.zone = *zone;
    wake_at(options_.clock());
  }
}

// -- judging -------------------------------------------------------------------

void gate_manager_state::tick(uint64_t generation) {
  if (generation != generation_)
    return; // an earlier wake-up took its place
  wakes_at_.reset();
  auto now = options_.clock();
  if (!loaded_) {
    load({});
    return;
  }
  if (now < last_tick_) { // the clock was set back
    next_look_ = now;
    for (auto& [name, x] : gates_)
      x.next_edge.reset();
  }
  last_tick_ = now;
  judge_windows();
  if (now >= next_look_ && !reading_)
    look_at_health();
  wake_for_next();
}

void gate_manager_state::judge_windows() {
  auto now = options_.clock();
  for (auto& [name, x] : gates_) {
    if (!x.stored || !x.zone)
      continue;
    if (!x.next_edge || *x.next_edge <= now) {
      const auto& windows = x.record.definition.windows;
      x.in_window = is_open(windows, *x.zone, now);
      x.next_edge = next_change(windows, *x.zone, now).value_or(timestamp::max());
    }
    if (x.in_window != x.record.open && !x.changing)
      switch_to(x, x.in_window, x.in_window ? "a window begins" : "its windows are over");
  }
}

void gate_manager_state::look_at_health() {
  auto host = false;
  auto tasks = false;
  auto failures = false;
  for (const auto& [name, x] : gates_) {
    const auto& definition = x.record.definition;
    if (!x.stored || definition.kind != gate_kind::health)
      continue;
    (is_of_tasks(definition.closes_while.metric) ? tasks : host) = true;
    failures = failures || definition.closes_while.metric == "failure_percent";
  }
  if (!failures)
    failures_.clear();
  if (!host && !tasks)
    return;
  next_look_ = options_.clock() + options_.interval;
  auto values = host && options_.sample ? options_.sample() : readings{};
  if (!tasks) {
    judge_health(values);
    return;
  }
  reading_ = true;
  ask_all_stats(self_, replicas_, options_.request_timeout,
                [this, values](const std::optional<stats_reply>& stats) mutable {
                  reading_ = false;
                  if (stats)
                    values.merge(tasks_of(*stats));
                  judge_health(values);
                  wake_for_next();
                });
}

gate_manager_state::readings gate_manager_state::tasks_of(const stats_reply& stats) {
  uint64_t queued = 0;
  uint64_t running = 0;
  for (const auto& x : stats.counts) {
    queued += x.status == task_status::queued ? x.count : 0;
    running += x.status == task_status::running ? x.count : 0;
  }
  auto ended = stats.completed + stats.failed + stats.cancelled;
  return {{"queue_depth", static_cast<double>(queued)},
          {"running_tasks", static_cast<double>(running)},
          {"failure_percent", failures_.add(options_.clock(), stats.failed, ended)}};
}

void gate_manager_state::judge_health(const readings& values) {
  auto now = options_.clock();
  for (auto& [name, x] : gates_) {
    if (!x.stored || x.changing || x.record.definition.kind != gate_kind::health)
      continue;
    const auto& condition = x.record.definition.closes_while;
    auto found = values.find(condition.metric);
    auto value = found == values.end() ? std::nullopt : std::optional{found->second};
    x.condition = step(condition, x.condition, value, now);
    if (x.condition.holding == x.record.open)
      switch_to(x, !x.condition.holding, sentence_of(condition, x.condition.holding, value));
  }
}

void gate_manager_state::switch_to(gate& x, bool open, std::string reason) {
  auto record = x.record;
  switch_gate(record, open, itself, std::move(reason), options_.clock());
  propose(x.record.name, std::move(record), std::nullopt);
}

// -- the timer -----------------------------------------------------------------

void gate_manager_state::wake_at(timestamp time) {
  auto now = options_.clock();
  time = std::clamp(time, now, now + longest_gate_sleep);
  if (wakes_at_ && *wakes_at_ <= time)
    return;
  wakes_at_ = time;
  self_->delayed_send(self_, time - now, caf::tick_atom::value, ++generation_);
}

void gate_manager_state::wake_for_next() {
  std::optional<timestamp> next;
  for (const auto& [name, x] : gates_) {
    if (!x.stored)
      continue;
    auto health = x.record.definition.kind == gate_kind::health;
    auto due = health && !reading_ ? std::optional{next_look_} : x.next_edge;
    if (due && (!next || *due < *next))
      next = due;
  }
  if (next)
    wake_at(*next);
}

// -- the actor -----------------------------------------------------------------

gate_manager_actor::behavior_type gate_manager(gate_manager_state::pointer self, gate_manager_options options,
                                               scheduler_actor scheduler, std::vector<replica_actor> replicas) {
  self->state.set_up(self, std::move(options), std::move(scheduler), std::move(replicas));
  return {
    [=](const gates_request&) { return self->state.list(); },
    [=](set_gate_request& x) { return self->state.change(std::move(x)); },
    [=](const remove_gate_request& x) { return self->state.remove(x); },
    [=](caf::tick_atom, uint64_t generation) { self->state.tick(generation); },
  };
}

} // namespace overwatch
