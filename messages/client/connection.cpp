#include "messages/client/connection.hpp"

#include "messages/client/probe.hpp"

#include <caf/io/middleman.hpp>
#include <caf/openssl/manager.hpp>

#include <algorithm>
#include <set>

namespace overwatch {

namespace {

constexpr milliseconds tick_interval{100};
constexpr milliseconds longest_pause{2'000};
constexpr milliseconds connect_timeout{3'000};

// A dial into nothing would hold up CAF's network thread for minutes: this one tries first, with a limit of its own.
constexpr auto dial_limit = std::chrono::seconds{10};

caf::behavior prober(caf::event_based_actor*) {
  return {[](const std::string& host, uint16_t port) { return can_connect(host, port, std::chrono::seconds{1}); }};
}

// `host:port`; [::1]:port for addresses of version 6.
std::pair<std::string, uint16_t> split(const std::string& address) {
  auto colon = address.rfind(':');
  if (colon == std::string::npos)
    return {address, 0};
  auto host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  return {host, static_cast<uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10))};
}

} // namespace

void connection_state::set_up(pointer self, client_options options, std::shared_ptr<std::atomic<uint32_t>> partitions) {
  self_ = self;
  partitions_ = std::move(partitions);
  options_ = std::move(options);
  prober_ = self_->spawn<caf::detached + caf::linked>(prober);
}

// -- calls -----------------------------------------------------------------------

void connection_state::launch(call& x) {
  if (!gateway_ || x.under_way)
    return;
  x.under_way = true;
  x.connection = connection_;
  x.start(connection_);
}

// A refusal means that nothing happened only if there was no earlier try that may have done it.
failure connection_state::end_of(const call& x, failure why) {
  auto refused = why.code == ec::not_leader || why.code == ec::overloaded || why.code == ec::no_space
                 || why.code == ec::unavailable;
  if (x.unclear && refused)
    why = {ec::timed_out, {}, "an earlier try got no answer; whether it was done is unknown. The last one: " + why.message};
  return why;
}

// What was not done for certain is tried again, whatever it is; what may have been done only if that does no harm.
void connection_state::failed(uint64_t id, uint64_t connection, failure why) {
  auto i = calls_.find(id);
  if (i == calls_.end() || i->second.connection != connection)
    return;
  auto& x = i->second;
  auto passing = why.code == ec::not_leader || why.code == ec::overloaded || why.code == ec::no_space
                 || (x.repeatable && (why.code == ec::unavailable || why.code == ec::timed_out));
  auto time = self_->clock().now();
  if (!passing || time + x.pause >= x.until) {
    auto ended = std::move(x);
    calls_.erase(i);
    ended.fail(end_of(ended, std::move(why)));
    return;
  }
  x.unclear |= why.code == ec::timed_out;
  if (why.code == ec::unavailable && options_.addresses.size() > 1 && connection == connection_ &&
      x.pause >= longest_pause)
    disconnect(); // another node may know more
  x.under_way = false;
  x.last = std::move(why);
  x.next_try = time + x.pause;
  x.pause = std::min(2 * x.pause, longest_pause);
}

void connection_state::tick() {
  ticking_ = false;
  auto time = self_->clock().now();
  for (const auto& listener : listeners_)
    listener(time);
  std::vector<std::function<void()>> overdue;
  for (auto i = calls_.begin(); i != calls_.end();) {
    auto& x = i->second;
    if (x.until <= time) {
      overdue.push_back([fail = std::move(x.fail), why = end_of(x, x.last)] { fail(why); });
      i = calls_.erase(i);
      continue;
    }
    if (!x.under_way && x.next_try <= time)
      launch(x);
    ++i;
  }
  for (auto& end : overdue)
    end();
  if (!gateway_ && !dialling_ && next_dial_ <= time)
    dial();
  if (!calls_.empty() || !listeners_.empty() || !gateway_)
    keep_ticking();
}

void connection_state::keep_ticking() {
  if (!std::exchange(ticking_, true))
    self_->delayed_send(self_, tick_interval, caf::tick_atom::value);
}

// -- the connection --------------------------------------------------------------

void connection_state::dial() {
  dialling_ = true;
  auto [host, port] = split(options_.addresses[address_ % options_.addresses.size()]);
  self_->request(prober_, dial_limit, host, port)
    .then([this, host = host, port = port](bool open) { probed(open, host, port); },
          [this](const caf::error&) { not_connected(); });
}

void connection_state::probed(bool open, const std::string& host, uint16_t port) {
  if (!open) {
    not_connected();
    return;
  }
  auto& system = self_->system();
  auto network =
    options_.certificate.empty() ? system.middleman().actor_handle() : system.openssl_manager().actor_handle();
  self_->request(network, connect_timeout, caf::connect_atom::value, host, port)
    .then(
      [this](const caf::node_id&, caf::strong_actor_ptr& gateway, const std::set<std::string>&) { connected(gateway); },
      [this](const caf::error&) { not_connected(); });
}

void connection_state::not_connected() {
  dialling_ = false;
  ++address_;
  next_dial_ = self_->clock().now() + dial_pause_;
  dial_pause_ = std::min(2 * dial_pause_, longest_pause);
}

void connection_state::connected(const caf::strong_actor_ptr& gateway) {
  if (!gateway) {
    not_connected();
    return;
  }
  dialling_ = false;
  dial_pause_ = milliseconds{100};
  gateway_ = caf::actor_cast<gateway_actor>(gateway);
  ++connection_;
  self_->monitor(gateway_);
  self_->request(gateway_, options_.timeout, cluster_request{})
    .then(
      [this](const cluster_status& x) {
        if (!x.partitions.empty())
          *partitions_ = static_cast<uint32_t>(x.partitions.size());
      },
      [](const caf::error&) {}); // then all tasks go to the first one
  for (auto& [id, x] : calls_)
    launch(x);
  auto time = self_->clock().now();
  for (const auto& listener : listeners_)
    listener(time);
}

void connection_state::disconnect() {
  self_->demonitor(gateway_.address());
  lost(gateway_.address());
}

void connection_state::lost(const caf::actor_addr& gateway) {
  if (!gateway_ || gateway_.address() != gateway)
    return;
  gateway_ = nullptr;
  ++address_;
  next_dial_ = self_->clock().now();
  std::vector<uint64_t> unknown;
  for (auto& [id, x] : calls_) {
    if (!x.under_way)
      continue;
    x.under_way = false;
    x.unclear = true;
    x.next_try = {};
    x.last = {ec::timed_out, {}, "the connection was lost; whether it was done is unknown"};
    if (!x.repeatable)
      unknown.push_back(id);
  }
  for (auto id : unknown) {
    auto x = std::move(calls_.at(id));
    calls_.erase(id);
    x.fail(x.last);
  }
  keep_ticking();
}

caf::behavior connection(connection_state::pointer self, client_options options,
                         std::shared_ptr<std::atomic<uint32_t>> partitions) {
  auto& state = self->state;
  state.set_up(self, std::move(options), std::move(partitions));
  self->set_down_handler([=](const caf::down_msg& x) { self->state.lost(x.source); });
  state.keep_ticking();
  return {
    [=](const connection_call& call) { call(self->state); },
    [=](caf::tick_atom) { self->state.tick(); },
  };
}

} // namespace overwatch
