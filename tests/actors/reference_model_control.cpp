#include "tests/actors/reference_model.hpp"

#include "messages/codec.hpp"

#include <algorithm>

/// The part of the model that has documents, patches, rollbacks and workflows.
namespace overwatch::test {

// -- documents, and what clients change ----------------------------------------

void reference_model::set_key(const std::string& name, std::optional<std::string> value) {
  ++versions;
  if (value)
    keys[name] = {std::move(*value), versions};
  else
    keys.erase(name);
}

bool reference_model::run(const put_command& x) {
  auto is_key = x.kind == document_kind::key;
  uint64_t version = 0;
  if (is_key && keys.count(x.name))
    version = keys[x.name].version;
  if (!is_key && gates.count(x.name))
    version = gates[x.name].second;
  if ((x.expected && *x.expected != version) || (!x.value && version == 0))
    return false;
  if (is_key) {
    set_key(x.name, x.value);
    return true;
  }
  ++versions;
  gates.erase(x.name);
  if (gate_record gate; x.value && decode(*x.value, gate))
    gates[x.name] = {gate, versions};
  return true;
}

bool reference_model::run(const patch_command& x) {
  auto* found = find(x.id);
  if (!found || is_terminal(found->status) || (x.scheduled_at && found->fence.attempt > 0))
    return false;
  auto& t = *found;
  auto before = t.status;
  auto moved = x.importance && *x.importance != t.spec.importance;
  if (x.importance)
    t.spec.importance = *x.importance;
  if (x.deadline)
    t.spec.deadline = *x.deadline;
  if (x.tags)
    t.spec.tags = *x.tags;
  if (moved && t.place != 0) {
    t.place = 0;
    if (before == task_status::queued)
      enqueue(t);
  }
  if (!x.scheduled_at)
    return true;
  t.spec.scheduled_at = *x.scheduled_at;
  const auto& at = t.spec.scheduled_at;
  if (!t.parents.empty()) {
    t.due = at;
  } else if (at && *at > time) {
    t.waits_for.clear();
    t.status = task_status::pending;
    t.due = at;
    t.place = 0;
  } else if (before == task_status::pending && t.waits_for.empty()) {
    admit(t);
  }
  return true;
}

bool reference_model::run(const approve_command& x) {
  auto* found = find(x.id);
  if (!found || is_terminal(found->status))
    return false;
  const auto& required = found->spec.required_gates;
  if (std::count(required.begin(), required.end(), x.consent.gate) == 0)
    return false;
  found->approved.insert(x.consent.gate);
  if (found->waits_for == "gate:" + x.consent.gate)
    admit(*found);
  return true;
}

bool reference_model::run(const rollback_command& x) {
  auto* found = find(x.id);
  auto begins = x.status == rollback_status::running;
  if (!found || begins == (found->rollback == rollback_status::running))
    return false;
  if (found->status == task_status::running) {
    if (begins)
      found->rollback = x.status;
    return begins;
  }
  if (found->status != task_status::completed)
    return false;
  if (begins) {
    if (!found->undo_until || *found->undo_until <= time)
      return false;
    if (!held_scope_that_overlaps(found->spec).empty())
      return false;
  } else if (x.status == rollback_status::done) {
    put_back(*found);
    found->undo_until.reset();
  }
  found->rollback = x.status;
  return true;
}

bool reference_model::run(const lead_command& x) {
  epoch = std::max(epoch, x.epoch);
  return true;
}

// -- workflows -----------------------------------------------------------------

workflow_status reference_model::status_of(const workflow_record& x) const {
  auto any = [&](task_status status) {
    return std::any_of(x.tasks.begin(), x.tasks.end(), [&](const auto& member) { return member.status == status; });
  };
  return any(task_status::failed)      ? workflow_status::failed
         : any(task_status::cancelled) ? workflow_status::cancelled
                                       : workflow_status::completed;
}

bool reference_model::run(const workflow_command& x) {
  if (workflows.count(x.record.id))
    return true;
  std::set<task_id> members;
  std::set<std::string> wanted;
  for (const auto& submitted : x.tasks) {
    const auto& spec = *submitted.spec;
    if (tasks.count(spec.id) || !is_unique(spec) ||
        (!spec.unique_key.empty() && !wanted.insert(spec.unique_key).second))
      return false;
    for (const auto& parent : spec.depends_on)
      if (!tasks.count(parent) && !members.count(parent))
        return false;
    members.insert(spec.id);
  }
  workflows[x.record.id] = x.record;
  for (const auto& submitted : x.tasks) {
    add(submitted);
    settle();
  }
  return true;
}

void reference_model::cancel_members(const workflow_record& x) {
  for (const auto& member : x.tasks)
    if (auto* found = find(member.id); found && !is_terminal(found->status))
      cancel(*found);
}

bool reference_model::run(const cancel_workflow_command& x) {
  auto i = workflows.find(x.id);
  auto unfinished = [](const auto& member) { return !is_terminal(member.status); };
  if (i == workflows.end() || std::none_of(i->second.tasks.begin(), i->second.tasks.end(), unfinished))
    return false;
  cancel_members(i->second);
  return true;
}

bool reference_model::run(const compensated_command& x) {
  auto i = workflows.find(x.id);
  if (i == workflows.end() || i->second.compensation != compensation_status::running)
    return false;
  i->second.compensation = x.done ? compensation_status::done : compensation_status::failed;
  return true;
}

} // namespace overwatch::test
