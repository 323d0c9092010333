#include "actors/scheduler.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

/// The part of the scheduler that deals with slots: how many a partition may use, and asking for more.
namespace overwatch {

namespace {

/// Of a small pool, too, a few tasks more than it has slots are said to wait: it may get more slots at any time.
constexpr uint32_t least_said = 16;

} // namespace

// -- limits --------------------------------------------------------------------

uint32_t scheduler_state::limit_of(const node_entry& node) const {
  if (node.keeper)
    return node.share;
  return concurrency_override_ ? concurrency_override_ : node.limit;
}

uint32_t scheduler_state::slots_of(const pool_entry& pool) {
  return pool.shared ? std::min(pool.slots, pool.share) : pool.slots;
}

// Nodes keep to the limit as well: they hear it with all that is said to their pools.
void scheduler_state::use_limit(uint32_t limit) {
  concurrency_override_ = limit;
  if (!leads_ || !loaded_ || options_.partition != control_partition)
    return;
  for (auto& [address, pool] : pools_)
    send_to(*pool, {});
}

// One partition speaks for all. Attached workers have as many slots as they claim.
void scheduler_state::resize_pool(const pool_entry& pool, uint32_t slots) {
  if (options_.partition == control_partition && pool.name == pool.task_type)
    self_->send(pool.handle, caf::update_atom::value, slots);
}

void scheduler_state::resize_pools(const std::string& task_type, uint32_t slots) {
  for (const auto* pool : pools_of_type_[task_type])
    resize_pool(*pool, slots);
}

// -- shares --------------------------------------------------------------------

void scheduler_state::set_share(const slot_share& x, const caf::strong_actor_ptr& keeper) {
  auto& node = nodes_[x.node];
  if (node.keeper == keeper && x.number <= node.heard_share)
    return;
  shares_ = true;
  node.keeper = keeper;
  node.heard_share = x.number;
  node.share = x.slots;
  node.all = x.of;
  node.must_answer = true;
  node.pool_shares.clear();
  for (const auto& part : x.pools)
    node.pool_shares[{part.task_type, part.name}] = part.slots;
  for (auto& [address, pool] : pools_)
    if (pool->node == x.node)
      share_pool(*pool);
  schedule_send();
}

void scheduler_state::share_pool(pool_entry& pool) {
  const auto& shares = nodes_[pool.node].pool_shares;
  auto share = shares.find({pool.task_type, pool.name});
  pool.share = share != shares.end() ? share->second : 0;
}

// -- demand --------------------------------------------------------------------

bool scheduler_state::may_start(const pool_entry& pool) const {
  return dispatching_ && !leaving_ && disk_ != disk_state::full && pool.agreed && pool.live &&
         !nodes_.at(pool.node).draining;
}

// Tasks that could start on the pool, were there more slots.
priority_counts scheduler_state::waiting_for(const pool_entry& pool) const {
  if (!may_start(pool))
    return {};
  const auto& node = nodes_.at(pool.node);
  return ready_.waiting(pool.task_type, options_.clock(), std::max(pool.slots, least_said), [&](const ready_key& task) {
    return may_run_on(task, pool.node, node) && has_room(node, task);
  });
}

// The keeper asks those that have or want any now and then, so it is told at once only what others, or tasks here, wait
// for: a slot beyond the share was given back, or the first task waits for one.
bool scheduler_state::has_news(const pool_entry& pool) const {
  const auto& node = nodes_.at(pool.node);
  auto fell = [](uint32_t busy, uint32_t told, uint32_t share) { return busy < told && told > share; };
  if (fell(pool.busy, pool.told_busy, slots_of(pool)) || fell(node.busy, node.told_busy, node.share))
    return true;
  if (pool.told_wanting || (pool.busy < slots_of(pool) && node.busy < node.share))
    return false;
  auto waiting = waiting_for(pool);
  return std::any_of(waiting.begin(), waiting.end(), [](auto count) { return count > 0; });
}

void scheduler_state::report_demand() {
  if (!shares_ || !leads_ || !loaded_)
    return;
  for (const auto& [address, pool] : pools_)
    if (auto& node = nodes_.at(pool->node); pool->shared && node.keeper && !node.must_answer)
      node.must_answer = has_news(*pool) || (node.told_idle && node.busy > 0);
  for (auto& [name, node] : nodes_)
    if (std::exchange(node.must_answer, false))
      report_demand(name, node);
}

// A keeper that hears that tasks wait gives them slots, or asks again at once. One that does neither has not heard it.
void scheduler_state::repeat_demand() {
  auto time = self_->clock().now();
  for (auto& [name, node] : nodes_)
    if (node.told_wanting_at && *node.told_wanting_at + options_.demand_again <= time)
      node.must_answer = true;
}

void scheduler_state::report_demand(const std::string& name, node_entry& node) {
  std::map<const pool_entry*, priority_counts> taken;
  for (const auto& [id, running] : running_)
    if (running.pool && running.pool->node == name)
      ++taken[running.pool][static_cast<size_t>(running.spec->importance)];
  for (const auto& [id, waiting] : starting_)
    if (waiting.pool && waiting.pool->node == name)
      ++taken[waiting.pool][static_cast<size_t>(waiting.importance)];
  slot_demand demand{options_.partition, ++last_demand_, node.heard_share, node.busy, {}};
  node.told_busy = node.busy;
  node.told_wanting_at.reset();
  for (auto& [address, pool] : pools_) {
    if (pool->node != name)
      continue;
    auto wanted = waiting_for(*pool);
    pool->told_wanting = std::any_of(wanted.begin(), wanted.end(), [](auto count) { return count > 0; });
    pool->told_busy = pool->busy;
    if (pool->told_wanting)
      node.told_wanting_at = self_->clock().now();
    if (!pool->told_wanting && pool->busy == 0)
      continue;
    const auto& own = taken[pool.get()];
    for (size_t i = 0; i < wanted.size(); ++i)
      wanted[i] += own[i];
    demand.pools.push_back({pool->task_type, pool->name, pool->busy, {wanted.begin(), wanted.end()}});
  }
  node.told_idle = node.busy == 0 && demand.pools.empty();
  self_->send(caf::actor_cast<slot_keeper_actor>(node.keeper), std::move(demand));
  arm_watch();
}

} // namespace overwatch
