#include "actors/replica.hpp"

#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "messages/codec.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

namespace overwatch {

namespace {

using replica_pointer = replica_actor::stateful_pointer<replica_state>;

constexpr auto read_timeout = std::chrono::seconds{30};

log_time steady_now(replica_pointer self) {
  return std::chrono::duration_cast<log_time>(self->clock().now().time_since_epoch());
}

void keep_ticking(replica_pointer self) {
  if (!std::exchange(self->state.ticking, true))
    self->delayed_send(self, self->state.options.flush_interval, caf::tick_atom::value);
}

// -- state to the store --------------------------------------------------------

void flush(replica_pointer self) {
  auto& state = self->state;
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

// Calls `next` with a position once the store shows all that is applied now.
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
}

// -- log -----------------------------------------------------------------------

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

void report_role(replica_pointer self) {
  auto& state = self->state;
  role_report report;
  report.leads = state.log->log().leads();
  report.epoch = state.machine->epoch();
  report.settings = state.machine->settings();
  for (const auto& x : state.machine->stats().counts)
    if (report.task_types.empty() || report.task_types.back() != x.task_type)
      report.task_types.push_back(x.task_type);
  report.parked = state.machine->parked_reasons();
  report.freed = state.machine->free_reasons();
  for (auto& workflow : state.machine->unfinished_workflows())
    if (workflow.compensation == compensation_status::running)
      report.workflows.push_back(std::make_shared<const workflow_record>(std::move(workflow)));
  self->send(state.scheduler, std::move(report));
}

// The first entry of the leadership of this replica.
bool opens_own_leadership(replica_pointer self, const command_batch& batch) {
  const auto& log = self->state.log->log();
  const auto* opening = batch.commands.size() == 1 ? std::get_if<lead_command>(&batch.commands.front()) : nullptr;
  return opening && log.leads() && opening->epoch == log.term();
}

void apply_entry(replica_pointer self, committed_entry& x) {
  auto& state = self->state;
  if (x.kind != entry_kind::command) {
    state.machine->skip(x.index);
    return;
  }
  auto entry = std::make_shared<applied_entry>(state.machine->apply(x.batch, x.index));
  entry->proposal = x.proposal;
  flush_when_due(self);
  if (state.recovering)
    return; // nobody has asked for it since this node runs
  answer_waits(self, *entry);
  applied_ptr shared = std::move(entry);
  if (opens_own_leadership(self, x.batch))
    report_role(self);
  else
    self->send(state.scheduler, shared);
  self->send(state.links.events, shared);
  self->send(state.links.metrics, shared);
  for (const auto& watcher : state.watchers)
    self->send(watcher, shared);
}

// The log's own time: elections and heartbeats. A log with one member has none.
void tick_when_due(replica_pointer self) {
  auto& state = self->state;
  const auto& log = state.log->log();
  auto next = log.next_timeout();
  auto is_alone = log.leads() && log.configuration().members.size() == 1;
  if (is_alone || next == log_time::max() || (state.next_tick && *state.next_tick <= next))
    return;
  state.next_tick = next;
  self->delayed_send(self, std::max(log_time{0}, next - steady_now(self)), caf::update_atom::value);
}

void open_leadership(replica_pointer self) {
  command_batch opening;
  opening.time = self->state.options.clock();
  opening.commands.emplace_back(lead_command{self->state.log->log().term(), self->state.options.node});
  self->state.log->propose(0, std::move(opening));
}

log_driver_hooks make_hooks(replica_pointer self) {
  log_driver_hooks hooks;
  hooks.write = [self](journal_write x) { self->send(self->state.links.journal, std::move(x)); };
  hooks.apply = [self](committed_entry& x) { apply_entry(self, x); };
  hooks.send = [](const log_message&) {};
  hooks.leadership_gained = [self] { open_leadership(self); };
  hooks.leadership_lost = [self] { report_role(self); };
  return hooks;
}

// Takes up where the store was left: the state, then the entries that it does not contain yet.
void recover(replica_pointer self, const log_maker& make_log) {
  auto& state = self->state;
  const auto& db = *state.links.db;
  state.machine = std::make_unique<partition_state>(db, state.options.partition);
  const auto& x = state.options;
  auto log = make_log({x.partition, x.self, x.initial_members, make_entry_reader(db, x.partition)});
  state.log = std::make_unique<log_driver>(x.partition, std::move(log), make_hooks(self));
  state.recovering = true;
  state.log->start(db, state.machine->applied(), steady_now(self));
  state.recovering = false;
  tick_when_due(self);
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

constexpr auto no_more = [](auto&, uint64_t, uint64_t) {};

// Flushes, lets the task_reader read, and answers with `finish(page, applied, reading)`.
template <class Page, class Request, class Finish>
caf::result<Page> read_page(replica_pointer self, const Request& request, Finish finish) {
  auto promise = self->make_response_promise<Page>();
  after_flush(self, [=](uint64_t applied) mutable {
    auto reading = self->state.machine->begin_reading();
    self->request(self->state.links.reader, read_timeout, request)
      .then(
        [=](Page& page) mutable {
          finish(page, applied, reading);
          self->state.machine->end_reading(reading);
          promise.deliver(std::move(page));
        },
        [=](caf::error& error) mutable {
          self->state.machine->end_reading(reading);
          promise.deliver(std::move(error));
        });
  });
  return promise;
}

void keep_page(replica_pointer self, ready_page& page, uint64_t reading) {
  for (auto& item : page.items)
    self->state.machine->keep(reading, item.id, item.task.spec, item.task.payload, item.state);
}

document document_of(const document_table::key& key, const document_table::row& row) {
  return {key.second, row.value, row.version, row.changed_at};
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

} // namespace

replica_actor::behavior_type replica(replica_pointer self, replica_options options, replica_links links,
                                     scheduler_actor scheduler,
                                     log_maker make_log) {
  auto& state = self->state;
  state.options = std::move(options);
  state.links = std::move(links);
  state.scheduler = std::move(scheduler);
  self->send(state.links.journal, caf::join_atom::value, state.options.partition,
             caf::actor_cast<caf::strong_actor_ptr>(self));
  recover(self, make_log);
  return {
    [=](proposal& x) {
      if (!self->state.log->propose(x.number, std::move(x.batch)))
        report_role(self); // whoever asked has to ask again
      tick_when_due(self);
    },
    [=](const journal_done& x) {
      if (x.flush_number)
        flush_done(self, x.flush_number);
      if (x.log_write)
        self->state.log->written(x.log_write);
      tick_when_due(self);
    },
    [=](const checkpoint_done& x) { self->state.log->checkpointed(x.applied); },
    [=](caf::update_atom) {
      self->state.next_tick.reset();
      self->state.log->tick(steady_now(self));
      tick_when_due(self);
    },
    [=](const progress_batch& x) {
      for (const auto& attempt : x.attempts)
        if (attempt.has_progress)
          self->state.machine->set_progress(attempt.id, attempt.fence, attempt.percent, attempt.message);
    },
    [=](const get_request& x) -> caf::result<task_record> {
      if (auto record = self->state.machine->find(x.id))
        return std::move(*record);
      return no_task(x.id);
    },
    [=](const wait_request& x) { return wait_for(self, x); },
    [=](const stats_request&) { return self->state.machine->stats(); },
    [=](const flush_request&) -> caf::result<uint64_t> {
      auto promise = self->make_response_promise<uint64_t>();
      after_flush(self, [=](uint64_t applied) mutable { promise.deliver(applied); });
      return promise;
    },
    [=](const ready_request& x) {
      return read_page<ready_page>(self, x, [=](ready_page& page, uint64_t applied, uint64_t reading) {
        page.applied = applied;
        keep_page(self, page, reading);
      });
    },
    [=](const timer_request& x) {
      return read_page<timer_page>(self, x, [](auto& page, uint64_t applied, uint64_t) { page.applied = applied; });
    },
    [=](const parked_request& x) {
      return read_page<parked_page>(self, x, [](auto& page, uint64_t applied, uint64_t) { page.applied = applied; });
    },
    [=](const running_request& x) { return read_page<running_page>(self, x, no_more); },
    [=](const finished_request& x) { return read_page<id_page>(self, x, no_more); },
    [=](const expired_request& x) { return read_page<expired_page>(self, x, no_more); },
    [=](const documents_request& x) { return read_documents(*self->state.machine, x); },
    [=](const document_request& x) { return read_document(*self->state.machine, x); },
    [=](const get_workflow_request& x) { return read_workflow(*self->state.machine, x.id); },
    [=](const list_workflows_request& x) {
      return read_page<workflow_page>(self, x, no_more);
    },
    [=](const get_snapshot_request& x) { return read_saved(*self->state.machine, x.id); },
    [=](caf::subscribe_atom, const caf::strong_actor_ptr& who) {
      self->state.watchers.push_back(caf::actor_cast<entry_watcher>(who));
    },
    [=](caf::tick_atom) {
      auto& state = self->state;
      state.ticking = false;
      expire_waits(self);
      if (state.machine->dirty())
        flush(self);
      if (!state.waits.empty())
        keep_ticking(self);
    },
  };
}

} // namespace overwatch
