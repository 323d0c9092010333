#include "actors/generator.hpp"
#include "actors/submission_rules.hpp"
#include "config/log.hpp"
#include "messages/codec.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <utility>

namespace overwatch {

namespace {

constexpr auto propose_timeout = std::chrono::seconds{30};
constexpr uint32_t most_slots = 100; // of one answer

failure unknown_schedule(const std::string& name) {
  return {ec::not_found, {}, "there is no schedule \"" + name + "\""};
}

} // namespace

// -- slots ---------------------------------------------------------------------

failure generator_state::check_task(const submission& x) const {
  auto fault = check_submission(x, types_);
  return fault ? fault : check_scope(x.spec->snapshot, options_.snapshot_roots);
}

void generator_state::take_due() {
  if (!loaded_)
    return;
  if (changes_under_way_ < max_changes_under_way) {
    auto time = options_.clock();
    for (auto& change : schedule_book_.take_due(time, max_changes_under_way - changes_under_way_)) {
      auto tasks = change.tasks;
      for (const auto& task : tasks)
        if (auto fault = check_task(task))
          refuse_task(change, task.spec->id, fault.field + ": " + fault.message);
      propose(std::move(change), [](const failure&) {}); // what failed is due again
    }
  }
  arm_slots();
}

// Without schedules there is no timer. One that is due while too many changes are under way is taken when one of them
// ends.
void generator_state::arm_slots() {
  slot_timer_ = ++last_timer_;
  auto due = schedule_book_.next_due();
  if (!due || changes_under_way_ >= max_changes_under_way)
    return;
  auto delay = std::chrono::duration_cast<std::chrono::microseconds>(*due - options_.clock());
  delay = std::clamp<std::chrono::microseconds>(delay, std::chrono::microseconds{0}, slot_check_interval);
  self_->delayed_send(self_, delay, caf::tick_atom::value, slot_timer_);
}

void generator_state::propose(schedule_change change, std::function<void(const failure&)> then) {
  propose_request request;
  request.together = true;
  for (const auto& task : change.tasks)
    request.commands.emplace_back(submit_command{task, true});
  std::optional<std::string> value;
  if (change.record)
    value = encode(*change.record);
  request.commands.emplace_back(put_command{document_kind::schedule, change.name, std::move(value), std::nullopt});
  ++changes_under_way_;
  auto shared = std::make_shared<const schedule_change>(std::move(change));
  self_->request(scheduler_, propose_timeout, std::move(request))
    .then(
      [this, shared, then](propose_reply& reply) {
        auto stored = std::move(reply.results.back());
        reply.results.pop_back();
        if (stored.error && stored.error.code != ec::not_found) { // what is removed may be gone already
          not_stored(*shared, stored.error, then);
          return;
        }
        schedule_book_.committed(*shared, reply.results);
        then({});
        settled(*shared);
      },
      [this, shared, then](const caf::error& error) { not_stored(*shared, describe(error), then); });
}

void generator_state::not_stored(const schedule_change& change, const failure& fault,
                                 const std::function<void(const failure&)>& then) {
  log_line(severity::debug, "generator", "a change of a schedule could not be stored",
           {{"schedule", change.name}, {"reason", fault.message}});
  schedule_book_.failed(change, options_.clock());
  if (fault.code == ec::timed_out)
    doubt(document_kind::schedule, change.name);
  then(fault);
  settled(change);
}

void generator_state::settled(const schedule_change& change) {
  --changes_under_way_;
  for (auto i = waiting_.find(change.name); i != waiting_.end() && !schedule_book_.busy(change.name);
       i = waiting_.find(change.name)) {
    auto work = std::move(i->second.front());
    i->second.pop_front();
    --waiting_count_;
    if (i->second.empty())
      waiting_.erase(i);
    work();
  }
  take_due();
}

// -- what clients ask for --------------------------------------------------------

caf::result<schedules_reply> generator_state::schedules() const {
  if (auto fault = not_loaded())
    return make_error(fault);
  return schedules_reply{schedule_book_.list()};
}

caf::result<schedule_record> generator_state::schedule(const schedule_request& x) const {
  if (auto fault = not_loaded())
    return make_error(fault);
  const auto* record = schedule_book_.find(x.name);
  if (record == nullptr)
    return make_error(unknown_schedule(x.name));
  return *record;
}

caf::result<next_slots_reply> generator_state::next_slots(const next_slots_request& x) const {
  if (auto fault = not_loaded())
    return make_error(fault);
  if (x.count < 1 || x.count > most_slots)
    return make_error(ec::invalid, "must be between 1 and " + std::to_string(most_slots), "count");
  auto slots = schedule_book_.next_slots(x.name, x.count, options_.clock());
  if (!slots)
    return std::move(slots.error());
  return next_slots_reply{std::move(*slots)};
}

// While a slot of the schedule is on its way into the log, the client's change waits for it.
void generator_state::when_idle(const std::string& schedule, std::function<void()> work, schedule_promise promise) {
  if (!schedule_book_.busy(schedule)) {
    work();
    return;
  }
  if (waiting_count_ >= max_waiting_requests) {
    promise.deliver(make_error(ec::overloaded, "too many requests wait for schedules; try again in a moment"));
    return;
  }
  ++waiting_count_;
  waiting_[schedule].push_back(std::move(work));
}

caf::result<schedule_record> generator_state::change(const std::string& schedule, make_change make) {
  if (auto fault = not_loaded())
    return make_error(fault);
  auto promise = self_->make_response_promise<schedule_record>();
  auto work = [this, schedule, make = std::move(make), promise]() mutable {
    schedule_record before;
    if (const auto* known = schedule_book_.find(schedule))
      before = *known;
    auto change = make();
    if (!change) {
      promise.deliver(change.error());
      return;
    }
    propose(std::move(*change), [this, schedule, before, promise](const failure& fault) mutable {
      const auto* now = schedule_book_.find(schedule);
      if (fault)
        promise.deliver(make_error(fault));
      else
        promise.deliver(now == nullptr ? before : *now); // it was removed
    });
    arm_slots();
  };
  when_idle(schedule, std::move(work), promise);
  return promise;
}

caf::result<schedule_record> generator_state::put(const put_schedule_request& x) {
  if (x.definition.task.spec) {
    if (auto fault = check_task(x.definition.task)) {
      fault.field = "/task" + fault.field;
      return make_error(fault);
    }
  }
  return change(x.name, [this, x] { return schedule_book_.put(x.name, x.definition, options_.clock()); });
}

caf::result<schedule_record> generator_state::remove(const remove_schedule_request& x) {
  return change(x.name, [this, name = x.name] { return schedule_book_.remove(name); });
}

caf::result<schedule_record> generator_state::control(const control_schedule_request& x) {
  return change(x.name, [this, x] {
    switch (x.action) {
      case schedule_action::pause:
        return schedule_book_.pause(x.name);
      case schedule_action::resume:
        return schedule_book_.resume(x.name, options_.clock());
      default:
        return schedule_book_.run_now(x.name, options_.clock());
    }
  });
}

} // namespace overwatch
