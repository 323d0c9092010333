#include "actors/fair_clock.hpp"
#include "actors/partition_state.hpp"
#include "actors/wait_reason.hpp"
#include "messages/codec.hpp"

#include <algorithm>
#include <utility>

/// Who may start: gates, names and keys that are held, places in the queue, cached results.
namespace overwatch {

namespace {

constexpr uint64_t rank_step = 60'000'000; // microseconds of waiting that are worth one priority

template <class Each>
void for_each_name(const task_spec& spec, Each each) {
  for (const auto& name : spec.resources.exclusive)
    each(wait_reason::make(wait_reason::exclusive, name), uint32_t{1});
  if (!spec.concurrency.key.empty())
    each(wait_reason::make(wait_reason::concurrency, spec.concurrency.key), spec.concurrency.limit);
}

bool has_scope(const task_spec& spec) {
  return !spec.snapshot.keys.empty() || !spec.snapshot.files.empty();
}

} // namespace

uint64_t parked_rank(const task_spec& spec, const task_state& state) {
  if (spec.importance == priority::critical)
    return 0;
  auto since = state.queued_at.value_or(spec.created_at).time_since_epoch().count();
  return static_cast<uint64_t>(std::max<int64_t>(0, since)) + static_cast<uint64_t>(spec.importance) * rank_step;
}

bool asks_for_resources(const task_spec& spec) {
  const auto& x = spec.resources;
  return x.cpu > 0 || x.memory_mb > 0 || x.io > 0 || !spec.placement.empty();
}

// -- the queue -----------------------------------------------------------------

partition_state::flow_clock& partition_state::flow_of(const task_spec& spec) {
  auto i = flows_.find(spec.task_type);
  if (i == flows_.end()) {
    i = flows_.emplace(spec.task_type, type_flows{}).first;
    for (auto& flow : i->second)
      flow.virtual_time = totals_.last_order;
  }
  return i->second[static_cast<size_t>(spec.importance)];
}

void partition_state::enqueue(entry& x) {
  auto& state = x.state;
  set_status(x, task_status::queued);
  state.due.reset();
  if (state.order == 0) {
    auto& flow = flow_of(*x.spec);
    auto& newest = flow.newest[x.spec->fairness_key];
    newest.place = fair_place(flow.virtual_time, newest.place);
    if (!std::exchange(newest.dirty, true))
      flow.dirty.push_back(x.spec->fairness_key);
    state.order = newest.place;
  }
  if (!state.queued_at)
    state.queued_at = totals_.last_time;
}

// The time of the task has come and its parents have ended.
change_kind partition_state::admit(entry& x, applied_entry& out) {
  if (auto reason = blocked_by(x); !reason.empty()) {
    park(x, std::move(reason), out);
    return change_kind::parked;
  }
  set_waits(x, {});
  enqueue(x);
  return change_kind::queued;
}

void partition_state::admit_and_say(entry& x, task_status before, applied_entry& out) {
  auto kind = admit(x, out);
  touch(x);
  say(kind, x, before, out);
  if (kind == change_kind::parked)
    wake_others(*x.spec, out);
}

void partition_state::set_waits(entry& x, std::string reason) {
  auto& waits_for = x.state.waits_for;
  if (waits_for == reason)
    return;
  if (auto i = parked_.find(waits_for); i != parked_.end() && --i->second == 0)
    parked_.erase(i);
  waits_for = std::move(reason);
  if (wait_reason::parks(waits_for))
    ++parked_[waits_for];
}

// The reason of a task that is parked under a rate key is gone once that has a token.
void partition_state::say_rate_wait(const entry& x, const std::string& reason, applied_entry& out) {
  if (!wait_reason::is(reason, wait_reason::rate))
    return;
  const auto& limit = x.spec->rate;
  out.rate_waits.push_back({reason, rates_.find(limit.key)->next_start(limit), limit});
}

void partition_state::park(entry& x, std::string reason, applied_entry& out) {
  if (wait_reason::is(reason, wait_reason::gate)) {
    set_status(x, task_status::pending);
    x.state.due.reset();
  } else {
    enqueue(x);
  }
  say_rate_wait(x, reason, out);
  set_waits(x, std::move(reason));
}

// -- what stands in the way ----------------------------------------------------

const std::string* partition_state::closed_gate(const entry& x) const {
  for (const auto& name : x.spec->required_gates) {
    auto gate = gates_.find(name);
    if (gate == gates_.end() || gate->second.open)
      continue;
    const auto& approvals = x.state.approvals;
    auto approved = gate->second.definition.kind == gate_kind::approval &&
                    std::any_of(approvals.begin(), approvals.end(), [&](const approval& y) { return y.gate == name; });
    if (!approved)
      return &name;
  }
  return nullptr;
}

std::string partition_state::blocked_by(const entry& x) {
  const auto& spec = *x.spec;
  if (spec.on_closed_gate == gate_policy::wait)
    if (const auto* gate = closed_gate(x))
      return wait_reason::make(wait_reason::gate, *gate);
  if (has_scope(spec) && !scopes_.empty())
    for (const auto& scope : scopes_of(spec.snapshot))
      if (const auto* other = scopes_.overlap(scope))
        return wait_reason::make(wait_reason::snapshot, *other);
  std::string result;
  for_each_name(spec, [&](std::string reason, uint32_t limit) {
    if (auto i = held_.find(reason); result.empty() && i != held_.end() && i->second >= limit)
      result = std::move(reason);
  });
  if (result.empty() && !spec.rate.key.empty())
    if (const auto* bucket = rates_.find(spec.rate.key); bucket && bucket->next_start(spec.rate) > totals_.last_time)
      result = wait_reason::make(wait_reason::rate, spec.rate.key);
  return result;
}

void partition_state::hold(const task_spec& spec) {
  for_each_name(spec, [&](const std::string& reason, uint32_t) { ++held_[reason]; });
  if (has_scope(spec))
    scopes_.hold(scopes_of(spec.snapshot));
  if (spec.rate.key.empty())
    return;
  const auto* found = rates_.find(spec.rate.key);
  auto bucket = found ? *found : rate_bucket{};
  bucket.take(spec.rate, totals_.last_time);
  rates_.put(spec.rate.key, bucket);
}

void partition_state::free_reason(const std::string& reason, applied_entry& out) {
  if (parked_.count(reason))
    out.freed.push_back(reason);
}

void partition_state::release(const task_spec& spec, applied_entry& out) {
  for_each_name(spec, [&](const std::string& reason, uint32_t) {
    if (auto i = held_.find(reason); i != held_.end() && --i->second == 0)
      held_.erase(i);
    free_reason(reason, out);
  });
  if (has_scope(spec))
    release_scopes(scopes_of(spec.snapshot), out);
}

void partition_state::release_scopes(const std::vector<std::string>& scopes, applied_entry& out) {
  scopes_.release(scopes);
  for (const auto& scope : scopes)
    free_reason(wait_reason::make(wait_reason::snapshot, scope), out);
}

// A task that was let go of something and does not take it: the next one may.
void partition_state::wake_others(const task_spec& spec, applied_entry& out) {
  for_each_name(spec, [&](const std::string& reason, uint32_t limit) {
    if (auto i = held_.find(reason); i == held_.end() || i->second < limit)
      free_reason(reason, out);
  });
  if (spec.rate.key.empty())
    return;
  if (const auto* bucket = rates_.find(spec.rate.key); !bucket || bucket->next_start(spec.rate) <= totals_.last_time)
    free_reason(wait_reason::make(wait_reason::rate, spec.rate.key), out);
}

std::vector<std::string> partition_state::parked_reasons() const {
  std::vector<std::string> result;
  for (const auto& [reason, count] : parked_)
    result.push_back(reason);
  return result;
}

std::vector<std::string> partition_state::free_reasons() const {
  std::vector<std::string> result;
  for (const auto& [reason, count] : parked_) {
    if (wait_reason::is(reason, wait_reason::gate)) {
      auto gate = gates_.find(wait_reason::name_of(reason, wait_reason::gate));
      if (gate != gates_.end() && !gate->second.open)
        continue;
    }
    result.push_back(reason);
  }
  return result;
}

void partition_state::learn_gate(const std::string& name, const std::string* value, applied_entry& out) {
  gate_record gate;
  if (value && decode(*value, gate) && !gate.open) {
    gate.history.clear();
    gates_.insert_or_assign(name, std::move(gate));
    return;
  }
  gates_.erase(name);
  free_reason(wait_reason::make(wait_reason::gate, name), out);
}

// -- cached results ------------------------------------------------------------

bool partition_state::complete_from_cache(entry& x, applied_entry& out) {
  const auto& cache = x.spec->cache;
  if (cache.key.empty())
    return false;
  const auto* found = cached_.find(cache.key);
  if (!found || found->until <= totals_.last_time || found->time + cache.ttl <= totals_.last_time)
    return false;
  say(change_kind::created, x, task_status::pending, out);
  x.state.cached_from = found->task;
  x.state.percent = 100;
  x.result = std::make_shared<const std::string>(found->result);
  end(x, task_status::completed, out);
  return true;
}

} // namespace overwatch
