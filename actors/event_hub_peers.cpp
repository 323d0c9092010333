#include "actors/event_hub.hpp"

#include "config/log.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

/// The half of the event hub that exchanges events that are not in the log with the hubs of other nodes.
namespace overwatch {

namespace {

bool wants_live_events(const event_request& x) {
  auto is_live = [](event_kind kind) { return kind == event_kind::task_progress || kind == event_kind::task_log; };
  return x.kinds.empty() || std::any_of(x.kinds.begin(), x.kinds.end(), is_live);
}

} // namespace

void event_hub_state::set_peer(const peer_report& x) {
  if (!x.up || !x.handles.event_hub) {
    peers_.erase(x.node);
    return;
  }
  auto hub = caf::actor_cast<event_hub_actor>(x.handles.event_hub);
  auto& known = peers_[x.node];
  if (known.hub == hub)
    return;
  known = {};
  known.hub = std::move(hub);
  if (has_readers_of_live_events())
    tell_interest(known);
}

// -- wanted here ---------------------------------------------------------------

// A reader that has got something asks again in a moment.
void event_hub_state::note_interest(const event_request& x) {
  if (!wants_live_events(x))
    return;
  auto time = self_->clock().now();
  interested_until_ = std::max(interested_until_.value_or(time), time + x.wait + options_.interest_lasts);
  if (!renewing_)
    renew_interest();
}

bool event_hub_state::has_readers_of_live_events() const {
  return interested_until_ && self_->clock().now() < *interested_until_;
}

void event_hub_state::tell_interest(const peer& x) {
  self_->send(x.hub, live_interest{options_.node});
}

void event_hub_state::renew_interest() {
  renewing_ = has_readers_of_live_events();
  if (!renewing_)
    return;
  for (const auto& [node, x] : peers_)
    tell_interest(x);
  self_->delayed_send(self_, options_.interest_interval, caf::idle_atom::value);
}

void event_hub_state::add_batch(live_batch& x) {
  if (x.dropped > 0)
    log_line(severity::warning, "event_hub", "progress and log events of another node were too many to be passed on",
             {{"dropped", x.dropped}});
  for (auto& one : x.events)
    if (auto cursor = one.cursor; events_.has_begun(cursor.partition))
      events_.add_live(cursor.partition, std::move(one), cursor.number);
  answer_readers();
}

// -- wanted there --------------------------------------------------------------

void event_hub_state::set_interest(const live_interest& x) {
  auto i = peers_.find(x.node);
  if (i == peers_.end())
    return;
  i->second.interested_until = self_->clock().now() + options_.interest_lasts;
  i->second.batches = options_.max_batches;
}

void event_hub_state::gather(const event& x) {
  auto is_interested = [](const auto& one) { return one.second.interested_until.has_value(); };
  if (std::none_of(peers_.begin(), peers_.end(), is_interested))
    return;
  gathered_.events.push_back(x);
  gathered_bytes_ += bytes_of(x);
  if (gathered_.events.size() >= options_.max_gathered_events || gathered_bytes_ >= options_.max_gathered_bytes)
    send_gathered();
  else if (!std::exchange(gathering_, true))
    self_->delayed_send(self_, options_.gather_interval, caf::flush_atom::value);
}

void event_hub_state::send_gathered() {
  gathering_ = false;
  if (gathered_.events.empty())
    return;
  auto time = self_->clock().now();
  for (auto& [node, x] : peers_) {
    if (x.interested_until && *x.interested_until <= time)
      x.interested_until.reset();
    if (!x.interested_until)
      continue;
    if (x.batches == 0) {
      x.dropped += gathered_.events.size();
      continue;
    }
    --x.batches;
    gathered_.dropped = std::exchange(x.dropped, 0);
    self_->send(x.hub, gathered_);
  }
  gathered_ = {};
  gathered_bytes_ = 0;
}

} // namespace overwatch
