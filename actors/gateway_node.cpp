#include "actors/all_stats.hpp"
#include "actors/declared_types.hpp"
#include "actors/gateway_requests.hpp"
#include "actors/metrics.hpp"

#include <algorithm>

/// The half of the gateway that deals with the node: status, pools, settings, metrics.
namespace overwatch {

caf::result<node_status> gateway_state::status() {
  auto status = options_.status;
  status.stopping = leaving_;
  status.disk = disk_.state;
  status.restarts = links_.restarts;
  if (!links_.replica) {
    status.problem = links_.waiting_for.empty() ? "the node is starting" : links_.waiting_for;
    return status;
  }
  auto promise = self_->make_response_promise<node_status>();
  auto with_journal = [this, promise, status](const scheduler_status& scheduler, const group_status& group) mutable {
    status.dispatching = scheduler.dispatching;
    auto follows = !group.leads && !group.leader.empty();
    status.ready = (scheduler.leads || follows) && !leaving_ && status.disk == disk_state::ok;
    if (leaving_)
      status.problem = "the node is stopping";
    else if (group.leader.empty())
      status.problem =
        "partition " + std::to_string(group.partition) + " has no leader: a majority of its nodes has to be up";
    else if (!scheduler.leads && !follows)
      status.problem = "the node recovers its tasks";
    else if (status.disk != disk_state::ok)
      status.problem = "the disk is nearly full; new tasks are refused";
    ask(links_.journal, journal_stats_request{},
        [promise, status](const journal_stats& journal) mutable {
          status.disk_free_bytes = journal.disk.free_bytes;
          promise.deliver(std::move(status));
        },
        promise);
  };
  ask(links_.scheduler, scheduler_status_request{},
      [this, promise, with_journal](const scheduler_status& scheduler) mutable {
        ask(links_.replica, group_request{},
            [scheduler, with_journal](const group_status& group) mutable { with_journal(scheduler, group); }, promise);
      },
      promise);
  return promise;
}

caf::result<pools_reply> gateway_state::pools() {
  auto promise = self_->make_response_promise<pools_reply>();
  ask(
    links_.scheduler, scheduler_status_request{},
    [this, promise](const scheduler_status& scheduler) mutable {
      learn_types(scheduler.settings);
      auto setting = scheduler.settings.find("max_concurrent_tasks");
      auto limit = setting == scheduler.settings.end() ? options_.max_concurrent_tasks
                                                       : static_cast<uint32_t>(std::stoul(setting->second));
      gather<pool_status, pools_request, pool_status>({},
                                                      [this, promise, limit](std::vector<pool_status>& pools) mutable {
                                                        pools_reply reply;
                                                        reply.max_concurrent_tasks = limit;
                                                        reply.pools = std::move(pools);
                                                        with_attached(std::move(reply), promise);
                                                      });
    },
    promise);
  return promise;
}

// The slots of attached workers, too.
void gateway_state::with_attached(pools_reply reply, caf::typed_response_promise<pools_reply> promise) {
  auto answer = [this, promise, reply](pools_reply&& attached) mutable {
    std::move(attached.pools.begin(), attached.pools.end(), std::back_inserter(reply.pools));
    auto without = types_;
    for (const auto& pool : reply.pools)
      without.erase(pool.task_type);
    reply.types_without_handler.assign(without.begin(), without.end());
    std::stable_sort(reply.pools.begin(), reply.pools.end(),
                     [](const auto& a, const auto& b) { return a.task_type < b.task_type; });
    promise.deliver(std::move(reply));
  };
  if (links_.sessions)
    ask(
      links_.sessions, pools_request{}, [answer](pools_reply& attached) mutable { answer(std::move(attached)); },
      promise);
  else
    answer({});
}

caf::result<workers_reply> gateway_state::workers() {
  auto promise = self_->make_response_promise<workers_reply>();
  gather<workers_reply, workers_request, workers_reply>({}, [this,
                                                             promise](std::vector<workers_reply>& replies) mutable {
    auto own = std::make_shared<std::vector<workers_reply>>(std::move(replies));
    ask(
      links_.sessions, workers_request{},
      [promise, own](workers_reply& all) mutable {
        constexpr size_t max_listed = 1'000;
        for (auto& reply : *own)
          std::move(reply.workers.begin(), reply.workers.end(), std::back_inserter(all.workers));
        auto busy_first = [](const auto& a, const auto& b) { return a.busy > b.busy; };
        std::stable_sort(all.workers.begin(), all.workers.end(), busy_first);
        all.workers.resize(std::min(all.workers.size(), max_listed));
        promise.deliver(std::move(all));
      },
      promise);
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
          when_mirrored([promise, changed]() mutable { promise.deliver(dispatch_reply{changed}); }, promise);
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
                                   {"slots.", 1, 1'000'000},
                                   {task_types_setting, 1, 1}};
  for (const auto& rule : rules) {
    auto is_prefix = rule.key.back() == '.';
    if (is_prefix ? key.compare(0, rule.key.size(), rule.key) != 0 : key != rule.key)
      continue;
    auto type = key.substr(std::min(key.size(), rule.key.size()));
    if (rule.key == "slots." && types_.count(type) == 0)
      return {ec::not_found, '/' + key, "there is no task type " + type};
    if (rule.key == task_types_setting && !is_task_type(type))
      return {ec::invalid, '/' + key,
              "\"" + type.substr(0, 64) +
                "\" is no task type: 1 to 64 characters of a-z, 0-9, '_', "
                "'.', '-' are allowed"};
    auto digits = !value.empty() && value.size() <= 10 && value.find_first_not_of("0123456789") == std::string::npos;
    auto number = digits ? std::stoull(value) : 0;
    if (value.empty() || (digits && number >= rule.low && number <= rule.high))
      return {}; // an empty one clears the setting
    return {ec::invalid, '/' + key, "\"" + value.substr(0, 64) + "\" is not a whole number from "
                                      + std::to_string(rule.low) + " to " + std::to_string(rule.high)};
  }
  return {ec::invalid, '/' + key,
          "is not a setting that can change while the node runs; those are: max_concurrent_tasks, "
          "generation_interval, retention, slots.<task type>, task_types.<task type>"};
}

// A task type that somebody declared, or that a worker served: `task_types.<type>` = 1.
void gateway_state::learn_types(const std::map<std::string, std::string>& settings) {
  types_ = options_.task_types;
  types_.merge(declared_types(settings));
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
    learn_types(now.settings);
    settings_reply reply{options_.settings};
    for (const auto& [key, value] : now.settings)
      if (key != "dispatch")
        reply.values[key] = value;
    promise.deliver(std::move(reply));
  };
  if (auto interval = x.set.find("generation_interval"); interval != x.set.end()) {
    auto configured = options_.settings.find(interval->first);
    auto cleared = interval->second.empty() && configured != options_.settings.end();
    const auto& text = cleared ? configured->second : interval->second;
    self_->send(links_.generator, caf::update_atom::value, static_cast<uint32_t>(text.empty() ? 0 : std::stoul(text)));
  }
  if (commands.empty())
    ask(links_.scheduler, scheduler_status_request{}, answer, promise);
  else
    propose(
      std::move(commands),
      [this, promise, answer](const propose_reply&) mutable {
        when_mirrored(
          [this, promise, answer]() mutable { ask(links_.scheduler, scheduler_status_request{}, answer, promise); },
          promise);
      },
      promise);
  return promise;
}

caf::result<metrics_reply> gateway_state::metrics() {
  auto promise = self_->make_response_promise<metrics_reply>();
  auto add = [](std::vector<metric_family>& to, std::vector<metric_family> from) {
    std::move(from.begin(), from.end(), std::back_inserter(to));
  };
  auto with_journal = [this, promise, add](metrics_reply& reply, const journal_stats& journal) mutable {
    add(reply.families, families_of(journal));
    gather<pool_status, pools_request, pool_status>({}, [=](std::vector<pool_status>& pools) mutable {
      add(reply.families, families_of(pools));
      add(reply.families, process_families());
      promise.deliver(std::move(reply));
    });
  };
  auto with_stats = [this, promise, add, with_journal](metrics_reply& reply, const stats_reply& stats) mutable {
    add(reply.families, families_of(stats));
    ask(
      links_.journal, journal_stats_request{},
      [with_journal, reply](const journal_stats& journal) mutable { with_journal(reply, journal); }, promise);
  };
  ask(
    links_.metrics, metrics_request{},
    [this, promise, with_stats](metrics_reply& reply) mutable {
      if (links_.replicas.empty()) {
        promise.deliver(make_error(node_not_ready()));
        return;
      }
      ask_all_stats(self_, links_.replicas, options_.request_timeout,
                    [promise, reply, with_stats](const std::optional<stats_reply>& stats) mutable {
                      if (stats)
                        with_stats(reply, *stats);
                      else
                        promise.deliver(
                          make_error(ec::timed_out, "a partition of this node did not say its counters in time"));
                    });
    },
    promise);
  return promise;
}

} // namespace overwatch
