#include "actors/event_hub.hpp"

#include "actors/invariant.hpp"
#include "actors/task_events.hpp"
#include "messages/codec.hpp"
#include "messages/gate.hpp"
#include "messages/workflow.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

namespace overwatch {

namespace {

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
  auto tell = [&](event&& x) {
    x.time = entry.time;
    x.cursor = {entry.partition, entry.index, number++};
    append(std::move(x));
  };
  for (const auto& change : entry.changes)
    for (auto& x : events_of(change, entry.time))
      tell(std::move(x));
  for (const auto& change : entry.documents)
    if (auto x = event_of_gate(change))
      tell(std::move(*x));
  for (const auto& workflow : entry.workflows) {
    if (!workflow->finished_at)
      continue;
    event x;
    x.kind = event_kind::workflow_finished;
    x.message = to_string(workflow->id) + " " + std::string{name_of(workflow->status)};
    tell(std::move(x));
  }
  for (const auto& [key, value] : entry.settings) {
    if (key != "dispatch")
      continue;
    event x;
    x.kind = value == "stopped" ? event_kind::dispatch_stopped : event_kind::dispatch_resumed;
    tell(std::move(x));
  }
  answer_readers();
}

std::optional<event> event_hub_state::event_of_gate(const document_change& change) {
  if (change.kind != document_kind::gate)
    return std::nullopt;
  auto known = gates_.find(change.name);
  gate_record gate; // one that was removed counts as open
  std::string cause = "removed";
  if (change.value) {
    invariant(decode(*change.value, gate), "the log holds a gate that can be read");
    cause = gate.history.empty() ? std::string{} : gate.history.front().reason + " (" + gate.history.front().by + ")";
  }
  // Not seen since the start: its own history says what it was; a new gate was open.
  auto was_open = known != gates_.end() ? known->second : gate.history.size() < 2 || gate.history[1].open;
  if (!change.value && known != gates_.end())
    gates_.erase(known);
  else if (known != gates_.end())
    known->second = gate.open;
  else if (change.value && gates_.size() < max_gates)
    gates_.emplace(change.name, gate.open);
  if (gate.open == was_open)
    return std::nullopt;
  event x;
  x.kind = gate.open ? event_kind::gate_opened : event_kind::gate_closed;
  x.message = change.name + ": " + cause;
  return x;
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
    [=](live_events& x) { self->state.add_live(x.partition, x.events); },
    [=](event_request& x) { return self->state.read(x); },
    [=](caf::tick_atom) { self->state.tick(); },
  };
}

} // namespace overwatch
