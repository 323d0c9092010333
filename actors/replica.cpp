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

std::string encode_entry(const log_append& x) {
  std::string value;
  value.reserve(x.bytes.size() + 10);
  encoder{value}.put_size(x.term);
  value += x.bytes;
  return value;
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
  if (state.log_bytes >= state.options.checkpoint_bytes) {
    state.log_bytes = 0;
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
  report.leads = state.log->leads();
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

void apply_entry(replica_pointer self, replica_state::pending_entry& x) {
  auto& state = self->state;
  auto entry = std::make_shared<applied_entry>(state.machine->apply(x.batch, x.index));
  entry->proposal = x.proposal;
  answer_waits(self, *entry);
  applied_ptr shared = std::move(entry);
  if (x.proposal == 0)
    report_role(self); // our own: the start of a leadership
  else
    self->send(state.scheduler, shared);
  self->send(state.links.events, shared);
  self->send(state.links.metrics, shared);
  for (const auto& watcher : state.watchers)
    self->send(watcher, shared);
}

void drive(replica_pointer self, log_update update) {
  auto& state = self->state;
  journal_write x;
  x.partition = state.options.partition;
  x.sync = true;
  if (update.hard_state) {
    std::string value;
    encoder{value}(update.hard_state->term, update.hard_state->vote);
    x.batch.put(key_space::log, keys::hard_state(x.partition), std::move(value));
  }
  for (const auto& append : update.append) {
    x.last_index = append.index;
    x.batch.put(key_space::log, keys::log_entry(x.partition, append.index), encode_entry(append));
    state.log_bytes += append.bytes.size();
  }
  if (!x.batch.empty())
    self->send(state.links.journal, std::move(x));
  while (!state.pending.empty() && state.pending.front().index <= update.commit_index) {
    apply_entry(self, state.pending.front());
    state.pending.pop_front();
  }
  flush_when_due(self);
}

void propose(replica_pointer self, proposal& x) {
  auto& state = self->state;
  log_update update;
  auto index = state.log->propose(encode_batch(x.batch), update);
  if (!index)
    return; // the scheduler has been told that this replica leads no more
  state.pending.push_back({*index, x.number, std::move(x.batch)});
  drive(self, std::move(update));
}

// Takes up where the store was left: the state, then the entries that it does not contain yet.
void recover(replica_pointer self, const std::function<std::unique_ptr<replicated_log>()>& make_log) {
  auto& state = self->state;
  auto partition = state.options.partition;
  const auto& db = *state.links.db;
  state.machine = std::make_unique<partition_state>(db, partition);
  log_hard_state hard;
  if (auto record = db.get(key_space::log, keys::hard_state(partition))) {
    decoder f{*record};
    invariant(f(hard.term, hard.vote), "the stored term of a log is readable");
  }
  auto last_index = state.machine->applied();
  uint64_t last_term = hard.term;
  auto first = keys::log_entry(partition, last_index + 1);
  for (auto i = db.scan(key_space::log, first, keys::after_prefix(keys::prefix(partition, 'e'))); i->valid(); i->next()) {
    decoder f{i->value()};
    last_term = f.get_size();
    command_batch batch;
    invariant(f.ok() && decode_batch(f.rest(), batch), "a stored log entry is readable");
    state.log_bytes += i->value().size();
    state.machine->apply(batch, ++last_index);
    if (state.machine->dirty_tasks() >= state.options.flush_tasks)
      flush(self);
  }
  auto kept = db.scan(key_space::log, keys::log_entry(partition, 0), first);
  state.first_index = kept->valid() ? keys::read_u64(kept->key().substr(3)) : last_index + 1;
  state.log = make_log();
  auto update = state.log->start(hard, last_index, last_term);
  auto leads = update.became_leader;
  drive(self, std::move(update));
  if (leads) {
    proposal opening;
    opening.batch.time = state.options.clock();
    opening.batch.commands.emplace_back(lead_command{state.log->term(), state.options.node});
    propose(self, opening);
  }
}

void cut_log(replica_pointer self, uint64_t applied) {
  auto& state = self->state;
  if (applied < state.first_index)
    return;
  journal_write x;
  x.partition = state.options.partition;
  x.batch.erase_range(key_space::log, keys::log_entry(x.partition, state.first_index),
                      keys::log_entry(x.partition, applied + 1));
  state.first_index = applied + 1;
  self->send(state.links.journal, std::move(x));
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
                                     std::function<std::unique_ptr<replicated_log>()> make_log) {
  auto& state = self->state;
  state.options = std::move(options);
  state.links = std::move(links);
  state.scheduler = std::move(scheduler);
  self->send(state.links.journal, caf::join_atom::value, state.options.partition,
             caf::actor_cast<caf::strong_actor_ptr>(self));
  recover(self, make_log);
  return {
    [=](proposal& x) { propose(self, x); },
    [=](const journal_done& x) {
      if (x.flush_number)
        flush_done(self, x.flush_number);
      if (x.last_index)
        drive(self, self->state.log->persisted(x.last_index));
    },
    [=](const checkpoint_done& x) { cut_log(self, x.applied); },
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
