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

bool wanted(const event_request& request, const event& x) {
  const auto& kinds = request.kinds;
  return (kinds.empty() || std::find(kinds.begin(), kinds.end(), x.kind) != kinds.end())
         && (!request.task || (x.spec && x.spec->id == *request.task));
}

} // namespace

void event_hub_state::set_up(pointer self, event_hub_options options) {
  self_ = self;
  options_ = std::move(options);
  events_ = event_ring{options_.max_events, options_.max_bytes};
}

// -- what happens --------------------------------------------------------------

void event_hub_state::begin(const applied_position& x) {
  events_.begin(x.partition, x.index);
  for (auto& one : readers_) {
    events_.complete(*one.request.after);
    events_.complete(one.from);
    one.next.reset();
  }
}

// Gates and settings of the control partition are copied into the others: they are told once.
void event_hub_state::add(const applied_entry& entry) {
  if (!events_.has_begun(entry.partition)) // what was before is not known here
    begin({entry.partition, entry.index - 1});
  uint64_t number = 0;
  auto tell = [&](event&& x) {
    x.time = entry.time;
    x.cursor = {entry.partition, entry.index, number++};
    events_.add(std::move(x));
  };
  for (const auto& change : entry.changes)
    for (auto& x : events_of(change, entry.time))
      tell(std::move(x));
  auto controls = entry.partition == control_partition;
  for (const auto& change : entry.documents)
    if (auto x = controls ? event_of_gate(change) : std::nullopt)
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
    if (key != "dispatch" || !controls)
      continue;
    event x;
    x.kind = value == "stopped" ? event_kind::dispatch_stopped : event_kind::dispatch_resumed;
    tell(std::move(x));
  }
  if (number == 0)
    events_.pass(entry.partition, entry.index);
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

void event_hub_state::add_live(live_events& x) {
  if (!events_.has_begun(x.partition))
    return;
  for (auto& one : x.events)
    gather(events_.add_live(x.partition, std::move(one), 0));
  answer_readers();
}

// -- readers -------------------------------------------------------------------

void event_hub_state::add_gaps(reader& x, event_batch& out) const {
  for (const auto& cursor : events_.missed(*x.request.after)) {
    if (out.events.size() >= x.request.limit)
      return;
    event gap;
    gap.kind = event_kind::gap;
    gap.time = now();
    gap.cursor = cursor;
    gap.message = "events of partition " + std::to_string(cursor.partition)
                  + " before this one are no longer kept: look at the tasks again";
    x.request.after->advance(cursor);
    out.events.push_back(std::move(gap));
  }
}

// Takes the reader's position to what it has seen, or does not want.
bool event_hub_state::fill(reader& x, event_batch& out) const {
  auto& position = *x.request.after;
  if (!x.next || *x.next < events_.first()) {
    add_gaps(x, out);
    x.next = events_.first_unseen(position);
  }
  for (; *x.next != events_.end() && out.events.size() < x.request.limit; ++*x.next) {
    const auto& one = events_.at(*x.next);
    const auto* seen = position.find(one.cursor.partition);
    if (seen != nullptr && !(*seen < one.cursor))
      continue; // at another node
    position.advance(one.cursor);
    if (wanted(x.request, one))
      out.events.push_back(one);
  }
  if (out.events.empty())
    return false;
  out.from = std::move(x.from);
  out.next = std::move(position);
  return true;
}

caf::result<event_batch> event_hub_state::read(event_request& x) {
  if (x.after && !x.after->valid())
    return make_error(ec::invalid, "the partitions of a position ascend", "/after");
  note_interest(x);
  if (!x.after)
    x.after.emplace();
  events_.complete(*x.after);
  auto wait = x.wait;
  reader one;
  one.from = *x.after;
  one.request = std::move(x);
  event_batch batch;
  if (fill(one, batch))
    return batch;
  if (wait.count() <= 0) {
    batch.from = std::move(one.from);
    batch.next = std::move(*one.request.after);
    return batch;
  }
  if (readers_.size() >= options_.max_waiting_readers)
    return make_error(ec::overloaded, "too many readers wait for events; ask again in a second");
  one.promise = self_->make_response_promise<event_batch>();
  one.until = self_->clock().now() + wait;
  auto promise = one.promise;
  readers_.push_back(std::move(one));
  if (!std::exchange(ticking_, true))
    self_->delayed_send(self_, options_.tick_interval, caf::tick_atom::value);
  return promise;
}

void event_hub_state::answer_readers() {
  auto answered = [&](reader& x) {
    event_batch batch;
    if (!fill(x, batch))
      return false;
    x.promise.deliver(std::move(batch));
    return true;
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
    nothing.from = std::move(x.from);
    nothing.next = std::move(*x.request.after);
    for (const auto& cursor : events_.newest().cursors)
      nothing.next.advance(cursor); // also behind entries that nothing is told of
    x.promise.deliver(std::move(nothing));
    return true;
  };
  readers_.erase(std::remove_if(readers_.begin(), readers_.end(), expired), readers_.end());
  if (!readers_.empty() && !std::exchange(ticking_, true))
    self_->delayed_send(self_, options_.tick_interval, caf::tick_atom::value);
}

event_hub_actor::behavior_type event_hub(event_hub_state::pointer self, event_hub_options options) {
  self->state.set_up(self, std::move(options));
  return {
    [=](const applied_ptr& x) { self->state.add(*x); },
    [=](const applied_position& x) {
      self->state.begin(x);
      self->state.answer_readers();
    },
    [=](live_events& x) { self->state.add_live(x); },
    [=](event_request& x) { return self->state.read(x); },
    [=](const peer_report& x) { self->state.set_peer(x); },
    [=](const live_interest& x) { self->state.set_interest(x); },
    [=](live_batch& x) { self->state.add_batch(x); },
    [=](caf::tick_atom) { self->state.tick(); },
    [=](caf::flush_atom) { self->state.send_gathered(); },
    [=](caf::idle_atom) { self->state.renew_interest(); },
  };
}

} // namespace overwatch
