#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "actors/partition_state_replies.hpp"
#include "messages/codec.hpp"

#include <algorithm>
#include <set>

/// Workflows: what the ends of their tasks make of them.
namespace overwatch {

namespace {

workflow_member* member_of(workflow_record& record, const task_id& id) {
  auto i = std::find_if(record.tasks.begin(), record.tasks.end(), [&](const auto& x) { return x.id == id; });
  return i == record.tasks.end() ? nullptr : &*i;
}

workflow_status status_of(const workflow_record& record) {
  auto any = [&](task_status status) {
    return std::any_of(record.tasks.begin(), record.tasks.end(), [&](const auto& x) { return x.status == status; });
  };
  if (any(task_status::failed))
    return workflow_status::failed;
  return any(task_status::cancelled) ? workflow_status::cancelled : workflow_status::completed;
}

command_result no_such_workflow(const task_id& id) {
  return refused(id, {ec::not_found, "/id", "there is no workflow " + to_string(id)});
}

} // namespace

// -- the table -----------------------------------------------------------------

workflow_state* partition_state::workflow_of(const task_id& id) {
  if (id.is_nil())
    return nullptr;
  if (auto i = workflows_.find(id); i != workflows_.end())
    return i->second.stored > 0 ? &i->second : nullptr;
  auto bytes = base_.get(key_space::state, keys::workflow(id));
  if (!bytes)
    return nullptr;
  workflow_state x;
  invariant(decode(*bytes, x), "a stored workflow is readable");
  return &workflows_.emplace(id, std::move(x)).first->second;
}

void partition_state::touch_workflow(const task_id& id) {
  dirty_workflows_.insert(id);
}

std::optional<workflow_record> partition_state::find_workflow(const task_id& id) const {
  if (auto i = workflows_.find(id); i != workflows_.end())
    return i->second.stored > 0 ? std::optional{i->second.record} : std::nullopt;
  auto bytes = base_.get(key_space::state, keys::workflow(id));
  if (!bytes)
    return std::nullopt;
  workflow_state x;
  invariant(decode(*bytes, x), "a stored workflow is readable");
  return std::move(x.record);
}

std::vector<workflow_record> partition_state::unfinished_workflows() const {
  std::vector<workflow_record> result;
  for (const auto& [id, x] : workflows_)
    if (!x.record.finished_at && x.stored > 0)
      result.push_back(x.record);
  return result;
}

void partition_state::write_workflows(write_batch& batch) {
  for (const auto& id : std::exchange(dirty_workflows_, {})) {
    const auto& x = workflows_.at(id);
    auto gone = x.stored == 0;
    if (gone)
      batch.erase(key_space::state, keys::workflow(id));
    else
      batch.put(key_space::state, keys::workflow(id), encode(x));
    if (gone || x.record.finished_at)
      batch.erase(key_space::state, keys::unfinished_workflow(id));
    else
      batch.put(key_space::state, keys::unfinished_workflow(id), {});
  }
}

// -- commands ------------------------------------------------------------------

command_result partition_state::run(const workflow_command& x, applied_entry& out) {
  const auto& id = x.record.id;
  if (workflow_of(id))
    return accepted(id, task_status::pending, true);
  std::vector<std::string> unique_keys;
  std::set<task_id> members;
  for (size_t i = 0; i < x.tasks.size(); ++i) {
    const auto& spec = *x.tasks[i].spec;
    auto refuse = [&](const char* field, std::string message) {
      return refused(id, {ec::conflict, "/tasks/" + std::to_string(i) + field, std::move(message)});
    };
    if (lookup(spec.id))
      return refuse("/id", "there is a task " + to_string(spec.id) + " already");
    for (const auto& parent : spec.depends_on)
      if (!members.count(parent) && !is_remote(parent) && !lookup(parent))
        return refuse("/depends_on", "there is no task " + to_string(parent) + ": nothing of the workflow was stored");
    members.insert(spec.id);
    if (spec.unique_key.empty())
      continue;
    const auto* holder = unique_.find(spec.unique_key);
    if ((holder && (!holder->until || *holder->until > totals_.last_time))
        || std::count(unique_keys.begin(), unique_keys.end(), spec.unique_key) > 0)
      return refuse("/unique_key",
                    "the unique key " + spec.unique_key + " is taken: nothing of the workflow was stored");
    unique_keys.push_back(spec.unique_key);
  }
  auto size = static_cast<uint32_t>(x.tasks.size());
  auto& stored = workflows_[id] = workflow_state{x.record, size, size};
  stored.record.created_at = totals_.last_time;
  touch_workflow(id);
  for (const auto& task : x.tasks) { // parents come first
    add_task(task, false, out);
    settle_ended(out); // from the cache
  }
  out.workflows.push_back(std::make_shared<const workflow_record>(workflows_.at(id).record));
  return accepted(id, task_status::pending);
}

command_result partition_state::run(const cancel_workflow_command& x, applied_entry& out) {
  auto* workflow = workflow_of(x.id);
  if (!workflow)
    return no_such_workflow(x.id);
  if (workflow->unfinished == 0)
    return refused(x.id, {ec::conflict, "/status", "workflow " + to_string(x.id) + " is "
                                                     + std::string{name_of(workflow->record.status)}
                                                     + "; a finished workflow cannot be cancelled"});
  workflow->record.cancel_reason = x.reason;
  touch_workflow(x.id);
  cancel_members(workflow->record, x.reason, out);
  return accepted(x.id, task_status::cancelled);
}

void partition_state::cancel_members(const workflow_record& record, const std::string& reason, applied_entry& out) {
  auto members = record.tasks; // which change under way
  for (const auto& member : members)
    if (auto* task = is_terminal(member.status) ? nullptr : lookup(member.id))
      if (!is_terminal(task->state.status))
        cancel(*task, reason, out);
}

command_result partition_state::run(const compensated_command& x, applied_entry& out) {
  auto* workflow = workflow_of(x.id);
  if (!workflow)
    return no_such_workflow(x.id);
  auto& record = workflow->record;
  if (record.compensation != compensation_status::running)
    return refused(x.id, {ec::conflict, "/compensation", "workflow " + to_string(x.id) + " is not being compensated"});
  record.compensation = x.done ? compensation_status::done : compensation_status::failed;
  record.finished_at = totals_.last_time;
  touch_workflow(x.id);
  out.workflows.push_back(std::make_shared<const workflow_record>(record));
  return accepted(x.id, task_status::failed);
}

// -- members -------------------------------------------------------------------

void partition_state::member_ended(const task_spec& spec, task_status status, applied_entry& out) {
  auto* workflow = workflow_of(spec.workflow);
  auto* member = workflow ? member_of(workflow->record, spec.id) : nullptr;
  if (!member || is_terminal(member->status))
    return;
  auto& record = workflow->record;
  member->status = status;
  if (const auto* task = lookup(spec.id))
    member->rollback = task->state.rollback;
  --workflow->unfinished;
  touch_workflow(record.id);
  if (status == task_status::failed && record.failed_task.empty()) {
    record.failed_task = member->name;
    if (record.compensation == compensation_status::ready)
      cancel_members(record, "task " + member->name + " of its workflow failed", out);
  }
  if (workflow->unfinished > 0)
    return;
  record.status = status_of(record);
  if (record.status == workflow_status::failed && record.compensation == compensation_status::ready) {
    record.compensation = compensation_status::running; // the scheduler does it
  } else {
    record.finished_at = totals_.last_time;
    if (record.compensation == compensation_status::ready)
      record.compensation = compensation_status::off;
  }
  out.workflows.push_back(std::make_shared<const workflow_record>(record));
}

void partition_state::member_rolled_back(const entry& x) {
  auto* workflow = workflow_of(x.spec->workflow);
  auto* member = workflow ? member_of(workflow->record, x.spec->id) : nullptr;
  if (!member)
    return;
  member->rollback = x.state.rollback;
  touch_workflow(workflow->record.id);
}

} // namespace overwatch
