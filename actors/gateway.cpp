#include "actors/gateway.hpp"

#include "actors/metrics.hpp"
#include "actors/submission_rules.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

namespace overwatch {

namespace {

constexpr uint32_t max_list = 1'000;

failure not_ready() {
  return {ec::unavailable, {}, "this node is not ready yet; try again in a moment"};
}

submit_receipt receipt_of(const command_result& result) {
  return {result.id, result.status, result.existing, result.error};
}

} // namespace

void gateway_state::set_up(pointer self, gateway_options options) {
  self_ = self;
  options_ = std::move(options);
  ids_ = task_id_generator{options_.seed};
}

void gateway_state::connect(gateway_links links) {
  links_ = std::move(links);
  self_->send(links_.journal, caf::subscribe_atom::value, caf::actor_cast<caf::strong_actor_ptr>(self_));
}

void gateway_state::leave() {
  leaving_ = true;
}

// -- ways to ask ---------------------------------------------------------------

template <class Reply, class Handle, class Request, class Then>
void gateway_state::ask(const Handle& to, const Request& x, Then then, caf::typed_response_promise<Reply> promise) {
  if (!to) {
    promise.deliver(make_error(not_ready()));
    return;
  }
  self_->request(to, options_.request_timeout, x)
    .then(then, [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
}

template <class Reply, class Handle, class Request>
caf::result<Reply> gateway_state::forward(const Handle& to, const Request& x, milliseconds extra) {
  if (!to)
    return make_error(not_ready());
  auto promise = self_->make_response_promise<Reply>();
  self_->request(to, options_.request_timeout + extra, x)
    .then([promise](Reply& reply) mutable { promise.deliver(std::move(reply)); },
          [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
  return promise;
}

template <class Reply, class Then>
void gateway_state::propose(std::vector<command> commands, Then then, caf::typed_response_promise<Reply> promise) {
  ask(links_.scheduler, propose_request{std::move(commands)}, then, promise);
}

// Asks all pools and calls `done` with the answers of those that gave one.
template <class Reply, class Request, class Item>
void gateway_state::gather(const Request& x, std::function<void(std::vector<Item>&)> done) {
  struct answers {
    std::vector<Item> items;
    size_t missing = 0;
  };
  auto all = std::make_shared<answers>();
  all->missing = links_.pools.size();
  if (all->missing == 0)
    done(all->items);
  auto count_down = [all, done] {
    if (--all->missing == 0)
      done(all->items);
  };
  for (const auto& pool : links_.pools)
    self_->request(pool, options_.request_timeout, x)
      .then(
        [all, count_down](Reply& reply) {
          all->items.push_back(std::move(reply));
          count_down();
        },
        [count_down](const caf::error&) { count_down(); });
}

// -- tasks ---------------------------------------------------------------------

failure gateway_state::cannot_submit(size_t tasks, size_t bytes) const {
  if (leaving_)
    return {ec::unavailable, {}, "this node is stopping; ask another one or try again when it is back"};
  if (!links_.scheduler)
    return not_ready();
  if (disk_.state != disk_state::ok)
    return {ec::no_space, {}, "the disk of node " + options_.status.node + " is nearly full ("
                                + std::to_string(disk_.free_bytes >> 20)
                                + " MiB left): no task is lost, but new ones are refused until there is space again"};
  if (tasks > max_submit_tasks)
    return {ec::too_large, {}, std::to_string(tasks) + " tasks in one request; at most "
                                 + std::to_string(max_submit_tasks) + " are allowed: send several"};
  if (tasks_in_flight_ > 0
      && (tasks_in_flight_ + tasks > options_.max_tasks_in_flight || bytes_in_flight_ + bytes > options_.max_bytes_in_flight))
    return {ec::overloaded, {}, "too many tasks are on their way to the disk; try again in a second"};
  return {};
}

caf::result<submit_reply> gateway_state::submit(submit_request& x) {
  size_t bytes = 0;
  for (const auto& task : x.tasks)
    bytes += task.payload ? task.payload->size() + 512 : 0;
  if (auto fault = cannot_submit(x.tasks.size(), bytes))
    return make_error(fault);
  submit_reply reply;
  reply.receipts.resize(x.tasks.size());
  std::vector<command> commands;
  std::vector<size_t> places;
  commands.reserve(x.tasks.size());
  places.reserve(x.tasks.size());
  auto time = options_.clock();
  for (size_t i = 0; i < x.tasks.size(); ++i) {
    auto& task = x.tasks[i];
    if (auto fault = check_submission(task, options_.task_types)) {
      reply.receipts[i].error = std::move(fault);
      continue;
    }
    auto from_client = !task.spec->id.is_nil();
    // The caller gave the spec away with the message; only one that is shared needs a copy.
    auto spec = task.spec.use_count() == 1 ? std::const_pointer_cast<task_spec>(std::move(task.spec))
                                           : std::make_shared<task_spec>(*task.spec);
    if (!from_client)
      spec->id = ids_.next(time, 0);
    if (spec->created_at == timestamp{})
      spec->created_at = time;
    commands.emplace_back(submit_command{{std::move(spec), std::move(task.payload)}, from_client});
    places.push_back(i);
  }
  if (commands.empty())
    return reply;
  auto count = commands.size();
  tasks_in_flight_ += count;
  bytes_in_flight_ += bytes;
  auto promise = self_->make_response_promise<submit_reply>();
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
        promise.deliver(blocked ? make_error(ec::no_space, "the disk became full while the task was written; whether it "
                                                           "was stored is unknown: submit it again with the same id")
                                : std::move(error));
      });
  return promise;
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
      spec->id = ids_.next(spec->created_at, 0);
      spec->scheduled_at.reset();
      spec->deadline.reset(); // an absolute time of the old one
      auto payload = std::make_shared<const std::string>(std::move(record.payload));
      propose({submit_command{{std::move(spec), std::move(payload)}, false}},
              [promise](const propose_reply& done) mutable { promise.deliver(receipt_of(done.results.front())); }, promise);
    },
    promise);
  return promise;
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
  ask(
    links_.replica, flush_request{},
    [this, promise, x](uint64_t) mutable {
      ask(links_.reader, x, [promise](task_page& page) mutable { promise.deliver(std::move(page)); }, promise);
    },
    promise);
  return promise;
}

// -- node ----------------------------------------------------------------------

caf::result<node_status> gateway_state::status() {
  auto status = options_.status;
  status.stopping = leaving_;
  status.disk = disk_.state;
  status.restarts = links_.restarts;
  if (!links_.scheduler) {
    status.problem = "the node is starting";
    return status;
  }
  auto promise = self_->make_response_promise<node_status>();
  auto with_journal = [this, promise, status](const scheduler_status& scheduler) mutable {
    status.dispatching = scheduler.dispatching;
    status.ready = scheduler.leads && !leaving_ && status.disk == disk_state::ok;
    if (!scheduler.leads)
      status.problem = "the node recovers its tasks";
    else if (leaving_)
      status.problem = "the node is stopping";
    else if (status.disk != disk_state::ok)
      status.problem = "the disk is nearly full; new tasks are refused";
    ask(links_.journal, journal_stats_request{},
        [promise, status](const journal_stats& journal) mutable {
          status.disk_free_bytes = journal.disk.free_bytes;
          promise.deliver(std::move(status));
        },
        promise);
  };
  ask(links_.scheduler, scheduler_status_request{}, with_journal, promise);
  return promise;
}

caf::result<pools_reply> gateway_state::pools() {
  auto promise = self_->make_response_promise<pools_reply>();
  ask(
    links_.scheduler, scheduler_status_request{},
    [this, promise](const scheduler_status& scheduler) mutable {
      auto setting = scheduler.settings.find("max_concurrent_tasks");
      auto limit = setting == scheduler.settings.end() ? options_.max_concurrent_tasks
                                                       : static_cast<uint32_t>(std::stoul(setting->second));
      gather<pool_status, pools_request, pool_status>({}, [this, promise, limit](std::vector<pool_status>& pools) mutable {
        pools_reply reply;
        reply.max_concurrent_tasks = limit;
        auto without = options_.task_types;
        for (const auto& pool : pools)
          without.erase(pool.task_type);
        reply.types_without_handler.assign(without.begin(), without.end());
        std::sort(pools.begin(), pools.end(), [](const auto& a, const auto& b) { return a.task_type < b.task_type; });
        reply.pools = std::move(pools);
        promise.deliver(std::move(reply));
      });
    },
    promise);
  return promise;
}

caf::result<workers_reply> gateway_state::workers() {
  auto promise = self_->make_response_promise<workers_reply>();
  gather<workers_reply, workers_request, workers_reply>({}, [promise](std::vector<workers_reply>& replies) mutable {
    workers_reply all;
    for (auto& reply : replies)
      std::move(reply.workers.begin(), reply.workers.end(), std::back_inserter(all.workers));
    std::stable_sort(all.workers.begin(), all.workers.end(), [](const auto& a, const auto& b) { return a.busy > b.busy; });
    all.workers.resize(std::min<size_t>(all.workers.size(), max_list));
    promise.deliver(std::move(all));
  });
  return promise;
}

caf::result<dispatch_reply> gateway_state::dispatch(const dispatch_request& x) {
  auto promise = self_->make_response_promise<dispatch_reply>();
  ask(
    links_.scheduler, scheduler_status_request{},
    [this, promise, x](const scheduler_status& before) mutable {
      auto changed = before.dispatching != x.run;
      propose(
        {setting_command{"dispatch", x.run ? "" : "stopped"}},
        [this, promise, x, changed](const propose_reply&) mutable {
          if (x.cancel_running)
            self_->send(links_.scheduler, caf::close_atom::value);
          promise.deliver(dispatch_reply{changed});
        },
        promise);
    },
    promise);
  return promise;
}

failure gateway_state::check_setting(const std::string& key, const std::string& value) const {
  struct rule {
    std::string_view key;
    uint64_t low;
    uint64_t high;
  };
  static constexpr rule rules[] = {{"max_concurrent_tasks", 1, 1'000'000},
                                   {"generation_interval", 0, 31'536'000},
                                   {"retention", 0, 3'153'600'000},
                                   {"slots.", 1, 1'000'000}};
  for (const auto& rule : rules) {
    auto is_prefix = rule.key.back() == '.';
    if (is_prefix ? key.compare(0, rule.key.size(), rule.key) != 0 : key != rule.key)
      continue;
    if (is_prefix && options_.task_types.count(key.substr(rule.key.size())) == 0)
      return {ec::not_found, '/' + key, "there is no task type " + key.substr(rule.key.size())};
    auto digits = !value.empty() && value.size() <= 10 && value.find_first_not_of("0123456789") == std::string::npos;
    auto number = digits ? std::stoull(value) : 0;
    if (value.empty() || (digits && number >= rule.low && number <= rule.high))
      return {}; // an empty one clears the setting
    return {ec::invalid, '/' + key, "\"" + value.substr(0, 64) + "\" is not a whole number from "
                                      + std::to_string(rule.low) + " to " + std::to_string(rule.high)};
  }
  return {ec::invalid, '/' + key, "is not a setting that can change while the node runs; those are: max_concurrent_tasks, "
                                  "generation_interval, retention, slots.<task type>"};
}

caf::result<settings_reply> gateway_state::settings(const settings_request& x) {
  std::vector<command> commands;
  for (const auto& [key, value] : x.set) {
    if (auto fault = check_setting(key, value))
      return make_error(fault);
    commands.emplace_back(setting_command{key, value});
  }
  auto promise = self_->make_response_promise<settings_reply>();
  auto answer = [this, promise](const scheduler_status& now) mutable {
    settings_reply reply{options_.settings};
    for (const auto& [key, value] : now.settings)
      if (key != "dispatch")
        reply.values[key] = value;
    promise.deliver(std::move(reply));
  };
  auto interval = x.set.find("generation_interval");
  if (interval != x.set.end())
    self_->send(links_.generator, caf::update_atom::value,
                static_cast<uint32_t>(std::stoul(interval->second.empty() ? options_.settings["generation_interval"]
                                                                          : interval->second)));
  if (commands.empty())
    ask(links_.scheduler, scheduler_status_request{}, answer, promise);
  else
    propose(
      std::move(commands),
      [this, promise, answer](const propose_reply&) mutable {
        ask(links_.scheduler, scheduler_status_request{}, answer, promise);
      },
      promise);
  return promise;
}

caf::result<metrics_reply> gateway_state::metrics() {
  auto promise = self_->make_response_promise<metrics_reply>();
  auto add = [](std::vector<metric_family>& to, std::vector<metric_family> from) {
    std::move(from.begin(), from.end(), std::back_inserter(to));
  };
  ask(
    links_.metrics, metrics_request{},
    [this, promise, add](metrics_reply& reply) mutable {
      ask(
        links_.replica, stats_request{},
        [this, promise, add, reply](const stats_reply& stats) mutable {
          add(reply.families, families_of(stats));
          ask(
            links_.journal, journal_stats_request{},
            [this, promise, add, reply](const journal_stats& journal) mutable {
              add(reply.families, families_of(journal));
              gather<pool_status, pools_request, pool_status>({}, [=](std::vector<pool_status>& pools) mutable {
                add(reply.families, families_of(pools));
                add(reply.families, process_families());
                promise.deliver(std::move(reply));
              });
            },
            promise);
        },
        promise);
    },
    promise);
  return promise;
}

// -- the actor -----------------------------------------------------------------

gateway_state::interface::behavior_type gateway(gateway_state::pointer self, gateway_options options) {
  auto& state = self->state;
  state.set_up(self, std::move(options));
  return {
    [=](submit_request& x) { return self->state.submit(x); },
    [=](const get_request& x) { return self->state.forward<task_record>(self->state.links().replica, x); },
    [=](const wait_request& x) { return self->state.forward<task_record>(self->state.links().replica, x, x.limit); },
    [=](const cancel_request& x) { return self->state.change(cancel_command{x.id, x.reason}, x.id); },
    [=](const retry_request& x) { return self->state.retry(x); },
    [=](const remove_request& x) { return self->state.remove(x); },
    [=](const why_request& x) { return self->state.forward<why_reply>(self->state.links().scheduler, x); },
    [=](const log_request& x) { return self->state.log(x); },
    [=](const list_request& x) { return self->state.list(x); },
    [=](const stats_request& x) { return self->state.forward<stats_reply>(self->state.links().replica, x); },
    [=](const status_request&) { return self->state.status(); },
    [=](const pools_request&) { return self->state.pools(); },
    [=](const workers_request&) { return self->state.workers(); },
    [=](const dispatch_request& x) { return self->state.dispatch(x); },
    [=](const settings_request& x) { return self->state.settings(x); },
    [=](const generate_request& x) { return self->state.forward<submit_reply>(self->state.links().generator, x); },
    [=](const event_request& x) { return self->state.forward<event_batch>(self->state.links().events, x, x.wait); },
    [=](const metrics_request&) { return self->state.metrics(); },
    [=](gateway_links& x) { self->state.connect(std::move(x)); },
    [=](const disk_report& x) { self->state.set_disk(x); },
    [=](caf::leave_atom) { self->state.leave(); },
  };
}

} // namespace overwatch
