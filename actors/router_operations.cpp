#include "actors/router.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

/// Who leads, and what becomes of requests that wait for that.
namespace overwatch {

void router_state::set_up(pointer self, router_options options) {
  self_ = self;
  options_ = std::move(options);
  ids_ = task_id_generator{options_.seed};
  own_.resize(1);
}

void router_state::connect(partition_id partition, partition_gateway_actor own) {
  if (partition >= own_.size())
    own_.resize(partition + size_t{1});
  own_[partition] = std::move(own);
}

// -- who leads -----------------------------------------------------------------

void router_state::set_leader(const leader_report& x) {
  leaders_[x.partition] = x;
  if (!x.node.empty())
    leaderless_since_.erase(x.partition);
  else
    leaderless_since_.try_emplace(x.partition, self_->clock().now());
  tick();
}

void router_state::set_peer(const peer_report& x) {
  peers_[x.node] = x;
  if (!x.up) { // CAF does not fail what was asked over a connection that is gone
    std::vector<operation_ptr> lost;
    std::copy_if(operations_.begin(), operations_.end(), std::back_inserter(lost),
                 [&](const auto& one) { return one->node == x.node; });
    for (const auto& one : lost) {
      ++one->attempt;
      not_done(one, make_error(ec::timed_out, "the connection to node " + x.node + " was lost before it answered; "
                                              "whether it was done is unknown: look, or ask again with the same id"));
    }
  }
  tick();
}

partition_gateway_actor router_state::gateway_of(const std::string& node, partition_id partition) const {
  if (node == options_.node)
    return partition < own_.size() ? own_[partition] : partition_gateway_actor{};
  auto i = peers_.find(node);
  if (i == peers_.end() || !i->second.up || i->second.handles.gateways.size() <= partition)
    return {};
  return caf::actor_cast<partition_gateway_actor>(i->second.handles.gateways[partition]);
}

bool router_state::is_leaderless(partition_id partition) const {
  auto i = leaderless_since_.find(partition);
  return i != leaderless_since_.end() && self_->clock().now() - i->second >= options_.leader_patience;
}

caf::error router_state::no_leader(partition_id partition) const {
  std::string up = options_.node;
  std::string down;
  for (const auto& [node, peer] : peers_)
    (peer.up ? up : down) += (peer.up || !down.empty() ? ", " : "") + node;
  auto message = "partition " + std::to_string(partition) + " has no leader";
  if (auto i = leaderless_since_.find(partition); i != leaderless_since_.end()) {
    auto time = std::chrono::duration_cast<std::chrono::seconds>(self_->clock().now() - i->second);
    message =
      "partition " + std::to_string(partition) + " has had no leader for " + std::to_string(time.count()) + " s";
  }
  message += ": a majority of its nodes has to be up and in touch. From here: " + up +
             (up.find(',') == std::string::npos ? " is up" : " are up") + (down.empty() ? "" : ", not " + down) +
             ". What was acknowledged is safe; reads that may be old can be asked for with ?consistency=local";
  return make_error(ec::unavailable, message);
}

// -- operations ----------------------------------------------------------------

void router_state::go(const operation_ptr& x) {
  auto leader = leaders_.find(x->partition);
  auto node = leader == leaders_.end() ? std::string{} : leader->second.node;
  auto handle = gateway_of(node, x->partition);
  auto left = std::chrono::duration_cast<milliseconds>(x->until - self_->clock().now());
  auto waited = self_->clock().now() - x->since >= options_.least_patience; // a majority may be just back
  if (left.count() <= 0 || (!handle && waited && is_leaderless(x->partition))) {
    fail(x, no_leader(x->partition));
    return;
  }
  if (!handle) {
    wait_for_leader(x);
    return;
  }
  x->node = node;
  ++x->attempt;
  x->ask(handle, left);
}

void router_state::wait_for_leader(const operation_ptr& x) {
  x->node.clear();
  if (!std::exchange(ticking_, true))
    self_->delayed_send(self_, options_.retry_interval, caf::tick_atom::value);
}

void router_state::not_done(const operation_ptr& x, caf::error why) {
  auto code = describe(why).code;
  auto again =
    code == ec::not_leader || (x->what != effect::once && (code == ec::timed_out || code == ec::unavailable));
  if (again && self_->clock().now() < x->until) {
    x->unclear |= code != ec::not_leader;
    wait_for_leader(x);
    return;
  }
  fail(x, code == ec::not_leader ? no_leader(x->partition) : std::move(why));
}

// A refusal means that nothing happened only if there was no earlier attempt that may have done it.
void router_state::fail(const operation_ptr& x, caf::error why) {
  operations_.erase(x);
  if (auto now = describe(why); x->what != effect::none && x->unclear && now.code != ec::timed_out)
    why = make_error(ec::timed_out, "an earlier leader was asked and did not answer; whether it was done is unknown: look, "
                                    "or ask again with the same id. Now " +
                                      now.message);
  x->fail(std::move(why));
}

void router_state::tick() {
  ticking_ = false;
  std::vector<operation_ptr> waiting;
  std::copy_if(operations_.begin(), operations_.end(), std::back_inserter(waiting),
               [](const auto& x) { return x->node.empty(); });
  for (const auto& x : waiting)
    go(x);
}

router_state::operation_ptr router_state::operation_of(partition_id partition, effect what, milliseconds extra) const {
  auto x = std::make_shared<operation>();
  x->partition = partition;
  x->what = what;
  x->since = self_->clock().now();
  x->until = x->since + options_.request_timeout + extra;
  return x;
}

} // namespace overwatch
