#include "actors/replica.hpp"

#include "actors/drain_setting.hpp"
#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "actors/replica_group.hpp"
#include "actors/replica_store.hpp"
#include "messages/codec.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

namespace overwatch {

namespace {

using replica_group::replica_pointer;
using replica_group::steady_now;
using namespace replica_store;

// The ticks of all groups of a node fall together, so that a link sends what they say in one message.
constexpr log_time tick_grid{20};

// A leader without a lease gets one with the next answers, or does not lead any more soon.
constexpr log_time confirm_patience{500};
constexpr size_t max_confirmations = 10'000;

// -- log -----------------------------------------------------------------------

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
  auto has_nodes = std::any_of(entry->documents.begin(), entry->documents.end(),
                               [](const auto& change) { return change.kind == document_kind::node; });
  auto has_drain = std::any_of(entry->settings.begin(), entry->settings.end(),
                               [](const auto& change) { return drained_node(change.first).has_value(); });
  applied_ptr shared = std::move(entry);
  if (opens_own_leadership(self, x.batch)) {
    state.group.opened = true;
    report_role(self);
    replica_group::tell_leader(self);
  } else {
    self->send(state.scheduler, shared);
  }
  self->send(state.links.events, shared);
  self->send(state.links.metrics, shared);
  for (const auto& watcher : state.watchers)
    self->send(watcher, shared);
  if (has_drain)
    replica_group::tell_leader(self);
  else if (has_nodes)
    replica_group::tell_roster(self);
}

// The log's own time: elections and heartbeats. A log with one member has none.
void tick_when_due(replica_pointer self) {
  auto& state = self->state;
  const auto& log = state.log->log();
  auto next = log.next_timeout();
  if (next < log_time::max() - tick_grid)
    next = (next + tick_grid - log_time{1}) / tick_grid * tick_grid;
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
  self->state.log->propose(0, opening);
}

void leadership_lost(replica_pointer self) {
  self->state.group.opened = false;
  self->state.refused.clear();
  replica_group::stop_shipping(self);
  report_role(self);
}

// What a log that leads refuses (it hands its leadership over, or has too much on its way) waits for its turn.
void propose(replica_pointer self, proposal& x) {
  auto& state = self->state;
  if (state.refused.empty() && state.log->propose(x.number, x.batch))
    return;
  if (state.log->log().leads())
    state.refused.push_back(std::move(x));
  else
    report_role(self); // whoever asked has to ask again
}

void propose_refused(replica_pointer self) {
  auto& refused = self->state.refused;
  while (!refused.empty() && self->state.log->propose(refused.front().number, refused.front().batch))
    refused.pop_front();
}

log_driver_hooks make_hooks(replica_pointer self) {
  log_driver_hooks hooks;
  hooks.write = [self](journal_write x) { self->send(self->state.links.journal, std::move(x)); };
  hooks.apply = [self](committed_entry& x) { apply_entry(self, x); };
  hooks.send = [self](log_message&& x) { replica_group::send(self, std::move(x)); };
  hooks.send_snapshot = [self](member_id to) { replica_group::ship(self, to); };
  hooks.install = [self] { replica_group::install_when_quiet(self); };
  hooks.leadership_gained = [self] { open_leadership(self); };
  hooks.leadership_lost = [self] { leadership_lost(self); };
  hooks.group_changed = [self] { replica_group::tell_leader(self); };
  return hooks;
}

caf::error not_confirmed() {
  return make_error(ec::not_leader, "no majority has confirmed that this node leads the partition");
}

caf::result<uint64_t> confirm(replica_pointer self) {
  auto& state = self->state;
  const auto& log = state.log->log();
  if (!state.group.opened || state.confirmations.size() >= max_confirmations)
    return not_confirmed();
  auto now = steady_now(self);
  state.log->wake(now);
  if (log.has_lease(now))
    return log.term();
  auto promise = self->make_response_promise<uint64_t>();
  state.confirmations.push_back({promise, now + confirm_patience});
  return promise;
}

void answer_confirmations(replica_pointer self) {
  auto& waiting = self->state.confirmations;
  if (waiting.empty())
    return;
  const auto& log = self->state.log->log();
  auto now = steady_now(self);
  auto leads = self->state.group.opened;
  auto has_lease = leads && log.has_lease(now);
  for (; !waiting.empty() && (has_lease || !leads || waiting.front().until <= now); waiting.pop_front())
    if (has_lease)
      waiting.front().promise.deliver(log.term());
    else
      waiting.front().promise.deliver(not_confirmed());
}

// What follows from every event of the log.
void after_event(replica_pointer self) {
  propose_refused(self);
  answer_confirmations(self);
  tick_when_due(self);
  replica_group::keep_looking(self);
}

// Of the entries up to here nobody was told.
void tell_position(replica_pointer self) {
  const auto& state = self->state;
  self->send(state.links.events, applied_position{state.options.partition, state.machine->applied()});
}

// Takes up where the store was left: the state, then the entries that it does not contain yet.
void recover(replica_pointer self, const log_maker& make_log) {
  auto& state = self->state;
  const auto& db = *state.links.db;
  const auto& x = state.options;
  state.machine = std::make_unique<partition_state>(db, x.partition, x.partitions);
  auto log = make_log({x.partition, x.self, x.initial_members, make_entry_reader(db, x.partition)});
  state.log = std::make_unique<log_driver>(x.partition, std::move(log), make_hooks(self));
  state.recovering = true;
  state.log->start(db, state.machine->applied(), steady_now(self));
  state.recovering = false;
  tell_position(self);
  if (state.log->log().leader() == 0)
    replica_group::tell_leader(self);
  tick_when_due(self);
}

// Entries for members that lag are kept since the checkpoint before this one.
void checkpointed(replica_pointer self, uint64_t applied) {
  auto& state = self->state;
  auto is_alone = state.log->log().configuration().members.size() <= 1;
  auto first_kept = is_alone ? applied + 1 : std::exchange(state.group.previous_checkpoint, applied) + 1;
  state.log->checkpointed(applied, std::min(first_kept, replica_group::needed_from(self)));
}

} // namespace

// The state that was installed takes the place of the one in memory. Whoever waits asks again.
void replica_group::restart_machine(replica_pointer self) {
  auto& state = self->state;
  state.machine = std::make_unique<partition_state>(*state.links.db, state.options.partition, state.options.partitions);
  for (auto& [id, wait] : std::exchange(state.waits, {}))
    wait.promise.deliver(make_error(ec::not_leader, "this node was far behind the others; ask again"));
  state.log->installed();
  tell_position(self);
  report_role(self);
  replica_group::tell_leader(self);
}

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
      if (self->state.log->log().sleeps())
        self->state.log->wake(steady_now(self));
      propose(self, x);
      after_event(self);
    },
    [=](const journal_done& x) {
      if (x.flush_number)
        flush_done(self, x.flush_number);
      if (x.log_write)
        self->state.log->written(x.log_write);
      after_event(self);
    },
    [=](const checkpoint_done& x) { checkpointed(self, x.applied); },
    [=](const confirm_request&) {
      auto result = confirm(self);
      after_event(self);
      return result;
    },
    [=](caf::update_atom) {
      self->state.next_tick.reset();
      self->state.log->tick(steady_now(self));
      after_event(self);
    },
    [=](const log_delivery& x) {
      self->state.log->receive(steady_now(self), x.bytes);
      after_event(self);
    },
    [=](const peer_report& x) {
      replica_group::peer_changed(self, x);
      after_event(self);
    },
    [=](caf::idle_atom) {
      replica_group::look_after(self);
      after_event(self);
    },
    [=](const group_request&) { return replica_group::status(self); },
    [=](const transfer_request& x) {
      auto result = replica_group::transfer(self, x);
      after_event(self);
      return result;
    },
    [=](const state_offer& x) { replica_group::take_offer(self, x); },
    [=](const transfer_ended& x) { replica_group::transfer_ended(self, x); },
    [=](const receive_report& x) {
      replica_group::take_report(self, x);
      after_event(self);
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
    [=](const control_state_request&) { return self->state.machine->mirrored(); },
    [=](const statuses_request& x) { return self->state.machine->statuses(x.ids); },
    [=](const remote_parents_request& x) { return read_remote_parents(*self->state.machine, x); },
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
