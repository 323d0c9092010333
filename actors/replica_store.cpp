#include "actors/replica_store.hpp"

#include "actors/replica_group.hpp"

namespace overwatch::replica_store {

namespace {

document document_of(const document_table::key& key, const document_table::row& row) {
  return {key.second, row.value, row.version, row.changed_at};
}

} // namespace

void keep_ticking(replica_pointer self) {
  if (!std::exchange(self->state.ticking, true))
    self->delayed_send(self, self->state.options.flush_interval, caf::tick_atom::value);
}

// -- writing -------------------------------------------------------------------

void flush(replica_pointer self) {
  auto& state = self->state;
  if (state.log->installs())
    return; // the state of another member takes the place of this one
  journal_write x;
  x.partition = state.options.partition;
  x.flush_number = state.machine->flush(x.batch);
  x.applied = state.machine->applied();
  state.flushes.push_back({x.flush_number, x.applied, {}});
  self->send(state.links.journal, std::move(x));
  if (state.log->bytes_since_checkpoint() >= state.options.checkpoint_bytes) {
    state.log->checkpoint_asked_for();
    self->send(state.links.journal, checkpoint_request{state.options.partition}); // behind the flush
  }
}

void flush_when_due(replica_pointer self) {
  auto& state = self->state;
  const auto& machine = *state.machine;
  if (machine.dirty_tasks() >= state.options.flush_tasks || machine.dirty_bytes() >= state.options.flush_bytes)
    flush(self);
  else if (machine.dirty())
    keep_ticking(self);
}

void after_flush(replica_pointer self, std::function<void(uint64_t)> next) {
  auto& state = self->state;
  if (state.machine->dirty())
    flush(self);
  if (state.flushes.empty())
    next(state.machine->applied());
  else
    state.flushes.back().then.push_back(std::move(next));
}

void flush_done(replica_pointer self, uint64_t number) {
  auto& state = self->state;
  state.machine->flushed(number);
  while (!state.flushes.empty() && state.flushes.front().number <= number) {
    auto done = std::move(state.flushes.front());
    state.flushes.pop_front();
    for (auto& next : done.then)
      next(done.applied);
  }
  replica_group::install_when_quiet(self);
}

// -- reading -------------------------------------------------------------------

caf::error no_task(const task_id& id) {
  return make_error(ec::not_found, "there is no task " + to_string(id), "/id");
}

caf::result<task_record> wait_for(replica_pointer self, const wait_request& x) {
  auto& state = self->state;
  auto record = state.machine->find(x.id);
  if (!record)
    return no_task(x.id);
  if (is_terminal(record->state.status) || x.limit.count() <= 0)
    return std::move(*record);
  if (state.waits.size() >= state.options.max_waits)
    return make_error(ec::overloaded, "too many clients wait for tasks; ask again in a second");
  auto promise = self->make_response_promise<task_record>();
  state.waits.emplace(x.id, replica_state::wait{promise, self->clock().now() + x.limit});
  keep_ticking(self);
  return promise;
}

void answer_waits(replica_pointer self, const applied_entry& entry) {
  auto& waits = self->state.waits;
  if (waits.empty())
    return;
  for (const auto& change : entry.changes) {
    if (change.kind != change_kind::ended && change.kind != change_kind::removed)
      continue;
    auto [first, last] = waits.equal_range(change.spec->id);
    if (first == last)
      continue;
    auto record = self->state.machine->find(change.spec->id);
    for (auto i = first; i != last; ++i)
      if (record)
        i->second.promise.deliver(*record);
      else
        i->second.promise.deliver(make_error(ec::not_found, "the task was deleted while you waited for it", "/id"));
    waits.erase(first, last);
  }
}

void expire_waits(replica_pointer self) {
  auto& state = self->state;
  auto time = self->clock().now();
  for (auto i = state.waits.begin(); i != state.waits.end();) {
    if (i->second.until > time) {
      ++i;
      continue;
    }
    if (auto record = state.machine->find(i->first))
      i->second.promise.deliver(std::move(*record));
    else
      i->second.promise.deliver(no_task(i->first));
    i = state.waits.erase(i);
  }
}

void keep_page(replica_pointer self, ready_page& page, uint64_t reading) {
  for (auto& item : page.items)
    self->state.machine->keep(reading, item.id, item.task.spec, item.task.payload, item.state);
}

document_page read_documents(const partition_state& machine, const documents_request& x) {
  document_page page;
  auto [i, last] = machine.documents().with_prefix(x.kind, x.prefix);
  if (!x.after.empty() && x.after >= x.prefix)
    i = machine.documents().all().upper_bound({x.kind, x.after});
  for (; i != last && i != machine.documents().all().end() && page.documents.size() < x.limit; ++i)
    page.documents.push_back(document_of(i->first, i->second));
  page.more = i != last && i != machine.documents().all().end();
  return page;
}

caf::result<document> read_document(const partition_state& machine, const document_request& x) {
  if (const auto* row = machine.documents().find(x.kind, x.name))
    return document_of({x.kind, x.name}, *row);
  return make_error(ec::not_found, "there is no " + describe(x.kind, x.name), "/name");
}

caf::result<workflow_record> read_workflow(const partition_state& machine, const task_id& id) {
  if (auto record = machine.find_workflow(id))
    return std::move(*record);
  return make_error(ec::not_found, "there is no workflow " + to_string(id), "/id");
}

remote_parents_page read_remote_parents(const partition_state& machine, const remote_parents_request& x) {
  remote_parents_page page{machine.remote_parents(x.after, x.limit), false};
  page.exhausted = page.ids.size() < x.limit;
  return page;
}

// The keys that were captured for a task; the files are the snapshotter's.
caf::result<snapshot_record> read_saved(const partition_state& machine, const task_id& id) {
  auto task = machine.find(id);
  if (!task)
    return no_task(id);
  snapshot_record result;
  result.id = id;
  result.attempt = task->state.fence.attempt;
  result.kept_until = task->state.snapshot_until;
  auto saved = machine.find_saved(id);
  result.stored = saved.has_value();
  for (const auto& key : saved ? saved->keys : std::vector<saved_key>{})
    result.keys.push_back({key.key, key.version, key.value.size()});
  return result;
}

} // namespace overwatch::replica_store
