#include "actors/event_hub.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

namespace overwatch {

namespace {

event_kind kind_of(const task_change& change) {
  switch (change.kind) {
    case change_kind::created:
      return event_kind::task_created;
    case change_kind::queued:
      return event_kind::task_queued;
    case change_kind::started:
      return event_kind::task_started;
    case change_kind::cancelling:
      return event_kind::task_cancelling;
    case change_kind::retrying:
      return event_kind::task_retrying;
    case change_kind::removed:
      return event_kind::task_deleted;
    case change_kind::ended:
      break;
  }
  switch (change.state.status) {
    case task_status::completed:
      return event_kind::task_completed;
    case task_status::failed:
      return event_kind::task_failed;
    default:
      return event_kind::task_cancelled;
  }
}

size_t bytes_of(const event& x) {
  return sizeof(event) + x.message.size() + x.error.message.size()
         + (x.spec ? sizeof(task_spec) + x.spec->name.size() + x.spec->description.size() : 0);
}

bool wanted(const event_request& request, const event& x) {
  const auto& kinds = request.kinds;
  return (kinds.empty() || std::find(kinds.begin(), kinds.end(), x.kind) != kinds.end())
         && (!request.task || (x.spec && x.spec->id == *request.task));
}

} // namespace

event event_of(const task_change& change, timestamp time) {
  event x;
  x.time = time;
  x.kind = kind_of(change);
  x.spec = change.spec;
  x.status = change.state.status;
  x.attempt = change.state.fence.attempt;
  x.percent = change.state.percent;
  x.error = change.state.error;
  if (change.kind == change_kind::ended || change.kind == change_kind::retrying)
    x.execution_time = execution_seconds(change.state);
  if (change.kind == change_kind::cancelling || x.kind == event_kind::task_cancelled)
    x.message = change.state.cancel_reason;
  return x;
}

void event_hub_state::set_up(pointer self, event_hub_options options) {
  self_ = self;
  options_ = options;
}

void event_hub_state::append(event&& x) {
  newest_ = x.cursor;
  bytes_ += bytes_of(x);
  events_.push_back(std::move(x));
  while (events_.size() > options_.max_events || bytes_ > options_.max_bytes) {
    complete_after_ = events_.front().cursor;
    bytes_ -= bytes_of(events_.front());
    events_.pop_front();
  }
}

void event_hub_state::add(const applied_entry& entry) {
  if (!std::exchange(begun_, true)) { // what was before is not known here
    complete_after_ = {entry.partition, entry.index - 1, ~0ULL};
    newest_ = complete_after_;
  }
  uint64_t number = 0;
  for (const auto& change : entry.changes) {
    auto x = event_of(change, entry.time);
    x.cursor = {entry.partition, entry.index, number++};
    append(std::move(x));
  }
  for (const auto& [key, value] : entry.settings) {
    if (key != "dispatch")
      continue;
    event x;
    x.time = entry.time;
    x.kind = value == "stopped" ? event_kind::dispatch_stopped : event_kind::dispatch_resumed;
    x.cursor = {entry.partition, entry.index, number++};
    append(std::move(x));
  }
  answer_readers();
}

void event_hub_state::add_live(partition_id partition, std::vector<event>& events) {
  for (auto& x : events) {
    x.cursor = {partition, newest_.index, newest_.number + 1};
    append(std::move(x));
  }
  answer_readers();
}

bool event_hub_state::fill(const event_request& x, event_batch& out) const {
  const auto& after = *x.after;
  out.next = after;
  if (after < complete_after_) {
    event gap;
    gap.kind = event_kind::gap;
    gap.time = now();
    gap.cursor = complete_after_;
    gap.message = "events before this one are no longer kept: look at the tasks again";
    out.next = gap.cursor;
    out.events.push_back(std::move(gap));
  }
  auto from = std::upper_bound(events_.begin(), events_.end(), after,
                               [](const event_cursor& cursor, const event& y) { return cursor < y.cursor; });
  for (auto i = from; i != events_.end() && out.events.size() < x.limit; ++i) {
    out.next = i->cursor;
    if (wanted(x, *i))
      out.events.push_back(*i);
  }
  return !out.events.empty();
}

caf::result<event_batch> event_hub_state::read(event_request& x) {
  if (!x.after)
    x.after = newest_;
  event_batch batch;
  if (fill(x, batch) || x.wait.count() <= 0)
    return batch;
  if (readers_.size() >= options_.max_waiting_readers)
    return make_error(ec::overloaded, "too many readers wait for events; ask again in a second");
  auto promise = self_->make_response_promise<event_batch>();
  auto until = self_->clock().now() + x.wait;
  x.after = batch.next; // what did not match need not be looked at again
  readers_.push_back({promise, std::move(x), until});
  if (!std::exchange(ticking_, true))
    self_->delayed_send(self_, options_.tick_interval, caf::tick_atom::value);
  return promise;
}

void event_hub_state::answer_readers() {
  auto answered = [&](reader& x) {
    event_batch batch;
    auto found = fill(x.request, batch);
    if (found)
      x.promise.deliver(std::move(batch));
    else
      x.request.after = batch.next;
    return found;
  };
  readers_.erase(std::remove_if(readers_.begin(), readers_.end(), answered), readers_.end());
}

void event_hub_state::tick() {
  ticking_ = false;
  auto time = self_->clock().now();
  auto expired = [&](reader& x) {
    if (x.until > time)
      return false;
    event_batch nothing;
    nothing.next = *x.request.after;
    x.promise.deliver(std::move(nothing));
    return true;
  };
  readers_.erase(std::remove_if(readers_.begin(), readers_.end(), expired), readers_.end());
  if (!readers_.empty() && !std::exchange(ticking_, true))
    self_->delayed_send(self_, options_.tick_interval, caf::tick_atom::value);
}

event_hub_actor::behavior_type event_hub(event_hub_state::pointer self, event_hub_options options) {
  self->state.set_up(self, options);
  return {
    [=](const applied_ptr& x) { self->state.add(*x); },
    [=](partition_id partition, std::vector<event>& events) { self->state.add_live(partition, events); },
    [=](event_request& x) { return self->state.read(x); },
    [=](caf::tick_atom) { self->state.tick(); },
  };
}

} // namespace overwatch
