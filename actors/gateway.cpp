#include "actors/gateway.hpp"

#include "actors/gateway_requests.hpp"
#include "actors/submission_rules.hpp"

namespace overwatch {

namespace {

constexpr uint32_t max_list = 1'000;
constexpr uint32_t max_events = 4'096;
constexpr auto max_wait = std::chrono::seconds{60};

submit_receipt receipt_of(const command_result& result) {
  return {result.id, result.status, result.existing, result.error};
}

} // namespace

void gateway_state::set_up(pointer self, gateway_options options) {
  self_ = self;
  options_ = std::move(options);
  ids_ = task_id_generator{options_.seed};
  types_ = options_.task_types;
}

void gateway_state::connect(gateway_links links) {
  auto other_journal = links.journal != links_.journal;
  links_ = std::move(links);
  if (other_journal) // it keeps its listeners for good
    self_->send(links_.journal, caf::subscribe_atom::value, caf::actor_cast<caf::strong_actor_ptr>(self_));
}

void gateway_state::leave() {
  leaving_ = true;
}

// -- tasks ---------------------------------------------------------------------

failure gateway_state::cannot_submit(size_t tasks, size_t bytes) const {
  if (leaving_)
    return {ec::not_leader, {}, "this node is stopping; ask another one or try again when it is back"};
  if (!links_.scheduler)
    return node_not_ready();
  if (disk_.state != disk_state::ok)
    return {ec::no_space, {}, "the disk of node " + options_.status.node + " is nearly full ("
                                + std::to_string(disk_.free_bytes >> 20)
                                + " MiB left): no task is lost, but new ones are refused until there is space again"};
  if (tasks > max_submit_tasks)
    return {ec::too_large, {}, std::to_string(tasks) + " tasks in one request; at most "
                                 + std::to_string(max_submit_tasks) + " are allowed: send several"};
  if (tasks_in_flight_ > 0 && (tasks_in_flight_ + tasks > options_.max_tasks_in_flight ||
                               bytes_in_flight_ + bytes > options_.max_bytes_in_flight))
    return {ec::overloaded, {}, "too many tasks are on their way to the disk; try again in a second"};
  return {};
}

caf::result<submit_reply> gateway_state::submit(submit_request& x) {
  auto promise = self_->make_response_promise<submit_reply>();
  auto known = [this](const submission& task) { return !task.spec || types_.count(task.spec->task_type) > 0; };
  if (std::all_of(x.tasks.begin(), x.tasks.end(), known)) {
    store(x, promise);
    return promise;
  }
  auto held = std::make_shared<submit_request>(std::move(x));
  with_declared_types([this, held, promise] { store(*held, promise); }, promise);
  return promise;
}

void gateway_state::store(submit_request& x, caf::typed_response_promise<submit_reply> promise) {
  size_t bytes = 0;
  for (const auto& task : x.tasks)
    bytes += task.payload ? task.payload->size() + 512 : 0;
  if (auto fault = cannot_submit(x.tasks.size(), bytes)) {
    promise.deliver(make_error(fault));
    return;
  }
  submit_reply reply;
  reply.receipts.resize(x.tasks.size());
  std::vector<command> commands;
  std::vector<size_t> places;
  commands.reserve(x.tasks.size());
  places.reserve(x.tasks.size());
  auto time = options_.clock();
  for (size_t i = 0; i < x.tasks.size(); ++i) {
    auto& task = x.tasks[i];
    auto fault = check_submission(task, types_);
    if (!fault)
      fault = check_scope(task.spec->snapshot, options_.snapshot_roots);
    if (!fault && !task.spec->id.is_nil() && task.spec->id.partition() != options_.partition)
      fault = {ec::invalid, "/id",
               "an id of partition " + std::to_string(task.spec->id.partition()) +
                 ", which this cluster does not have: leave it out, or take one that the client made"};
    if (fault) {
      reply.receipts[i].error = std::move(fault);
      continue;
    }
    auto from_client = !task.spec->id.is_nil();
    // The caller gave the spec away with the message; only one that is shared needs a copy.
    auto spec = task.spec.use_count() == 1 ? std::const_pointer_cast<task_spec>(std::move(task.spec))
                                           : std::make_shared<task_spec>(*task.spec);
    if (!from_client)
      spec->id = ids_.next(time, options_.partition);
    if (spec->created_at == timestamp{})
      spec->created_at = time;
    commands.emplace_back(submit_command{{std::move(spec), std::move(task.payload)}, from_client});
    places.push_back(i);
  }
  if (commands.empty()) {
    promise.deliver(std::move(reply));
    return;
  }
  auto count = commands.size();
  tasks_in_flight_ += count;
  bytes_in_flight_ += bytes;
  auto land = [this, count, bytes] {
    tasks_in_flight_ -= count;
    bytes_in_flight_ -= bytes;
  };
  self_->request(links_.scheduler, options_.request_timeout, propose_request{std::move(commands)})
    .then(
      [land, promise, reply = std::move(reply), places = std::move(places)](const propose_reply& done) mutable {
        land();
        for (size_t i = 0; i < places.size(); ++i)
          reply.receipts[places[i]] = receipt_of(done.results[i]);
        promise.deliver(std::move(reply));
      },
      [this, land, promise](caf::error& error) mutable {
        land();
        auto blocked = disk_.state != disk_state::ok && describe(error).code == ec::timed_out;
        promise.deliver(blocked
                          ? make_error(ec::no_space, "the disk became full while the task was written; whether it "
                                                     "was stored is unknown: submit it again with the same id")
                          : std::move(error));
      });
}

caf::result<submit_reply> gateway_state::generate(const generate_request& x) {
  if (auto fault = cannot_submit(0, 0))
    return make_error(fault);
  return forward<submit_reply>(links_.generator, x);
}

caf::result<task_record> gateway_state::change(command x, const task_id& id) {
  auto promise = self_->make_response_promise<task_record>();
  propose(
    {std::move(x)},
    [this, promise, id](const propose_reply& done) mutable {
      if (const auto& fault = done.results.front().error)
        promise.deliver(make_error(fault));
      else
        ask(links_.replica, get_request{id},
            [promise](task_record& record) mutable { promise.deliver(std::move(record)); }, promise);
    },
    promise);
  return promise;
}

caf::result<task_record> gateway_state::remove(const remove_request& x) {
  auto promise = self_->make_response_promise<task_record>();
  ask(
    links_.replica, get_request{x.id},
    [this, promise, id = x.id](const task_record& record) mutable {
      propose(
        {remove_command{id}},
        [promise, record](const propose_reply& done) mutable {
          if (const auto& fault = done.results.front().error)
            promise.deliver(make_error(fault));
          else
            promise.deliver(std::move(record));
        },
        promise);
    },
    promise);
  return promise;
}

caf::result<submit_receipt> gateway_state::retry(const retry_request& x) {
  auto promise = self_->make_response_promise<submit_receipt>();
  ask(
    links_.replica, get_request{x.id},
    [this, promise](task_record& record) mutable {
      if (!is_terminal(record.state.status)) {
        promise.deliver(make_error(ec::conflict, "task " + to_string(record.spec.id) + " is "
                                                   + std::string{name_of(record.state.status)}
                                                   + "; only a finished task is submitted again", "/status"));
        return;
      }
      auto spec = std::make_shared<task_spec>(std::move(record.spec));
      spec->origin = {origin_kind::task, to_string(spec->id)};
      spec->created_at = options_.clock();
      spec->id = ids_.next(spec->created_at, options_.partition);
      spec->scheduled_at.reset();
      spec->deadline.reset(); // an absolute time of the old one
      spec->workflow = {};
      auto payload = std::make_shared<const std::string>(std::move(record.payload));
      propose(
        {submit_command{{std::move(spec), std::move(payload)}, false}},
        [promise](const propose_reply& done) mutable { promise.deliver(receipt_of(done.results.front())); }, promise);
    },
    promise);
  return promise;
}

caf::result<task_record> gateway_state::wait(const wait_request& x) {
  if (x.limit.count() < 0 || x.limit > max_wait)
    return make_error(ec::invalid, std::to_string(x.limit.count()) + " ms is not between 0 and 60 s", "/limit");
  return forward<task_record>(links_.replica, x, x.limit);
}

caf::result<event_batch> gateway_state::events(const event_request& x) {
  if (x.wait.count() < 0 || x.wait > max_wait)
    return make_error(ec::invalid, std::to_string(x.wait.count()) + " ms is not between 0 and 60 s", "/wait");
  if (x.limit < 1 || x.limit > max_events)
    return make_error(ec::invalid, std::to_string(x.limit) + " is not between 1 and 4096", "/limit");
  return forward<event_batch>(links_.events, x, x.wait);
}

caf::result<log_page> gateway_state::log(const log_request& x) {
  auto promise = self_->make_response_promise<log_page>();
  ask( // a task that is not there has no log either: say which of the two it is
    links_.replica, get_request{x.id},
    [this, promise, x](const task_record&) mutable {
      ask(links_.reader, x, [promise](log_page& page) mutable { promise.deliver(std::move(page)); }, promise);
    },
    promise);
  return promise;
}

caf::result<task_page> gateway_state::list(const list_request& x) {
  if (x.limit < 1 || x.limit > max_list)
    return make_error(ec::invalid, std::to_string(x.limit) + " is not between 1 and 1000", "/limit");
  auto promise = self_->make_response_promise<task_page>();
  auto search = [this, promise, x](uint64_t) mutable {
    ask(links_.reader, x, [promise](task_page& page) mutable { promise.deliver(std::move(page)); }, promise);
  };
  when_current(
    x.level, [this, promise, search]() mutable { ask(links_.replica, flush_request{}, search, promise); }, promise);
  return promise;
}

// -- the actor -----------------------------------------------------------------

gateway_state::interface::behavior_type gateway(gateway_state::pointer self, gateway_options options) {
  auto& state = self->state;
  state.set_up(self, std::move(options));
  return {
    [=](submit_request& x) { return self->state.submit(x); },
    [=](const get_request& x) { return self->state.read<task_record>(self->state.links().replica, x, x.level); },
    [=](const wait_request& x) { return self->state.wait(x); },
    [=](const cancel_request& x) {
      return self->state.change(cancel_command{x.id, x.reason}, x.id);
    },
    [=](const retry_request& x) { return self->state.retry(x); },
    [=](const remove_request& x) { return self->state.remove(x); },
    [=](const why_request& x) { return self->state.forward<why_reply>(self->state.links().scheduler, x); },
    [=](const log_request& x) { return self->state.log(x); },
    [=](const list_request& x) { return self->state.list(x); },
    [=](const stats_request& x) { return self->state.read<stats_reply>(self->state.links().replica, x, x.level); },
    [=](const status_request&) { return self->state.status(); },
    [=](const pools_request&) { return self->state.pools(); },
    [=](const workers_request&) { return self->state.workers(); },
    [=](const dispatch_request& x) { return self->state.dispatch(x); },
    [=](const settings_request& x) { return self->state.settings(x); },
    [=](const generate_request& x) { return self->state.generate(x); },
    [=](const event_request& x) { return self->state.events(x); },
    [=](const metrics_request&) { return self->state.metrics(); },
    [=](const patch_request& x) {
      return self->state.change(patch_command{x.id, x.importance, x.scheduled_at, x.deadline, x.tags}, x.id);
    },
    [=](const approve_request& x) { return self->state.approve(x); },
    [=](const rollback_request& x) { return self->state.roll_back(x); },
    [=](const get_snapshot_request& x) { return self->state.snapshot(x); },
    [=](submit_workflow_request& x) { return self->state.submit_workflow(x); },
    [=](const get_workflow_request& x) {
      return self->state.read<workflow_record>(self->state.links().replica, x, x.level);
    },
    [=](const cancel_workflow_request& x) { return self->state.cancel_workflow(x); },
    [=](const list_workflows_request& x) { return self->state.list_workflows(x); },
    [=](const gates_request& x) {
      return self->state.read<gates_reply>(self->state.links().gates, x, consistency::current);
    },
    [=](const set_gate_request& x) { return self->state.forward<gate_record>(self->state.links().gates, x); },
    [=](const remove_gate_request& x) { return self->state.forward<gate_record>(self->state.links().gates, x); },
    [=](const get_key_request& x) { return self->state.get_key(x); },
    [=](put_key_request& x) { return self->state.put_key(x); },
    [=](const remove_key_request& x) { return self->state.remove_key(x); },
    [=](const list_keys_request& x) { return self->state.list_keys(x); },
    [=](const schedules_request& x) {
      return self->state.read<schedules_reply>(self->state.links().generator, x, consistency::current);
    },
    [=](const schedule_request& x) {
      return self->state.read<schedule_record>(self->state.links().generator, x, consistency::current);
    },
    [=](const put_schedule_request& x) {
      return self->state.forward<schedule_record>(self->state.links().generator, x);
    },
    [=](const remove_schedule_request& x) {
      return self->state.forward<schedule_record>(self->state.links().generator, x);
    },
    [=](const control_schedule_request& x) {
      return self->state.forward<schedule_record>(self->state.links().generator, x);
    },
    [=](const next_slots_request& x) {
      return self->state.forward<next_slots_reply>(self->state.links().generator, x);
    },
    [=](const rules_request& x) {
      return self->state.read<rules_reply>(self->state.links().generator, x, consistency::current);
    },
    [=](const rule_request& x) {
      return self->state.read<rule_record>(self->state.links().generator, x, consistency::current);
    },
    [=](const put_rule_request& x) { return self->state.forward<rule_record>(self->state.links().generator, x); },
    [=](const remove_rule_request& x) { return self->state.forward<rule_record>(self->state.links().generator, x); },
    [=](const test_rule_request& x) { return self->state.forward<test_rule_reply>(self->state.links().generator, x); },
    [=](const resources_request& x) { return self->state.forward<resources_reply>(self->state.links().scheduler, x); },
    [=](const register_worker_request& x) {
      return self->state.forward<worker_registration>(self->state.links().sessions, x);
    },
    [=](const claim_request& x) { return self->state.forward<claim_reply>(self->state.links().sessions, x, x.wait); },
    [=](const heartbeat_request& x) { return self->state.forward<heartbeat_reply>(self->state.links().sessions, x); },
    [=](const finish_request& x) { return self->state.forward<finish_reply>(self->state.links().sessions, x); },
    [=](const leave_request& x) { return self->state.forward<leave_reply>(self->state.links().sessions, x); },
    [=](const cluster_request& x) { return self->state.cluster(x); },
    [=](const add_node_request& x) { return self->state.add_node(x); },
    [=](const remove_node_request& x) { return self->state.remove_node(x); },
    [=](const drain_node_request& x) { return self->state.drain_node(x); },
    [=](const transfer_request& x) { return self->state.forward<group_status>(self->state.links().replica, x); },
    [=](mirror_request& x) { return self->state.mirror(x); },
    [=](const statuses_request& x) { return self->state.statuses(x); },
    [=](gateway_links& x) { self->state.connect(std::move(x)); },
    [=](const disk_report& x) { self->state.set_disk(x); },
    [=](caf::leave_atom) { self->state.leave(); },
  };
}

} // namespace overwatch
