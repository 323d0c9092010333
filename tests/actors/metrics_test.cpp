#include "actors/metrics.hpp"

#include "tests/support/deterministic_node.hpp"

using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

const metric_family* find(const std::vector<metric_family>& families, const std::string& name) {
  for (const auto& x : families)
    if (x.name == name)
      return &x;
  return nullptr;
}

} // namespace

class MetricsTest : public deterministic_node {
protected:
  void SetUp() override {
    handle = system_.spawn(metrics);
    spawned_.push_back(caf::actor_cast<caf::actor>(handle));
    settle();
  }

  task_change ended(const std::string& task_type) {
    auto spec = std::make_shared<task_spec>();
    spec->task_type = task_type;
    task_change x;
    x.kind = change_kind::ended;
    x.spec = spec;
    x.before = task_status::running;
    x.state.status = task_status::completed;
    x.state.fence.attempt = 1;
    x.state.queued_at = timestamp{100s};
    x.state.started_at = timestamp{100s + 3ms};
    x.state.execution = 2s;
    return x;
  }

  void add(std::vector<task_change> changes) {
    auto entry = std::make_shared<applied_entry>();
    entry->changes = std::move(changes);
    caf::anon_send(handle, applied_ptr{std::move(entry)});
    settle();
  }

  histogram_value histogram(const std::string& family, const std::string& task_type) {
    auto families = ask<metrics_reply>(handle, metrics_request{}).families;
    if (const auto* found = find(families, family))
      for (const auto& x : found->samples)
        if (x.labels.at("task_type") == task_type)
          return x.histogram;
    return {};
  }

  /// The samples of a counter by the values of their labels, in the order of the labels' names.
  std::map<std::vector<std::string>, double> counter(const std::string& family) {
    auto families = ask<metrics_reply>(handle, metrics_request{}).families;
    const auto* found = find(families, family);
    if (!found)
      return {};
    std::map<std::vector<std::string>, double> result;
    for (const auto& x : found->samples) {
      std::vector<std::string> values;
      for (const auto& label : x.labels)
        values.push_back(label.second);
      result[values] = x.value;
    }
    return result;
  }

  task_change violated(violation kind, change_kind how) {
    auto x = ended("noop");
    x.kind = how;
    x.state.status = how == change_kind::retrying ? task_status::retrying : task_status::failed;
    x.state.error = {kind, "because"};
    return x;
  }

  metrics_actor handle;
};

TEST_F(MetricsTest, LatenciesAreCountedByType) {
  add({ended("noop"), ended("noop"), ended("other")});
  auto latency = histogram("overwatch_task_start_latency_seconds", "noop");
  EXPECT_EQ(latency.total(), 2u);
  EXPECT_NEAR(latency.sum, 0.006, 1e-9);
  auto execution = histogram("task_execution_latency_seconds", "noop");
  EXPECT_EQ(execution.total(), 2u);
  EXPECT_NEAR(execution.sum, 4, 1e-9);
  EXPECT_EQ(histogram("task_execution_latency_seconds", "other").total(), 1u);
}

TEST_F(MetricsTest, JitterIsOfTheFirstAttemptOfScheduledTasks) {
  auto scheduled = ended("noop");
  auto spec = std::make_shared<task_spec>(*scheduled.spec);
  spec->scheduled_at = timestamp{99s};
  scheduled.spec = spec;
  auto again = scheduled;
  again.state.fence.attempt = 2;
  add({scheduled, again, ended("noop")});
  auto jitter = histogram("execution_jitter_seconds", "noop");
  EXPECT_EQ(jitter.total(), 1u);
  EXPECT_NEAR(jitter.sum, 1.003, 1e-9);
}

TEST_F(MetricsTest, WhatDidNotRunIsNotCounted) {
  auto cancelled = ended("noop");
  cancelled.before = task_status::queued;
  auto lost = ended("noop");
  lost.state.execution.reset();
  auto started = ended("noop");
  started.kind = change_kind::started;
  add({cancelled, lost, started});
  EXPECT_EQ(histogram("task_execution_latency_seconds", "noop").total(), 0u);
}

TEST_F(MetricsTest, RetriedAttemptsAreCounted) {
  auto retried = ended("noop");
  retried.kind = change_kind::retrying;
  retried.state.status = task_status::retrying;
  retried.state.queued_at.reset();
  add({retried});
  EXPECT_EQ(histogram("task_execution_latency_seconds", "noop").total(), 1u);
  EXPECT_EQ(histogram("overwatch_task_start_latency_seconds", "noop").total(), 0u) << "it is not queued any more";
}

TEST_F(MetricsTest, ClockThatWentBackGivesNoNegativeLatency) {
  auto x = ended("noop");
  x.state.started_at = timestamp{90s};
  add({x});
  auto latency = histogram("overwatch_task_start_latency_seconds", "noop");
  EXPECT_EQ(latency.total(), 1u);
  EXPECT_EQ(latency.sum, 0);
}

TEST_F(MetricsTest, FailuresAreFinalAndViolationsAreAll) {
  auto waited = violated(violation::gate, change_kind::ended);
  waited.before = task_status::queued;
  waited.state.execution.reset();
  auto cancelled = violated(violation::exception, change_kind::ended);
  cancelled.state.status = task_status::cancelled;
  add({violated(violation::exception, change_kind::retrying), violated(violation::exception, change_kind::retrying),
       violated(violation::exception, change_kind::ended), waited, cancelled, ended("noop")});
  using counts = std::map<std::vector<std::string>, double>;
  EXPECT_EQ(counter("task_failures_total"), (counts{{{"exception", "noop"}, 1}, {{"gate", "noop"}, 1}}));
  EXPECT_EQ(counter("overwatch_violations_total"), (counts{{{"exception", "noop"}, 3}, {{"gate", "noop"}, 1}}));
}

TEST_F(MetricsTest, RollbacksAreCountedOnce) {
  auto retried = violated(violation::exception, change_kind::retrying);
  retried.state.rollback = rollback_status::done;
  auto cancelled = retried; // while it waits for the next attempt: the rollback was told of before
  cancelled.kind = change_kind::ended;
  cancelled.before = task_status::retrying;
  cancelled.state.status = task_status::cancelled;
  auto requeued = retried; // the node stops
  requeued.kind = change_kind::queued;
  requeued.state.status = task_status::queued;
  auto started = requeued;
  started.kind = change_kind::started;
  started.before = task_status::queued;
  started.state.status = task_status::running;
  started.state.rollback = rollback_status::none;
  auto failed = violated(violation::timeout, change_kind::ended);
  failed.state.rollback = rollback_status::failed;
  auto asked = ended("noop");
  asked.kind = change_kind::rollback;
  asked.before = task_status::completed;
  asked.state.rollback = rollback_status::running;
  auto undone = asked;
  undone.state.rollback = rollback_status::done;
  add({retried, cancelled, requeued, started, failed, asked, undone, ended("noop")});
  using counts = std::map<std::vector<std::string>, double>;
  EXPECT_EQ(counter("rollback_operations_total"), (counts{{{"done"}, 3}, {{"failed"}, 1}}));
}

TEST_F(MetricsTest, QueueDepthIsWhatWaitsByPriority) {
  stats_reply stats;
  stats.counts = {{"a", task_status::pending, priority::high, 1},   {"a", task_status::queued, priority::high, 2},
                  {"b", task_status::retrying, priority::high, 4},  {"a", task_status::running, priority::high, 8},
                  {"a", task_status::completed, priority::low, 16}, {"a", task_status::queued, priority::low, 32}};
  auto families = families_of(stats);
  const auto* depth = find(families, "task_queue_depth");
  ASSERT_TRUE(depth);
  EXPECT_EQ(depth->type, metric_type::gauge);
  std::map<std::string, double> by_priority;
  for (const auto& x : depth->samples)
    by_priority[x.labels.at("priority")] = x.value;
  EXPECT_EQ(by_priority, (std::map<std::string, double>{
                           {"critical", 0}, {"high", 7}, {"normal", 0}, {"low", 32}, {"background", 0}}));
}

TEST_F(MetricsTest, CountersOfTheStateMachineBecomeFamilies) {
  stats_reply stats;
  stats.counts = {{"noop", task_status::queued, priority::high, 7}};
  stats.submitted = 9;
  stats.applied = 33;
  auto families = families_of(stats);
  const auto* tasks = find(families, "overwatch_tasks");
  ASSERT_TRUE(tasks);
  EXPECT_EQ(tasks->type, metric_type::gauge);
  ASSERT_EQ(tasks->samples.size(), 1u);
  EXPECT_EQ(tasks->samples[0].value, 7);
  EXPECT_EQ(tasks->samples[0].labels, (std::map<std::string, std::string>{{"task_type", "noop"},
                                                                          {"status", "queued"},
                                                                          {"priority", "high"}}));
  EXPECT_EQ(find(families, "overwatch_tasks_submitted_total")->samples.at(0).value, 9);
  EXPECT_EQ(find(families, "overwatch_log_applied_index")->samples.at(0).value, 33);
}

TEST_F(MetricsTest, CountersEndInTotalAndNothingElseDoes) {
  add({ended("noop")});
  auto families = ask<metrics_reply>(handle, metrics_request{}).families;
  for (auto more : {families_of(stats_reply{}), families_of(journal_stats{}), families_of(std::vector<pool_status>{}),
                    process_families()})
    families.insert(families.end(), more.begin(), more.end());
  for (const auto& x : families) {
    auto total = x.name.size() > 6 && x.name.compare(x.name.size() - 6, 6, "_total") == 0;
    EXPECT_EQ(total, x.type == metric_type::counter) << x.name;
    EXPECT_FALSE(x.help.empty()) << x.name;
  }
}

TEST_F(MetricsTest, PoolsSayWhatRunsAndWhatWaits) {
  pool_status x;
  x.task_type = "noop";
  x.slots = 4;
  x.busy = 3;
  x.waiting = 2;
  auto families = families_of(std::vector{x});
  EXPECT_EQ(find(families, "overwatch_pool_slots")->samples.at(0).value, 4);
  EXPECT_EQ(find(families, "overwatch_pool_busy")->samples.at(0).value, 3);
  EXPECT_EQ(find(families, "overwatch_pool_waiting")->samples.at(0).value, 2);
}

TEST_F(MetricsTest, ProcessIsMeasured) {
  auto families = process_families();
  EXPECT_GT(find(families, "process_resident_memory_bytes")->samples.at(0).value, 1'000'000);
  EXPECT_GE(find(families, "process_open_fds")->samples.at(0).value, 3);
}

} // namespace overwatch::test
