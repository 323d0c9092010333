#include "tests/actors/reference_model.hpp"

#include <algorithm>

namespace overwatch::test {

namespace {

bool begins_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

std::set<std::string> scopes(const task_spec& x) {
  std::set<std::string> result;
  for (const auto& prefix : x.snapshot.keys)
    result.insert("k" + prefix);
  for (const auto& path : x.snapshot.files)
    result.insert("f" + path + "/");
  return result;
}

std::chrono::microseconds interval(const rate_limit& x) { return std::chrono::microseconds{x.per} / x.limit; }

bool in_scope(const task_spec& x, const std::string& key) {
  const auto& prefixes = x.snapshot.keys;
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& prefix) { return begins_with(key, prefix); });
}

} // namespace

reference_model::task* reference_model::find(const task_id& id) {
  auto i = tasks.find(id);
  return i == tasks.end() ? nullptr : &i->second;
}

bool reference_model::apply(const command& x, timestamp at) {
  time = std::max(time, at);
  auto accepted = std::visit([&](const auto& one) { return run(one); }, x);
  settle();
  return accepted;
}

// -- who may start -------------------------------------------------------------

std::string reference_model::closed_gate(const task& x) const {
  for (const auto& name : x.spec.required_gates) {
    auto gate = gates.find(name);
    if (gate == gates.end() || gate->second.first.open)
      continue;
    if (gate->second.first.definition.kind == gate_kind::approval && x.approved.count(name))
      continue;
    return name;
  }
  return {};
}

std::string reference_model::held_scope_that_overlaps(const task_spec& spec) const {
  std::set<std::string> held;
  for (const auto& [id, x] : tasks)
    if (x.status == task_status::running ||
        (x.status == task_status::completed && x.rollback == rollback_status::running))
      held.merge(scopes(x.spec));
  for (const auto& scope : scopes(spec))
    for (const auto& other : held)
      if (begins_with(scope, other) || begins_with(other, scope))
        return other;
  return {};
}

uint32_t reference_model::holders(const std::string& name, bool key) const {
  uint32_t count = 0;
  for (const auto& [id, x] : tasks) {
    if (x.status != task_status::running)
      continue;
    const auto& names = x.spec.resources.exclusive;
    count += key ? x.spec.concurrency.key == name : std::count(names.begin(), names.end(), name) > 0;
  }
  return count;
}

std::string reference_model::obstacle(const task& x) const {
  if (x.spec.on_closed_gate == gate_policy::wait)
    if (auto gate = closed_gate(x); !gate.empty())
      return "gate:" + gate;
  if (auto scope = held_scope_that_overlaps(x.spec); !scope.empty())
    return "snapshot:" + scope;
  for (const auto& name : x.spec.resources.exclusive)
    if (holders(name, false) > 0)
      return "exclusive:" + name;
  const auto& [key, limit] = x.spec.concurrency;
  if (!key.empty() && holders(key, true) >= limit)
    return "concurrency:" + key;
  const auto& rate = x.spec.rate;
  if (auto full = full_at.find(rate.key);
      !rate.key.empty() && full != full_at.end() && full->second - interval(rate) * (rate.limit - 1) > time)
    return "rate:" + rate.key;
  return {};
}

void reference_model::enqueue(task& x) {
  x.status = task_status::queued;
  x.due.reset();
  if (x.place != 0)
    return;
  auto& flow = flows[{x.spec.task_type, x.spec.importance}];
  auto& newest = flow.newest[x.spec.fairness_key];
  x.place = newest = std::max(newest, flow.started) + 1;
}

void reference_model::park(task& x, const std::string& reason) {
  x.waits_for = reason;
  if (begins_with(reason, "gate:")) {
    x.status = task_status::pending;
    x.due.reset();
  } else {
    enqueue(x);
  }
}

void reference_model::admit(task& x) {
  if (auto reason = obstacle(x); !reason.empty()) {
    park(x, reason);
    return;
  }
  x.waits_for.clear();
  enqueue(x);
}

// -- the life of a task --------------------------------------------------------

bool reference_model::is_unique(const task_spec& x) const {
  auto holder = unique.find(x.unique_key);
  return x.unique_key.empty() || holder == unique.end() || (holder->second.until && *holder->second.until <= time);
}

bool reference_model::add(const submission& given) {
  const auto& spec = *given.spec;
  if (tasks.count(spec.id))
    return true;
  for (const auto& parent : spec.depends_on)
    if (!tasks.count(parent))
      return false;
  if (!is_unique(spec))
    return true;
  if (!spec.unique_key.empty())
    unique[spec.unique_key] = {spec.id,
                               spec.unique_for ? std::optional<timestamp>{time + *spec.unique_for} : std::nullopt};
  auto& x = tasks[spec.id];
  x.spec = spec;
  ++submitted;
  if (auto known = cache.find(spec.cache.key); !spec.cache.key.empty() && known != cache.end() &&
                                               known->second.until > time &&
                                               known->second.made + spec.cache.ttl > time) {
    x.result = known->second.result;
    end(x, task_status::completed);
    return true;
  }
  auto broken = false;
  for (const auto& id : spec.depends_on) {
    const auto& parent = tasks.at(id);
    if (!is_terminal(parent.status))
      x.parents.insert(id);
    else
      broken |= parent.status != task_status::completed && spec.on_dependency_failure != dependency_policy::run;
  }
  if (spec.scheduled_at && *spec.scheduled_at > time)
    x.due = spec.scheduled_at;
  if (!x.parents.empty())
    x.waits_for = "parents";
  if (broken && spec.on_dependency_failure == dependency_policy::cancel)
    cancel(x);
  else if (broken)
    fail(x, violation::dependency);
  else if (!x.due && x.parents.empty())
    admit(x);
  return true;
}

bool reference_model::run(const start_command& x) {
  auto* found = find(x.id);
  if (!found || found->status != task_status::queued || !found->waits_for.empty())
    return false;
  if (found->spec.on_closed_gate == gate_policy::fail && !closed_gate(*found).empty()) {
    fail(*found, violation::gate);
    return false;
  }
  if (auto reason = obstacle(*found); !reason.empty()) {
    park(*found, reason);
    return false;
  }
  found->saved.clear();
  for (const auto& [name, stored] : keys)
    if (in_scope(found->spec, name))
      found->saved[name] = {stored.value, stored.version};
  found->status = task_status::running;
  found->rollback = rollback_status::none;
  found->fence = {epoch, found->fence.attempt + 1};
  ++attempts;
  auto& flow = flows[{found->spec.task_type, found->spec.importance}];
  flow.started = std::max(flow.started, found->place);
  if (const auto& rate = found->spec.rate; !rate.key.empty())
    full_at[rate.key] = std::max(full_at[rate.key], time) + interval(rate);
  return true;
}

void reference_model::put_back(task& x) {
  for (const auto& [name, was] : x.saved)
    if (auto now = keys.find(name); now == keys.end() || now->second.version != was.second)
      set_key(name, was.first);
  std::vector<std::string> appeared;
  for (const auto& [name, stored] : keys)
    if (in_scope(x.spec, name) && !x.saved.count(name))
      appeared.push_back(name);
  for (const auto& name : appeared)
    set_key(name, {});
  x.saved.clear();
}

bool reference_model::run(const finish_command& x) {
  auto* found = find(x.id);
  if (!found || found->status != task_status::running || found->fence != x.fence)
    return false;
  auto& t = *found;
  auto back = x.requeue && !t.cancel_requested;
  if (x.kind == violation::none && !x.requeue) {
    t.rollback = rollback_status::none;
    if (t.spec.keep_snapshot.count() > 0)
      t.undo_until = time + t.spec.keep_snapshot;
    else
      t.saved.clear();
  } else {
    put_back(t);
    t.rollback =
      x.rollback == rollback_status::none && !t.spec.snapshot.keys.empty() ? rollback_status::done : x.rollback;
  }
  t.status = task_status::retrying; // it runs no more
  if (back) {
    t.place = 0;
    admit(t);
    return true;
  }
  if (x.result)
    t.result = *x.result;
  t.error = x.kind;
  if (x.kind == violation::none) {
    t.lost_in_a_row = 0;
    if (!t.spec.cache.key.empty() && x.result)
      cache[t.spec.cache.key] = {*x.result, time, time + t.spec.cache.ttl};
    end(t, task_status::completed);
    return true;
  }
  ++(x.kind == violation::lost ? t.lost_in_a_row : t.failures);
  if (t.cancel_requested) {
    end(t, task_status::cancelled);
  } else if (!x.retry_at) {
    end(t, task_status::failed);
  } else {
    ++retries;
    t.due = x.retry_at;
    t.place = 0;
    if (*x.retry_at <= time)
      admit(t);
  }
  return true;
}

bool reference_model::run(const violate_command& x) {
  auto* found = find(x.id);
  if (!found || is_terminal(found->status) || found->status == task_status::running)
    return false;
  fail(*found, x.kind);
  return true;
}

bool reference_model::run(const cancel_command& x) {
  auto* found = find(x.id);
  return found && cancel(*found);
}

bool reference_model::cancel(task& x) {
  if (is_terminal(x.status))
    return x.status == task_status::cancelled;
  x.cancel_requested = true;
  if (x.status != task_status::running)
    end(x, task_status::cancelled);
  return true;
}

void reference_model::fail(task& x, violation kind) {
  x.error = kind;
  end(x, task_status::failed);
}

void reference_model::end(task& x, task_status status) {
  x.status = status;
  x.waits_for.clear();
  x.due.reset();
  ++(status == task_status::completed ? completed : status == task_status::failed ? failed : cancelled);
  if (auto holder = unique.find(x.spec.unique_key);
      holder != unique.end() && !x.spec.unique_for && holder->second.by == x.spec.id)
    unique.erase(holder);
  ended_.push_back(x.spec.id);
}

// First its workflow, then its children; what ends by that comes behind.
void reference_model::settle() {
  while (!ended_.empty()) {
    auto id = ended_.front();
    ended_.pop_front();
    const auto& ended = tasks.at(id);
    if (auto i = workflows.find(ended.spec.workflow); i != workflows.end()) {
      auto& workflow = i->second;
      for (auto& member : workflow.tasks)
        if (member.id == id)
          member.status = ended.status;
      if (ended.status == task_status::failed && workflow.failed_task.empty()) {
        for (const auto& member : workflow.tasks)
          if (member.id == id)
            workflow.failed_task = member.name;
        if (workflow.compensation == compensation_status::ready)
          cancel_members(workflow);
      }
      auto unfinished =
        std::any_of(workflow.tasks.begin(), workflow.tasks.end(), [](const auto& x) { return !is_terminal(x.status); });
      if (!unfinished) {
        workflow.status = status_of(workflow);
        auto undo = workflow.compensation == compensation_status::ready;
        if (undo && workflow.status == workflow_status::failed)
          workflow.compensation = compensation_status::running;
        else if (undo)
          workflow.compensation = compensation_status::off;
      }
    }
    for (auto& [child_id, child] : tasks) {
      if (is_terminal(child.status) || child.parents.count(id) == 0)
        continue;
      auto policy = ended.status == task_status::completed ? dependency_policy::run : child.spec.on_dependency_failure;
      if (policy == dependency_policy::cancel) {
        cancel(child);
      } else if (policy == dependency_policy::fail) {
        fail(child, violation::dependency);
      } else if (child.parents.erase(id); child.parents.empty()) {
        child.waits_for.clear();
        if (!child.due)
          admit(child);
      }
    }
  }
}

bool reference_model::run(const promote_command& x) {
  auto* found = find(x.id);
  if (!found)
    return false;
  auto parked = !found->waits_for.empty() && found->waits_for != "parents";
  auto waits = found->status == task_status::pending || found->status == task_status::retrying || parked;
  if (!waits || is_terminal(found->status) || (found->due && *found->due > time))
    return false;
  if (parked && obstacle(*found) == found->waits_for)
    return false;
  found->due.reset();
  if (found->parents.empty())
    admit(*found);
  return true;
}

bool reference_model::run(const remove_command& x) {
  auto* found = find(x.id);
  if (!found || !is_terminal(found->status) || found->rollback == rollback_status::running)
    return false;
  auto workflow = found->spec.workflow;
  tasks.erase(x.id);
  auto left =
    std::any_of(tasks.begin(), tasks.end(), [&](const auto& y) { return y.second.spec.workflow == workflow; });
  if (!left)
    workflows.erase(workflow);
  return true;
}

} // namespace overwatch::test
