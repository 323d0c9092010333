#include "actors/generator.hpp"

#include "actors/declared_types.hpp"
#include "actors/task_events.hpp"
#include "config/log.hpp"
#include "messages/codec.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <utility>

namespace overwatch {

namespace {

constexpr auto load_timeout = std::chrono::seconds{30};
constexpr auto load_retry = milliseconds{250};
constexpr uint32_t page_size = 500;
constexpr std::string_view interval_setting = "generation_interval";

// One that is about no task.
rule_event event_of(event_kind kind, std::string message) {
  rule_event result;
  result.kind = kind;
  result.message = std::move(message);
  return result;
}

rule_event event_of(const event& x) {
  auto result = event_of(x.kind, x.message);
  if (!x.spec)
    return result;
  result.task_id = to_string(x.spec->id);
  result.task_name = x.spec->name;
  result.task_type = x.spec->task_type;
  result.task_status = name_of(x.status);
  result.error = x.error.message;
  result.origin = std::string{name_of(x.spec->origin.kind)} + ':' + x.spec->origin.id;
  return result;
}

} // namespace

// -- the start -----------------------------------------------------------------

generator_state::generator_state() : schedule_book_{[this](timestamp time) { return ids_.next(time, 0); }} {}

void generator_state::set_up(pointer self, generator_options options, scheduler_actor scheduler,
                             std::vector<replica_actor> replicas) {
  self_ = self;
  options_ = std::move(options);
  scheduler_ = std::move(scheduler);
  replicas_ = std::move(replicas);
  types_ = options_.task_types;
  started_ = options_.clock();
  interval_ = options_.interval;
  ids_ = task_id_generator{options_.seed};
  for (const auto& x : options_.default_rules)
    book_.ship(x);
  for (const auto& x : options_.native_rules) {
    rule_record record;
    record.name = x.name;
    record.definition.description = x.description;
    native_[x.name] = std::make_shared<const native_rule>(x);
    book_.ship(std::move(record));
  }
  rule_worker_options judging{options_.judge,  options_.parse_task, options_.write_task,
                              options_.sample, options_.task_types, options_.snapshot_roots};
  worker_ = options_.own_thread ? self->spawn<caf::linked + caf::detached>(rule_worker, std::move(judging))
                                : self->spawn<caf::linked>(rule_worker, std::move(judging));
  for (const auto& one : replicas_)
    self->send(one, caf::subscribe_atom::value, caf::actor_cast<caf::strong_actor_ptr>(self));
  load();
}

// The replicas tell of all that is applied from now on, and answer in between: what they answer is the state at that
// place.
void generator_state::load() {
  self_->request(scheduler_, load_timeout, scheduler_status_request{})
    .then(
      [this](const scheduler_status& x) {
        if (!x.leads) {
          load_later();
          return;
        }
        if (auto i = x.settings.find(std::string{interval_setting}); i != x.settings.end() && !i->second.empty())
          interval_ = std::chrono::seconds{std::stoll(i->second)};
        auto declared = declared_types(x.settings);
        declared.insert(declared_types_.begin(), declared_types_.end()); // it may be older than what was applied
        declare_types(declared);
        load_documents(document_kind::gate, {});
      },
      [this](const caf::error&) { load_later(); });
}

void generator_state::load_later() {
  unread_.clear();
  load_timer_ = ++last_timer_;
  self_->delayed_send(self_, load_retry, caf::tick_atom::value, load_timer_);
}

void generator_state::load_documents(document_kind kind, std::string after) {
  documents_request request;
  request.kind = kind;
  request.after = std::move(after);
  request.limit = page_size;
  self_->request(replicas_[control_partition], load_timeout, request)
    .then(
      [this, kind](const document_page& page) {
        for (const auto& x : page.documents)
          take_document(kind, x);
        if (page.more && !page.documents.empty())
          load_documents(kind, page.documents.back().name);
        else if (kind == document_kind::gate)
          load_documents(document_kind::rule, {});
        else if (kind == document_kind::rule)
          load_documents(document_kind::schedule, {});
        else
          load_schedules();
      },
      [this](const caf::error&) { load_later(); });
}

void generator_state::take_document(document_kind kind, const document& x) {
  auto read = false;
  if (kind == document_kind::gate) {
    gate_record gate;
    read = decode(*x.value, gate);
    if (read)
      gates_[x.name] = gate.open;
  } else if (kind == document_kind::rule) {
    rule_record rule;
    read = decode(*x.value, rule);
    if (read)
      book_.load(std::move(rule));
  } else {
    schedule_record schedule;
    read = decode(*x.value, schedule);
    if (read)
      unread_.push_back(std::move(schedule));
  }
  if (!read)
    log_line(severity::error, "generator", "a stored document cannot be read and is left out", {{"name", x.name}});
}

void generator_state::load_schedules() {
  if (unread_.empty()) {
    go();
    return;
  }
  auto record = std::move(unread_.front());
  unread_.pop_front();
  if (record.last_task.is_nil()) {
    take_schedule(std::move(record), false);
    return;
  }
  auto last = record.last_task;
  auto shared = std::make_shared<schedule_record>(std::move(record));
  self_->request(replicas_[control_partition], load_timeout, get_request{last})
    .then([this, shared](const task_record& task) {
            take_schedule(std::move(*shared), !is_terminal(task.state.status));
          },
          [this, shared](const caf::error& error) {
            if (describe(error).code == ec::not_found)
              take_schedule(std::move(*shared), false);
            else
              load_later();
          });
}

void generator_state::take_schedule(schedule_record record, bool last_task_unfinished) {
  auto name = record.name;
  if (auto fault = schedule_book_.load(std::move(record), last_task_unfinished))
    log_line(severity::error, "generator", "a stored schedule cannot be used any more",
             {{"schedule", name}, {"reason", fault.message}});
  load_schedules();
}

void generator_state::go() {
  if (!std::exchange(loaded_, true))
    arm_interval();
  take_due();
}

failure generator_state::not_loaded() const {
  if (loaded_)
    return {};
  return {ec::unavailable, {}, "rules and schedules are being loaded; try again in a moment"};
}

// -- what happens --------------------------------------------------------------

void generator_state::applied(const applied_entry& entry) {
  cursor_ = {entry.partition, entry.index, 0};
  auto slots_are_due = false;
  for (const auto& change : entry.changes) {
    auto ended = change.kind == change_kind::ended;
    if (ended && change.state.status == task_status::failed)
      count_failure(entry.time);
    if (ended || change.kind == change_kind::removed)
      slots_are_due |= schedule_book_.task_ended(change.spec->id);
    if (book_.listens())
      for (const auto& x : events_of(change, entry.time))
        add_event(event_of(x), &change.spec->origin);
  }
  if (entry.partition == control_partition)
    apply_control(entry);
  if (slots_are_due)
    take_due();
  next();
}

// The other partitions have copies of its gates and settings.
void generator_state::apply_control(const applied_entry& entry) {
  auto declared = declared_types_;
  for (const auto& [key, value] : entry.settings) {
    if (key == interval_setting && value.empty())
      set_interval(options_.interval);
    if (key == "dispatch")
      add_event(event_of(value == "stopped" ? event_kind::dispatch_stopped : event_kind::dispatch_resumed, {}),
                nullptr);
    if (auto type = declared_type(key)) {
      if (value.empty())
        declared.erase(*type);
      else
        declared.insert(*type);
    }
  }
  declare_types(declared);
  for (const auto& x : entry.documents) {
    if (x.kind == document_kind::gate)
      take_gate(x.name, x.value);
    else
      take_doubtful(x);
  }
  for (const auto& workflow : entry.workflows)
    if (workflow->finished_at)
      add_event(event_of(event_kind::workflow_finished,
                         to_string(workflow->id) + " " + std::string{name_of(workflow->status)}),
                nullptr);
}

void generator_state::declare_types(const std::set<std::string>& declared) {
  if (declared == declared_types_)
    return;
  declared_types_ = declared;
  types_ = options_.task_types;
  types_.insert(declared.begin(), declared.end());
  self_->send(worker_, known_types{types_});
}

// A proposal that was not answered in time may be applied later; what is shown is then what was stored.
void generator_state::doubt(document_kind kind, const std::string& document) {
  doubtful_.emplace(kind, document);
}

void generator_state::take_doubtful(const document_change& x) {
  if (doubtful_.erase({x.kind, x.name}) == 0)
    return;
  if (x.kind == document_kind::rule) {
    rule_record rule;
    const auto* known = book_.find(x.name);
    if (x.value && decode(*x.value, rule))
      book_.load(std::move(rule));
    else if (known != nullptr && !known->built_in)
      book_.removed(x.name);
    return;
  }
  schedule_record schedule;
  if (!x.value || schedule_book_.busy(x.name) || !decode(*x.value, schedule))
    return; // a change that is under way comes after it
  unread_.push_back(std::move(schedule));
  load_schedules();
}

void generator_state::take_gate(const std::string& gate, const std::shared_ptr<const std::string>& value) {
  gate_record record; // one that was removed counts as open
  if (value && !decode(*value, record))
    return;
  auto i = gates_.find(gate);
  auto was_open = i == gates_.end() || i->second;
  if (value)
    gates_[gate] = record.open;
  else
    gates_.erase(gate);
  if (record.open == was_open)
    return;
  auto reason = record.history.empty() ? std::string{"removed"} : record.history.front().reason;
  add_event(event_of(record.open ? event_kind::gate_opened : event_kind::gate_closed, gate + ": " + reason), nullptr);
}

// Entries of different partitions come in no order of time.
void generator_state::count_failure(timestamp time) {
  ++failures_[std::chrono::time_point_cast<std::chrono::seconds>(time)];
  failures_.erase(failures_.begin(), failures_.lower_bound(options_.clock() - recent_failures));
}

void generator_state::timer(uint64_t number) {
  if (number == load_timer_)
    load();
  else if (number == slot_timer_)
    take_due();
  else if (number == interval_timer_) {
    begin_round({});
    arm_interval();
  }
}

void generator_state::set_interval(std::chrono::seconds interval) {
  interval_ = interval;
  if (loaded_)
    arm_interval();
}

void generator_state::arm_interval() {
  interval_timer_ = ++last_timer_;
  if (interval_.count() > 0)
    self_->delayed_send(self_, interval_, caf::tick_atom::value, interval_timer_);
}

generator_actor::behavior_type generator(generator_state::pointer self, generator_options options,
                                         scheduler_actor scheduler, std::vector<replica_actor> replicas) {
  auto& state = self->state;
  state.set_up(self, std::move(options), std::move(scheduler), std::move(replicas));
  return {
    [=](const generate_request&) { return self->state.generate(); },
    [=](const schedules_request&) { return self->state.schedules(); },
    [=](const schedule_request& x) { return self->state.schedule(x); },
    [=](const put_schedule_request& x) { return self->state.put(x); },
    [=](const remove_schedule_request& x) { return self->state.remove(x); },
    [=](const control_schedule_request& x) { return self->state.control(x); },
    [=](const next_slots_request& x) { return self->state.next_slots(x); },
    [=](const rules_request&) { return self->state.rules(); },
    [=](const rule_request& x) { return self->state.rule(x); },
    [=](const put_rule_request& x) { return self->state.put(x); },
    [=](const remove_rule_request& x) { return self->state.remove(x); },
    [=](const test_rule_request& x) { return self->state.test(x); },
    [=](const applied_ptr& x) { self->state.applied(*x); },
    [=](caf::tick_atom, uint64_t number) { self->state.timer(number); },
    [=](caf::update_atom, uint32_t seconds) { self->state.set_interval(std::chrono::seconds{seconds}); },
  };
}

} // namespace overwatch
