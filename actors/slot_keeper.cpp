#include "actors/slot_keeper.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

namespace overwatch {

void slot_keeper_state::set_up(pointer self, slot_keeper_options options) {
  self_ = self;
  options_ = std::move(options);
  self->delayed_send(self, options_.tick_interval, caf::tick_atom::value);
}

template <class Function>
void slot_keeper_state::for_each_division(Function visit) {
  for (auto& [name, pool] : pools_)
    visit(pool);
  visit(node_);
}

// -- what is said --------------------------------------------------------------

void slot_keeper_state::set_slots(const pool_slots& x) {
  auto& pool = pools_[{x.task_type, x.name}];
  if (pool.pool != x.pool) {
    if (pool.pool)
      self_->demonitor(pool.pool.address());
    self_->monitor(x.pool);
    pool.pool = x.pool;
  }
  pool.total = x.slots;
  schedule();
}

void slot_keeper_state::join(partition_id number, scheduler_actor scheduler) {
  auto& x = partitions_[number];
  if (x.scheduler == scheduler)
    return;
  if (x.scheduler)
    self_->demonitor(x.scheduler.address());
  if (scheduler)
    self_->monitor(scheduler);
  else
    x.gone_at = self_->clock().now();
  x.scheduler = std::move(scheduler);
  x.heard = 0;
  x.answered = true;
  x.ask = true;
  x.idle = false;
  for_each_division([&, number = number](division& one) {
    auto& own = one.claimants[number];
    own.claim.promised = 0; // pools take nothing more of the one that led before; what it counted as taken runs on
    own.claim.demand = {};
    own.said = 0;
  });
  schedule();
}

void slot_keeper_state::hear(const slot_demand& x, const caf::strong_actor_ptr& from) {
  auto i = partitions_.find(x.partition);
  if (i == partitions_.end() || !from || !i->second.scheduler || i->second.scheduler.address() != from->address())
    return; // it does not lead any more
  auto& sender = i->second;
  if (x.number <= sender.heard)
    return;
  sender.heard = x.number;
  auto is_answer = x.heard == sender.said;
  sender.answered = sender.answered || is_answer;
  sender.idle = x.busy == 0 && x.pools.empty();
  for_each_division([&](division& one) {
    auto& own = one.claimants[x.partition];
    own.claim.busy = 0;
    own.claim.demand = {};
    if (is_answer)
      own.claim.promised = own.said;
  });
  for (const auto& part : x.pools) {
    auto pool = pools_.find({part.task_type, part.name});
    if (pool == pools_.end())
      continue;
    auto& own = pool->second.claimants[x.partition].claim;
    own.busy = part.busy;
    std::copy_n(part.demand.begin(), std::min(part.demand.size(), own.demand.size()), own.demand.begin());
  }
  node_.claimants[x.partition].claim.busy = x.busy;
  schedule();
}

void slot_keeper_state::down(const caf::actor_addr& source) {
  for (auto& [number, x] : partitions_)
    if (x.scheduler && x.scheduler.address() == source)
      join(number, scheduler_actor{});
  for (auto i = pools_.begin(); i != pools_.end();)
    i = i->second.pool.address() == source ? pools_.erase(i) : std::next(i);
  schedule();
}

// -- dividing ------------------------------------------------------------------

void slot_keeper_state::schedule() {
  if (!std::exchange(scheduled_, true))
    self_->send(self_, caf::flush_atom::value);
}

// What runs for a partition without a scheduler in sight is nobody's to give.
void slot_keeper_state::divide(division& x) {
  auto total = x.total;
  std::vector<partition_id> order;
  for (const auto& [number, one] : partitions_) {
    if (one.scheduler)
      order.push_back(number);
    else
      total -= std::min(total, x.claimants[number].claim.busy);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return x.claimants[a].turn < x.claimants[b].turn; });
  std::vector<slot_claim> claims;
  for (auto number : order)
    claims.push_back(x.claimants[number].claim);
  auto fair = fair_shares(total, claims);
  auto next = shares_for_now(total, claims, fair);
  for (size_t i = 0; i < order.size(); ++i) {
    auto& own = x.claimants[order[i]];
    own.fair = fair[i];
    own.next = next[i];
  }
  x.is_short = is_short(total, claims);
}

// Of the node a partition wants what it has of its pools, or will have.
void slot_keeper_state::add_node_demand(const division& pool) {
  for (const auto& [number, one] : pool.claimants) {
    auto& demand = node_.claimants[number].claim.demand;
    auto left = std::max(one.fair, one.claim.busy);
    for (size_t level = 0; level < demand.size(); ++level) {
      auto more = std::min(left, one.claim.demand[level]);
      demand[level] += more;
      left -= more;
    }
  }
}

void slot_keeper_state::divide() {
  scheduled_ = false;
  node_.total = options_.places->limit();
  for (auto& [number, one] : node_.claimants)
    one.claim.demand = {};
  for (auto& [name, pool] : pools_) {
    divide(pool);
    add_node_demand(pool);
  }
  divide(node_);
  for (auto& [number, one] : partitions_)
    if (one.scheduler && one.answered)
      say(number, one);
}

void slot_keeper_state::say(partition_id number, partition& to) {
  auto changed = false;
  for_each_division([&, number = number](division& x) {
    const auto& own = x.claimants[number];
    changed = changed || own.said != own.next;
  });
  if (!changed && !to.ask)
    return;
  auto time = self_->clock().now();
  for_each_division([&, number = number](division& x) {
    auto& own = x.claimants[number];
    if (own.said == 0)
      own.since = time;
    own.said = own.next;
    own.claim.promised = std::max(own.claim.promised, own.said);
  });
  to.said_at = time;
  to.answered = false;
  to.ask = false;
  slot_share share{options_.node, ++to.said, node_.claimants[number].said, node_.total, {}};
  for (const auto& [name, pool] : pools_)
    share.pools.push_back({name.first, name.second, pool.claimants.at(number).said});
  self_->send(to.scheduler, std::move(share), caf::actor_cast<caf::strong_actor_ptr>(self_));
}

// -- time ----------------------------------------------------------------------

// Where there are fewer slots than partitions that want one, those that have had theirs for a while go behind the
// others.
void slot_keeper_state::end_turns(division& x, time_point time) {
  auto wants = [](const claimant& y) {
    return std::any_of(y.claim.demand.begin(), y.claim.demand.end(), [](auto n) { return n > 0; });
  };
  auto is_left_out = [&](const auto& y) { return wants(y.second) && y.second.said == 0; };
  if (std::none_of(x.claimants.begin(), x.claimants.end(), is_left_out))
    return;
  for (auto& [number, own] : x.claimants)
    if (own.said > 0 && own.since + options_.turn <= time)
      own.turn = ++turns_;
}

milliseconds slot_keeper_state::wait_of(const partition& x, bool is_short) const {
  if (!x.answered)
    return options_.resend_after;
  if (is_short)
    return options_.tick_interval;
  return x.idle ? options_.ask_idle_after : options_.ask_after;
}

void slot_keeper_state::tick() {
  self_->delayed_send(self_, options_.tick_interval, caf::tick_atom::value);
  auto time = self_->clock().now();
  auto wanted = false;
  for_each_division([&](division& x) {
    wanted = wanted || x.is_short;
    end_turns(x, time);
  });
  auto must_divide = wanted || node_.total != options_.places->limit();
  for (auto& [number, one] : partitions_) {
    if (!one.scheduler) {
      must_divide = true;
      if (one.gone_at + options_.forget_after <= time)
        for_each_division([&, &key = number](division& x) { x.claimants[key].claim.busy = 0; });
    } else if (one.said_at + wait_of(one, wanted) <= time) {
      must_divide = true;
      one.answered = true; // it is said again
      one.ask = true;
    }
  }
  if (must_divide)
    schedule();
}

slot_keeper_actor::behavior_type slot_keeper(slot_keeper_state::pointer self, slot_keeper_options options) {
  self->state.set_up(self, std::move(options));
  self->set_down_handler([=](const caf::down_msg& x) { self->state.down(x.source); });
  return {
    [=](const pool_slots& x) { self->state.set_slots(x); },
    [=](const slot_demand& x) { self->state.hear(x, self->current_sender()); },
    [=](caf::join_atom, partition_id partition, const caf::strong_actor_ptr& scheduler) {
      self->state.join(partition, caf::actor_cast<scheduler_actor>(scheduler));
    },
    [=](caf::flush_atom) { self->state.divide(); },
    [=](caf::tick_atom) { self->state.tick(); },
  };
}

} // namespace overwatch
