#include "actors/scheduler.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <unordered_set>

/// The part of the scheduler that deals with pools and nodes: who is there, and what each of them holds.
namespace overwatch {

namespace {

constexpr auto page_timeout = std::chrono::seconds{60};
constexpr auto confirm_timeout = std::chrono::seconds{1};

resource_demand demand_of(const task_spec& spec) {
  return {spec.resources.cpu, spec.resources.io, spec.resources.memory_mb};
}

/// Whether the outcome is what the log says of the attempt. Only the newest attempt is known: of an older one, no.
bool is_in_log(const attempt_outcome& x, const task_state& state) {
  if (state.fence != x.fence || state.status == task_status::running)
    return false;
  return x.kind == violation::none ? state.status == task_status::completed : state.error.kind == x.kind;
}

} // namespace

// -- what nodes say ------------------------------------------------------------

void scheduler_state::offer(const pool_offer& x, const pool_actor& pool) {
  auto [i, fresh] = pools_.try_emplace(pool.address());
  if (fresh) {
    i->second = std::make_unique<pool_entry>();
    i->second->handle = pool;
    i->second->task_type = x.task_type;
    i->second->node = x.node;
    i->second->name = x.name.empty() ? x.task_type : x.name;
    pools_of_type_[x.task_type].push_back(i->second.get());
    self_->monitor(pool);
    if (auto setting = settings_.find("slots." + x.task_type); setting != settings_.end())
      resize_pool(*i->second, static_cast<uint32_t>(std::stoul(setting->second)));
  }
  auto& entry = *i->second;
  if (x.number < entry.offers)
    return; // it was overtaken by a newer one
  entry.offers = x.number;
  entry.unanswered = 0;
  entry.slots = x.slots;
  entry.live = x.live;
  entry.shared = x.shared;
  share_pool(entry);
  if (leads_ && loaded_)
    agree(entry, x);
  schedule_send();
}

void scheduler_state::set_capacity(const node_capacity& x) {
  auto& node = nodes_[x.node];
  node.limit = x.max_concurrent_tasks;
  node.cpus = x.cpus;
  node.memory_mb = x.memory_mb;
  node.labels = x.labels;
  schedule_send();
}

// -- agreeing on what runs -----------------------------------------------------

// What ran under an earlier leader is with its pools, or it is lost: they say it.
void scheduler_state::load_running(const role_report& x) {
  self_->request(replica_, page_timeout, running_request{}).then([this, x, role = role_](const running_page& page) {
    if (role != role_)
      return;
    auto lost_at = self_->clock().now() + options_.adopt_timeout;
    for (const auto& [task, state] : page.tasks) {
      const auto& id = task.spec->id;
      if (is_terminal(state.status)) {
        begin_undo(id); // it was being rolled back
      } else {
        running_[id] = {nullptr, {}, task.spec, state, false, {}, nullptr, lost_at};
        next_loss_ = lost_at;
      }
    }
    for (const auto& workflow : x.workflows)
      compensate(*workflow);
    loaded_ = true;
    for (auto& [address, pool] : pools_)
      agree(*pool, {});
    for (auto& [name, node] : nodes_)
      node.must_answer = node.keeper != nullptr;
    arm_watch();
    schedule_send();
  });
}

void scheduler_state::send_to(pool_entry& pool, assignment_batch&& x) {
  x.partition = options_.partition;
  if (x.mark.number == 0)
    x.mark = {epoch_, ++last_mark_};
  x.node_limit = concurrency_override_;
  x.report |= !pool.agreed; // it offers itself until it hears something: the question may be what it does not hear
  x.lease = is_here(pool.node) ? milliseconds{0} : options_.lease;
  self_->send(pool.handle, std::move(x));
}

// What the pool names is adopted at once. What it does not name is gone only if it was asked: an answer shows that nothing
// from before is still on its way to it.
void scheduler_state::agree(pool_entry& pool, const pool_offer& x) {
  std::unordered_set<task_id> named;
  for (const auto& held : x.held)
    if (adopt(pool, held))
      named.insert(held.id);
  if (pool.asked.number == 0 || x.heard < pool.asked) {
    assignment_batch question;
    question.mark = {epoch_, ++last_mark_};
    question.report = true;
    if (pool.asked.number == 0)
      pool.asked = question.mark;
    send_to(pool, std::move(question));
    arm_watch();
    return;
  }
  pool.agreed = true;
  send_to(pool, {}); // heard, or it would offer itself again until there is work for it
  for (auto& [id, running] : running_) {
    auto earlier = !running.pool && running.state.node == pool.node && running.state.worker == pool.name
                   && running.spec->task_type == pool.task_type;
    if (running.finishing || named.count(id) || (running.pool != &pool && !earlier) || x.heard < running.mark)
      continue;
    if (earlier)
      lose(id, running, "the node stopped while the task ran");
    else
      send_back(id, running, "its pool was not told of it");
  }
  schedule_send();
}

// True when the attempt is one that runs, as far as the log knows.
bool scheduler_state::adopt(pool_entry& pool, const held_attempt& held) {
  auto stop = [&](cancellation::cause why) {
    if (!held.ended)
      self_->send(pool.handle, stop_attempt{held.id, held.fence, why});
  };
  auto i = running_.find(held.id);
  if (i == running_.end() || i->second.state.fence != held.fence) {
    stop(cancellation::cause::stale);
    return false;
  }
  auto& running = i->second;
  if (running.finishing) { // it was taken for lost, and is being put back
    stop(cancellation::cause::stale);
    return true;
  }
  if (running.pool != &pool) {
    if (running.pool) // the connection is another one now
      free_slot(*running.pool, running.demand);
    running.pool = &pool;
    running.demand = demand_of(*running.spec);
    running.lost_at.reset();
    take_room(pool, running.demand);
  }
  if (running.state.cancel_requested)
    stop(cancellation::cause::cancelled);
  if (!held.ended && held.deadline != running.spec->deadline) // it was away when that changed
    self_->send(pool.handle, deadline_change{held.id, held.fence, running.spec->deadline});
  return true;
}

// What a pool asked for before another scheduler could be elected has run out when that takes attempts for lost; so a scheduler
// that does not know yet that there is another one grants nothing.
void scheduler_state::lease(lease_request& x, const caf::strong_actor_ptr& from) {
  if (!leads_ || !loaded_)
    return; // it asks again
  self_->request(replica_, confirm_timeout, confirm_request{})
    .then(
      [this, x = std::move(x), role = role_, pool = caf::actor_cast<caf::actor_addr>(from)](uint64_t) {
        if (auto i = pools_.find(pool); role == role_ && i != pools_.end())
          grant(x, *i->second);
      },
      [](const caf::error&) {});
}

void scheduler_state::grant(const lease_request& x, pool_entry& pool) {
  lease_grant answer{x.partition, x.sent_at, options_.lease, {}};
  for (const auto& held : x.attempts) {
    auto i = running_.find(held.id);
    if (i == running_.end() || i->second.state.fence != held.fence || i->second.finishing)
      self_->send(pool.handle, stop_attempt{held.id, held.fence, cancellation::cause::stale});
    else if (i->second.pool == &pool)
      answer.attempts.push_back(held);
  }
  if (!answer.attempts.empty())
    self_->send(pool.handle, std::move(answer));
}

void scheduler_state::settle_outcome_of(attempt& x) {
  if (x.reporter)
    assignments_[x.reporter].settled.push_back({x.spec->id, x.state.fence, true});
}

// The attempt does not run any more: its outcome was sent twice, or somebody else ended it.
void scheduler_state::settle_stale(const attempt_outcome& x, const caf::actor_addr& pool) {
  auto settle = [this, role = role_, pool, id = x.id, fence = x.fence](bool accepted) {
    auto i = pools_.find(pool);
    if (role != role_ || i == pools_.end())
      return;
    assignment_batch message;
    message.settled.push_back({id, fence, accepted});
    send_to(*i->second, std::move(message));
  };
  self_->request(replica_, page_timeout, get_request{x.id})
    .then(
      [settle, x](const task_record& task) {
        if (task.state.status != task_status::running || task.state.fence != x.fence)
          settle(is_in_log(x, task.state));
      },
      [settle](const caf::error& error) {
        if (describe(error).code == ec::not_found)
          settle(false);
      });
}

// -- what goes away ------------------------------------------------------------

void scheduler_state::down(const caf::actor_addr& source) {
  pool_down(source);
  for (auto& [name, node] : nodes_)
    if (node.snapshotter && node.snapshotter.address() == source) {
      node.snapshotter = nullptr;
      put_off_restores(name);
    }
  arm_watch();
  schedule_send();
}

void scheduler_state::pool_down(const caf::actor_addr& source) {
  auto i = pools_.find(source);
  if (i == pools_.end())
    return;
  auto pool = std::move(i->second);
  pools_.erase(i);
  auto& siblings = pools_of_type_[pool->task_type];
  siblings.erase(std::remove(siblings.begin(), siblings.end(), pool.get()), siblings.end());
  for (auto& [id, waiting] : starting_)
    if (waiting.pool == pool.get()) {
      free_slot(*pool, waiting.demand);
      waiting.pool = nullptr;
    }
  auto lost_at = self_->clock().now() + options_.adopt_timeout;
  for (auto& [id, running] : running_) {
    if (running.reporter == pool.get())
      running.reporter = nullptr;
    if (running.pool != pool.get())
      continue;
    free_slot(*pool, running.demand);
    running.pool = nullptr;
    if (is_here(pool->node)) {
      lose(id, running, "the pool that ran it failed");
      continue;
    }
    running.lost_at = lost_at;
    next_loss_ = std::min(next_loss_.value_or(lost_at), lost_at);
  }
}

void scheduler_state::lose_overdue() {
  auto time = self_->clock().now();
  if (!next_loss_ || time < *next_loss_)
    return;
  next_loss_.reset();
  for (auto& [id, running] : running_) {
    if (running.pool || running.finishing || !running.lost_at)
      continue;
    if (*running.lost_at <= time)
      lose(id, running, "node " + running.state.node + " went away while the task ran there");
    else
      next_loss_ = std::min(next_loss_.value_or(*running.lost_at), *running.lost_at);
  }
}

// -- draining ------------------------------------------------------------------

// `value`: when what still runs there goes back to the queue, in seconds of Unix time; 0: never; empty: it drains no more.
void scheduler_state::set_drain(const std::string& name, const std::string& value) {
  auto& node = nodes_[name];
  node.draining = !value.empty();
  node.drain_until.reset();
  if (auto seconds = value.empty() ? 0 : std::stoll(value); seconds > 0)
    node.drain_until = timestamp{std::chrono::seconds{seconds}};
}

void scheduler_state::watch_drains() {
  auto time = options_.clock();
  for (auto& [id, running] : running_) {
    if (!running.pool || running.finishing)
      continue;
    const auto& node = nodes_[running.pool->node];
    if (node.draining && node.drain_until && *node.drain_until <= time)
      self_->send(running.pool->handle, stop_attempt{id, running.state.fence, cancellation::cause::shutdown});
  }
}

// -- looking after them --------------------------------------------------------

// Pools of other nodes hear that this scheduler is there, and say now and then what they hold: messages may get lost.
// One that is idle and has agreed waits for nothing.
void scheduler_state::watch_pools() {
  auto report = ++looks_ % options_.report_every == 0;
  std::vector<caf::actor_addr> silent;
  for (auto& [address, pool] : pools_) {
    if (is_here(pool->node) || is_content(*pool))
      continue;
    if (report && ++pool->unanswered > options_.max_unanswered) {
      silent.push_back(address);
      continue;
    }
    assignment_batch sign;
    sign.report = report;
    send_to(*pool, std::move(sign));
  }
  for (const auto& address : silent) { // there is a connection, and no scheduler in sight from there: it was removed
    self_->demonitor(address);
    pool_down(address);
  }
}

bool scheduler_state::must_watch() const {
  auto drains = [](const auto& x) { return x.second.drain_until && x.second.busy > 0; };
  auto wants = [](const auto& x) { return x.second.told_wanting_at.has_value(); };
  auto waits_elsewhere = [&](const auto& x) { return !is_here(x.second->node) && !is_content(*x.second); };
  return next_loss_ || !restores_.empty() || std::any_of(nodes_.begin(), nodes_.end(), drains)
         || std::any_of(nodes_.begin(), nodes_.end(), wants)
         || std::any_of(pools_.begin(), pools_.end(), waits_elsewhere);
}

void scheduler_state::arm_watch() {
  if (watching_ || !leads_ || !must_watch())
    return;
  watching_ = true;
  caf::actor_clock::duration_type wait = options_.watch_interval;
  if (next_loss_)
    wait = std::clamp(*next_loss_ - self_->clock().now(), caf::actor_clock::duration_type{0}, wait);
  self_->delayed_send(self_, wait, caf::monitor_atom::value);
}

void scheduler_state::watch() {
  watching_ = false;
  if (!leads_)
    return;
  lose_overdue();
  watch_pools();
  watch_drains();
  watch_restores();
  repeat_demand();
  arm_watch();
  schedule_send();
}

} // namespace overwatch
