#include "tests/http/fake_control.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <algorithm>
#include <functional>

using namespace overwatch;

namespace {

struct fake_state {
  static inline const char* name = "fake_gateway";
  std::shared_ptr<fake_node> node;
  std::map<std::string, task_id> unique_keys;
  std::vector<std::function<void()>> held;
  struct poll {
    event_request request;
    std::chrono::steady_clock::time_point until;
    caf::typed_response_promise<event_batch> promise;
  };
  std::vector<poll> polls;
};

using pointer = fake_gateway_actor::stateful_pointer<fake_state>;

// Runs f under the lock unless the node shall fail or be silent.
template <class Reply, class Function>
caf::result<Reply> answer(pointer self, Function f) {
  auto& node = *self->state.node;
  std::lock_guard lock{node.mutex};
  if (node.silent) {
    auto promise = self->make_response_promise<Reply>();
    self->state.held.push_back([promise]() mutable { promise.deliver(Reply{}); });
    return caf::delegated<Reply>{};
  }
  if (node.error)
    return make_error(node.error);
  return f(node);
}

// The handler of one request, by the function that knows its meaning.
template <class Reply, class Request>
auto by(pointer self, caf::result<Reply> (*f)(fake_node&, const Request&)) {
  return [self, f](Request& x) { return answer<Reply>(self, [&](fake_node& node) { return f(node, x); }); };
}

submit_receipt store(pointer self, fake_node& node, const submission& task) {
  const auto& spec = *task.spec;
  if (spec.task_type == "nobody_knows")
    return {{}, task_status::pending, false, {ec::unknown_type, "/task_type", "unknown; known are: user_task"}};
  if (auto known = self->state.unique_keys.find(spec.unique_key);
      !spec.unique_key.empty() && known != self->state.unique_keys.end())
    return {known->second, node.tasks[known->second].state.status, true, {}};
  task_record record{spec, {}, *task.payload, {}};
  if (record.spec.id.is_nil())
    record.spec.id = node.ids.next(now(), 0);
  else if (node.tasks.count(spec.id) > 0)
    return {spec.id, node.tasks[spec.id].state.status, true, {}};
  record.state.status = task_status::queued;
  auto id = record.spec.id;
  if (!spec.unique_key.empty())
    self->state.unique_keys[spec.unique_key] = id;
  node.tasks[id] = std::move(record);
  return {id, task_status::queued, false, {}};
}

caf::result<task_record> find(fake_node& node, const task_id& id) {
  auto found = node.tasks.find(id);
  if (found == node.tasks.end())
    return make_error(ec::not_found, "no task has this id");
  return found->second;
}

caf::result<submit_reply> submit(pointer self, submit_request& request) {
  return answer<submit_reply>(self, [&](fake_node& node) -> caf::result<submit_reply> {
    node.submit_sizes.push_back(request.tasks.size());
    submit_reply reply;
    for (const auto& task : request.tasks)
      reply.receipts.push_back(store(self, node, task));
    if (!node.hold_submits)
      return reply;
    auto promise = self->make_response_promise<submit_reply>();
    self->state.held.push_back([promise, reply]() mutable { promise.deliver(reply); });
    return caf::delegated<submit_reply>{};
  });
}

task_page list(fake_node& node, const list_request& request) {
  node.lists.push_back(request);
  task_page page;
  for (auto i = node.tasks.rbegin(); i != node.tasks.rend(); ++i) {
    const auto& [id, task] = *i;
    if (request.before && !(id < *request.before))
      continue;
    const auto& types = request.filter.task_types;
    if (!types.empty() && std::find(types.begin(), types.end(), task.spec.task_type) == types.end())
      continue;
    if (page.tasks.size() == request.limit) {
      page.next = page.tasks.back().spec.id;
      break;
    }
    page.tasks.push_back({task.spec, task.state, {}, {}});
  }
  return page;
}

// The events after the reader's place; an empty optional while it may wait.
std::optional<event_batch> events_after(fake_node& node, const fake_state::poll& poll) {
  event_batch batch;
  if (poll.request.after)
    batch.from = *poll.request.after;
  event_position newest{{{0, 0, 0}}};
  for (const auto& x : node.events)
    newest.advance(x.cursor);
  for (const auto& cursor : newest.cursors)
    if (batch.from.find(cursor.partition) == nullptr)
      batch.from.advance(cursor);
  batch.next = batch.from;
  for (const auto& x : node.events) {
    const auto& kinds = poll.request.kinds;
    if (!(*batch.next.find(x.cursor.partition) < x.cursor)
        || (!kinds.empty() && std::find(kinds.begin(), kinds.end(), x.kind) == kinds.end()))
      continue;
    batch.events.push_back(x);
    batch.next.advance(x.cursor);
  }
  if (batch.events.empty() && std::chrono::steady_clock::now() < poll.until)
    return std::nullopt;
  return batch;
}

void look_at_polls(pointer self) {
  auto& state = self->state;
  std::lock_guard lock{state.node->mutex};
  auto answered = [&](fake_state::poll& poll) {
    auto batch = events_after(*state.node, poll);
    if (batch)
      poll.promise.deliver(std::move(*batch));
    return batch.has_value();
  };
  state.polls.erase(std::remove_if(state.polls.begin(), state.polls.end(), answered), state.polls.end());
  if (!state.polls.empty())
    self->delayed_send(self, std::chrono::milliseconds{5}, caf::idle_atom::value);
}

caf::result<event_batch> poll_events(pointer self, const event_request& request) {
  return answer<event_batch>(self, [&](fake_node& node) -> caf::result<event_batch> {
    node.polls.push_back(request);
    auto until = std::chrono::steady_clock::now() + request.wait;
    fake_state::poll poll{request, until, self->make_response_promise<event_batch>()};
    if (self->state.polls.empty())
      self->delayed_send(self, std::chrono::milliseconds{1}, caf::idle_atom::value);
    self->state.polls.push_back(std::move(poll));
    return caf::delegated<event_batch>{};
  });
}

metrics_reply some_metrics() {
  histogram_value times = make_latency_histogram();
  times.observe(0.01);
  times.observe(1e9);
  return {
    {{"overwatch_tasks", "Tasks by \"status\"\nand type.", metric_type::gauge, {{{{"status", "a\"b\\c\nd"}}, 3, {}}}},
     {"overwatch_submitted_total", "Submitted tasks.", metric_type::counter, {{{}, 12345678, {}}}},
     {"overwatch_start_seconds", "Enqueue to start.", metric_type::histogram, {{{}, 0, times}}}}};
}

} // namespace

fake_node::fake_node() {
  status.node = "test";
  status.instance = "i";
  status.version = "0";
  status.started_at = now();
  status.ready = true;
  settings = {
    {"max_concurrent_tasks", "10"}, {"generation_interval", "60"}, {"retention", "86400"}, {"slots.user_task", "4"}};
}

size_t fake_node::submit_count() {
  std::lock_guard lock{mutex};
  size_t count = 0;
  for (auto size : submit_sizes)
    count += size;
  return count;
}

fake_gateway_actor spawn_fake_gateway(caf::actor_system& system, std::shared_ptr<fake_node> node) {
  return system.spawn([](pointer self, std::shared_ptr<fake_node> node) -> fake_gateway_actor::behavior_type {
    self->state.node = std::move(node);
    return {
      [self](submit_request& x) { return submit(self, x); },
      [self](get_request& x) { return answer<task_record>(self, [&](fake_node& node) { return find(node, x.id); }); },
      [self](wait_request& x) { return answer<task_record>(self, [&](fake_node& node) { return find(node, x.id); }); },
      [self](cancel_request& x) {
        return answer<task_record>(self, [&](fake_node& node) -> caf::result<task_record> {
          node.cancels.push_back(x);
          auto found = node.tasks.find(x.id);
          if (found == node.tasks.end())
            return make_error(ec::not_found, "no task has this id");
          if (is_terminal(found->second.state.status))
            return make_error(ec::conflict, "the task has ended already");
          found->second.state.status = task_status::cancelled;
          return found->second;
        });
      },
      [self](retry_request& x) {
        return answer<submit_receipt>(self, [&](fake_node& node) -> caf::result<submit_receipt> {
          auto found = node.tasks.find(x.id);
          if (found == node.tasks.end())
            return make_error(ec::not_found, "no task has this id");
          auto copy = found->second;
          copy.spec.id = node.ids.next(now(), 0);
          copy.spec.origin = {origin_kind::task, to_string(x.id)};
          node.tasks[copy.spec.id] = copy;
          return submit_receipt{copy.spec.id, task_status::queued, false, {}};
        });
      },
      [self](remove_request& x) {
        return answer<task_record>(self, [&](fake_node& node) {
          auto task = find(node, x.id);
          node.tasks.erase(x.id);
          return task;
        });
      },
      [self](why_request& x) {
        return answer<why_reply>(self, [&](fake_node&) -> caf::result<why_reply> {
          return why_reply{x.id, task_status::queued, wait_kind::slot, "all slots are taken", {{"slots", "4"}}};
        });
      },
      [self](log_request& x) {
        return answer<log_page>(self, [&](fake_node&) -> caf::result<log_page> {
          return log_page{{{now(), log_level::info, x.after + 1, 1, "line", "{\"a\":1}"}}};
        });
      },
      [self](list_request& x) {
        return answer<task_page>(self, [&](fake_node& node) -> caf::result<task_page> { return list(node, x); });
      },
      [self](stats_request&) {
        return answer<stats_reply>(self, [&](fake_node& node) -> caf::result<stats_reply> {
          stats_reply reply;
          reply.submitted = node.tasks.size();
          reply.completed = 4;
          reply.execution_seconds = 6;
          reply.counts = {{"user_task", task_status::queued, priority::normal, 3},
                          {"user_task", task_status::running, priority::high, 2}};
          return reply;
        });
      },
      [self](status_request&) {
        return answer<node_status>(self, [](fake_node& node) -> caf::result<node_status> { return node.status; });
      },
      [self](pools_request&) {
        return answer<pools_reply>(self, [](fake_node&) -> caf::result<pools_reply> {
          return pools_reply{{{"user_task", "test", "d", 4, 1, 0, 0, true, 9, {}, {}}}, {"data_backup"}, 10};
        });
      },
      [self](workers_request&) {
        return answer<workers_reply>(self, [](fake_node&) -> caf::result<workers_reply> {
          return workers_reply{{{"test/user_task/1", "user_task", "test", false, {}, {}, 1, 0, {}, {}, 1, 0},
                                {"test:1", "resize", "test", true, {}, {}, 5, 1, "resizer", "host-7", 8, 2}}};
        });
      },
      [self](dispatch_request& x) {
        return answer<dispatch_reply>(self, [&](fake_node& node) -> caf::result<dispatch_reply> {
          node.dispatches.push_back(x);
          bool changed = node.status.dispatching != x.run;
          node.status.dispatching = x.run;
          return dispatch_reply{changed};
        });
      },
      [self](settings_request& x) {
        return answer<settings_reply>(self, [&](fake_node& node) -> caf::result<settings_reply> {
          for (const auto& [key, value] : x.set)
            node.settings[key] = value;
          return settings_reply{node.settings};
        });
      },
      [self](generate_request&) {
        return answer<submit_reply>(self, [&](fake_node& node) -> caf::result<submit_reply> {
          auto spec = std::make_shared<task_spec>();
          spec->name = "System Health Check";
          return submit_reply{{store(self, node, {spec, std::make_shared<std::string>("{}")})}};
        });
      },
      [self](event_request& x) { return poll_events(self, x); },
      [self](metrics_request&) {
        return answer<metrics_reply>(self, [](fake_node&) -> caf::result<metrics_reply> { return some_metrics(); });
      },
      by(self, fake::patch),
      by(self, fake::approve),
      by(self, fake::rollback),
      by(self, fake::snapshot),
      by(self, fake::submit_workflow),
      by(self, fake::get_workflow),
      by(self, fake::cancel_workflow),
      by(self, fake::list_workflows),
      by(self, fake::gates),
      by(self, fake::set_gate),
      by(self, fake::remove_gate),
      by(self, fake::get_key),
      by(self, fake::put_key),
      by(self, fake::remove_key),
      by(self, fake::list_keys),
      by(self, fake::schedules),
      by(self, fake::get_schedule),
      by(self, fake::put_schedule),
      by(self, fake::remove_schedule),
      by(self, fake::control_schedule),
      by(self, fake::next_slots),
      by(self, fake::rules),
      by(self, fake::get_rule),
      by(self, fake::put_rule),
      by(self, fake::remove_rule),
      by(self, fake::test_rule),
      by(self, fake::resources),
      by(self, fake::cluster),
      by(self, fake::add_node),
      by(self, fake::remove_node),
      by(self, fake::drain_node),
      by(self, fake::transfer),
      by(self, fake::register_worker),
      by(self, fake::claim),
      by(self, fake::heartbeat),
      by(self, fake::finish),
      by(self, fake::leave),
      [self](caf::tick_atom) {
        auto held = std::move(self->state.held);
        self->state.held.clear();
        for (auto& f : held)
          f();
        look_at_polls(self);
      },
      [self](caf::idle_atom) { look_at_polls(self); },
    };
  }, std::move(node));
}

void release(const fake_gateway_actor& gateway) { caf::anon_send(gateway, caf::tick_atom::value); }
