#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "actors/task_codec.hpp"

#include <algorithm>
#include <set>

/// Parents and children. What became of a parent in another partition is not known here: it counts as unfinished until
/// a command says how it ended, which the scheduler proposes once that partition has said so.
namespace overwatch {

namespace {

std::string no_such_parent(const task_id& id) {
  return "there is no task " + to_string(id) + ": submit it first, or submit both as a workflow";
}

// Where the result of a parent in another partition is kept for a child.
std::string result_name(const task_id& child, const task_id& parent) {
  std::string name;
  keys::append_id(name, child);
  keys::append_id(name, parent);
  return name;
}

} // namespace

failure partition_state::check_parents(const task_spec& spec) {
  for (size_t i = 0; i < spec.depends_on.size(); ++i)
    if (const auto& id = spec.depends_on[i]; !is_remote(id) && !lookup(id))
      return {ec::invalid, "/depends_on/" + std::to_string(i), no_such_parent(id)};
  return {};
}

// Lets a new task wait for its unfinished parents. Returns one that ended in a way that it does not allow, or nil.
task_id partition_state::join_parents(entry& x) {
  const auto& spec = *x.spec;
  auto broken = task_id{};
  const std::set<task_id> parents{spec.depends_on.begin(), spec.depends_on.end()}; // it may name one several times
  for (const auto& id : parents) {
    auto remote = is_remote(id);
    auto status = remote ? task_status::pending : lookup(id)->state.status;
    if (!is_terminal(status)) {
      ++x.state.parents_left;
      children_[id].push_back(spec.id);
      changed_edges_.push_back({id, spec.id});
      if (remote)
        remote_parents_.insert(id);
    } else if (status != task_status::completed && spec.on_dependency_failure != dependency_policy::run) {
      broken = id;
    }
  }
  return broken;
}

// Nobody waits for this parent any more.
std::vector<task_id> partition_state::take_children(const task_id& parent) {
  auto found = children_.find(parent);
  if (found == children_.end())
    return {};
  auto children = std::move(found->second);
  children_.erase(found);
  remote_parents_.erase(parent);
  changed_edges_.push_back({parent, {}, true});
  std::sort(children.begin(), children.end()); // as a replica that read them from its store has them
  children.erase(std::unique(children.begin(), children.end()), children.end());
  return children;
}

// Null when it does not wait: it has ended, or is another task that has the id of a removed one.
partition_state::entry* partition_state::child_waiting_for(const task_id& parent, const task_id& child) {
  auto* x = lookup(child);
  if (!x || is_terminal(x->state.status) || x->state.parents_left == 0)
    return nullptr;
  const auto& parents = x->spec->depends_on;
  return std::find(parents.begin(), parents.end(), parent) == parents.end() ? nullptr : x;
}

void partition_state::settle_parent_of(entry& x, const task_id& parent, task_status status, applied_entry& out) {
  auto policy = status == task_status::completed ? dependency_policy::run : x.spec->on_dependency_failure;
  auto why = "task " + to_string(parent) + " that it depends on did not complete";
  if (policy == dependency_policy::cancel) {
    cancel(x, why, out);
  } else if (policy == dependency_policy::fail) {
    fail(x, violation::dependency, std::move(why), out);
  } else {
    touch(x);
    if (--x.state.parents_left > 0)
      return;
    set_waits(x, {});
    if (!x.state.due)
      admit_and_say(x, x.state.status, out);
  }
}

void partition_state::settle_children(const task_id& parent, task_status status, applied_entry& out) {
  for (const auto& id : take_children(parent))
    if (auto* child = child_waiting_for(parent, id))
      settle_parent_of(*child, parent, status, out);
}

std::vector<parent_result> partition_state::results_of_parents(const task_spec& spec) {
  std::vector<parent_result> result;
  for (const auto& id : spec.depends_on)
    if (is_remote(id)) {
      if (const auto* kept = remote_results_.find(result_name(spec.id, id)))
        result.push_back(*kept);
    } else if (const auto* parent = lookup(id)) {
      result.push_back({parent->spec->name, id, parent->state.status, result_of(*parent)});
    }
  return result;
}

// -- of other partitions -------------------------------------------------------

command_result partition_state::run(const parents_ended_command& x, applied_entry& out) {
  for (const auto& parent : x.ended) {
    if (!is_remote(parent.id) || !is_terminal(parent.status))
      continue;
    for (const auto& id : take_children(parent.id)) {
      auto* child = child_waiting_for(parent.id, id);
      if (!child)
        continue;
      settle_parent_of(*child, parent.id, parent.status, out);
      if (is_terminal(child->state.status))
        continue;
      remote_results_.put(result_name(id, parent.id), parent);
      dirty_bytes_ += parent.result ? parent.result->size() : 0;
    }
  }
  for (const auto& parent : x.missing)
    for (const auto& id : is_remote(parent) ? take_children(parent) : std::vector<task_id>{})
      if (auto* child = child_waiting_for(parent, id))
        fail(*child, violation::dependency, no_such_parent(parent), out);
  return {};
}

// A task that has ended does not need the results of its parents any more, and waits for none of them: one that nobody waits
// for is not asked for. Those of this partition forget their children when they end.
void partition_state::forget_parents(const task_spec& spec, applied_entry& out) {
  for (const auto& id : spec.depends_on) {
    if (!is_remote(id))
      continue;
    remote_results_.erase(result_name(spec.id, id));
    auto waited_for = children_.find(id);
    if (waited_for == children_.end())
      continue;
    auto& children = waited_for->second;
    auto gone = std::remove(children.begin(), children.end(), spec.id);
    if (gone == children.end())
      continue;
    children.erase(gone, children.end());
    changed_edges_.push_back({id, spec.id, true});
    if (!children.empty())
      continue;
    children_.erase(waited_for);
    remote_parents_.erase(id);
    out.forsaken_parents.push_back(id);
  }
}

std::vector<task_id> partition_state::remote_parents(const task_id& after, size_t limit) const {
  std::vector<task_id> ids;
  for (auto i = remote_parents_.upper_bound(after); i != remote_parents_.end() && ids.size() < limit; ++i)
    ids.push_back(*i);
  return ids;
}

statuses_reply partition_state::statuses(const std::vector<task_id>& ids) const {
  statuses_reply reply;
  size_t bytes = 0;
  for (size_t i = 0; i < std::min(ids.size(), max_statuses) && bytes < max_statuses_bytes; ++i) {
    task_spec spec;
    task_state state;
    std::shared_ptr<const std::string> result;
    if (auto known = tasks_.find(ids[i]); known != tasks_.end() && !known->second.removed) {
      spec.name = known->second.spec->name;
      state.status = known->second.state.status;
      result = is_terminal(state.status) ? result_of(known->second) : nullptr;
    } else if (known == tasks_.end() && ids[i].partition() == partition_ &&
               read_task(base_, ids[i], spec, state, nullptr)) {
      if (auto stored = is_terminal(state.status) ? base_.get(key_space::state, keys::result(ids[i])) : std::nullopt)
        result = std::make_shared<const std::string>(std::move(*stored));
    } else {
      reply.missing.push_back(ids[i]);
      continue;
    }
    if (!is_terminal(state.status))
      continue;
    if (result && result->empty())
      result = nullptr;
    bytes += result ? result->size() : 0;
    reply.ended.push_back({std::move(spec.name), ids[i], state.status, std::move(result)});
  }
  return reply;
}

} // namespace overwatch
