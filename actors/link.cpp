#include "actors/link.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <iterator>

namespace overwatch {

namespace {

// So much may come before the other end hears of it without a batch of its own: a part of its window.
constexpr uint64_t acknowledge_parts = 4;

uint64_t size_of(const log_delivery& x) { return x.bytes.size() + sizeof(x.partition); }

} // namespace

void link_state::set_up(pointer self, link_options options, membership_reports membership) {
  self_ = self;
  options_ = std::move(options);
  membership_ = std::move(membership);
  stats_.node = options_.node;
  self_->delayed_send(self_, options_.ping_interval, caf::tick_atom::value);
}

int64_t link_state::elapsed() const {
  using std::chrono::duration_cast;
  return duration_cast<std::chrono::microseconds>(self_->clock().now().time_since_epoch()).count();
}

bool link_state::is_remote(const caf::actor_addr& x) const { return remote_ && remote_.address() == x; }

// -- the session ---------------------------------------------------------------

void link_state::begin(const link_session& x) {
  if (remote_)
    self_->demonitor(remote_.address());
  session_ = x.session;
  remote_ = caf::actor_cast<link_end>(x.remote);
  up_ = false;
  silent_ = 0;
  sent_ = acknowledged_ = received_ = told_ = 0;
  heard_ = heard_at_ = 0;
  gathered_.clear();
  if (!remote_)
    return;
  self_->monitor(remote_);
  send_batch({}); // the other end takes the session for up when it comes
}

void link_state::lose(const std::string& reason) {
  if (session_ == 0)
    return;
  auto session = session_;
  begin({});
  self_->send(membership_, link_report{options_.node, session, false, reason});
}

void link_state::tick() {
  self_->delayed_send(self_, options_.ping_interval, caf::tick_atom::value);
  if (session_ == 0)
    return;
  // Intervals are counted, not time: when this process itself was stopped, its peers get the time to be heard.
  if (++silent_ >= options_.silent_pings) {
    auto silence = silent_ * options_.ping_interval;
    lose("nothing was heard of it for " + std::to_string(silence.count()) + " ms");
    return;
  }
  send_batch({});
  self_->send(membership_, stats_);
}

// -- sending -------------------------------------------------------------------

void link_state::gather(log_delivery& x) {
  if (!up_)
    return;
  auto size = size_of(x);
  auto in_flight = sent_ - acknowledged_;
  if (in_flight > 0 && in_flight + size > options_.window) {
    ++stats_.dropped;
    return;
  }
  sent_ += size;
  stats_.bytes_sent += size;
  gathered_.push_back(std::move(x));
  if (!std::exchange(flush_scheduled_, true))
    self_->send(self_, caf::flush_atom::value);
}

void link_state::flush() {
  flush_scheduled_ = false;
  auto begin = gathered_.begin();
  while (begin != gathered_.end()) {
    uint64_t size = 0;
    auto end = begin;
    do
      size += size_of(*end++);
    while (end != gathered_.end() && size + size_of(*end) <= options_.batch_bytes);
    send_batch({std::make_move_iterator(begin), std::make_move_iterator(end)});
    begin = end;
  }
  gathered_.clear();
}

void link_state::send_batch(std::vector<log_delivery> deliveries) {
  link_batch x;
  x.session = session_;
  x.received = told_ = received_;
  x.sent_at = elapsed();
  x.echo = heard_;
  x.held = heard_ != 0 ? x.sent_at - heard_at_ : 0;
  x.clock = options_.clock();
  x.deliveries = std::move(deliveries);
  self_->send(remote_, std::move(x));
}

// -- receiving -----------------------------------------------------------------

void link_state::receive(link_batch& x) {
  if (x.session != session_ || session_ == 0)
    return;
  silent_ = 0;
  // Never trust the other end with more than was sent.
  acknowledged_ = std::min(std::max(acknowledged_, x.received), sent_);
  measure(x);
  if (!std::exchange(up_, true)) {
    self_->send(membership_, link_report{options_.node, session_, true, {}});
    send_batch({}); // so that the other end hears at once that it was heard
  }
  for (auto& delivery : x.deliveries) {
    auto size = size_of(delivery);
    received_ += size;
    stats_.bytes_received += size;
    if (delivery.partition < replicas_.size() && replicas_[delivery.partition])
      caf::anon_send(caf::actor_cast<log_receiver>(replicas_[delivery.partition]), std::move(delivery));
  }
  if (received_ - told_ >= options_.window / acknowledge_parts)
    send_batch({});
}

void link_state::measure(const link_batch& x) {
  heard_ = x.sent_at;
  heard_at_ = elapsed();
  if (x.echo == 0)
    return;
  stats_.round_trip = std::chrono::microseconds{std::max<int64_t>(0, heard_at_ - x.echo - x.held)};
  stats_.clock_offset = x.clock + stats_.round_trip / 2 - options_.clock();
}

link_actor::behavior_type link(link_state::pointer self, link_options options, membership_reports membership) {
  self->state.set_up(self, std::move(options), std::move(membership));
  self->set_down_handler([=](const caf::down_msg& x) {
    if (self->state.is_remote(x.source))
      self->state.lose("the connection was lost");
  });
  return {
    [=](link_batch& x) { self->state.receive(x); },
    [=](log_delivery& x) { self->state.gather(x); },
    [=](std::vector<log_delivery>& xs) {
      for (auto& x : xs)
        self->state.gather(x);
    },
    [=](const link_session& x) { self->state.begin(x); },
    [=](local_replicas& x) { self->state.connect(std::move(x.by_partition)); },
    [=](caf::flush_atom) { self->state.flush(); },
    [=](caf::tick_atom) { self->state.tick(); },
  };
}

} // namespace overwatch
