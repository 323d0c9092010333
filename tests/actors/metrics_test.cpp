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

  metrics_actor handle;
};

TEST_F(MetricsTest, LatenciesAreCountedByType) {
  add({ended("noop"), ended("noop"), ended("other")});
  auto latency = histogram("overwatch_task_start_latency_seconds", "noop");
  EXPECT_EQ(latency.total(), 2u);
  EXPECT_NEAR(latency.sum, 0.006, 1e-9);
  auto execution = histogram("overwatch_task_execution_seconds", "noop");
  EXPECT_EQ(execution.total(), 2u);
  EXPECT_NEAR(execution.sum, 4, 1e-9);
  EXPECT_EQ(histogram("overwatch_task_execution_seconds", "other").total(), 1u);
}

TEST_F(MetricsTest, JitterIsOfTheFirstAttemptOfScheduledTasks) {
  auto scheduled = ended("noop");
  auto spec = std::make_shared<task_spec>(*scheduled.spec);
  spec->scheduled_at = timestamp{99s};
  scheduled.spec = spec;
  auto again = scheduled;
  again.state.fence.attempt = 2;
  add({scheduled, again, ended("noop")});
  auto jitter = histogram("overwatch_task_start_jitter_seconds", "noop");
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
  EXPECT_EQ(histogram("overwatch_task_execution_seconds", "noop").total(), 0u);
}

TEST_F(MetricsTest, RetriedAttemptsAreCounted) {
  auto retried = ended("noop");
  retried.kind = change_kind::retrying;
  add({retried});
  EXPECT_EQ(histogram("overwatch_task_execution_seconds", "noop").total(), 1u);
}

TEST_F(MetricsTest, ClockThatWentBackGivesNoNegativeLatency) {
  auto x = ended("noop");
  x.state.started_at = timestamp{90s};
  add({x});
  auto latency = histogram("overwatch_task_start_latency_seconds", "noop");
  EXPECT_EQ(latency.total(), 1u);
  EXPECT_EQ(latency.sum, 0);
}

TEST_F(MetricsTest, CountersOfTheStateMachineBecomeFamilies) {
  stats_reply stats;
  stats.counts = {{"noop", task_status::queued, priority::high, 7}};
  stats.submitted = 9;
  stats.violations = {{"timeout", 2}};
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
  EXPECT_EQ(find(families, "overwatch_violations_total")->samples.at(0).labels.at("kind"), "timeout");
  EXPECT_EQ(find(families, "overwatch_log_applied_index")->samples.at(0).value, 33);
}

TEST_F(MetricsTest, CountersEndInTotalAndNothingElseDoes) {
  auto families = families_of(stats_reply{});
  for (auto more : {families_of(journal_stats{}), families_of(std::vector<pool_status>{}), process_families()})
    families.insert(families.end(), more.begin(), more.end());
  for (const auto& x : families) {
    auto total = x.name.size() > 6 && x.name.compare(x.name.size() - 6, 6, "_total") == 0;
    EXPECT_EQ(total, x.type == metric_type::counter) << x.name;
    EXPECT_FALSE(x.help.empty()) << x.name;
  }
}

TEST_F(MetricsTest, ProcessIsMeasured) {
  auto families = process_families();
  EXPECT_GT(find(families, "process_resident_memory_bytes")->samples.at(0).value, 1'000'000);
  EXPECT_GE(find(families, "process_open_fds")->samples.at(0).value, 3);
}

} // namespace overwatch::test
