#include "actors/generator.hpp"

#include "tests/support/deterministic_node.hpp"

using namespace std::chrono_literals;

namespace overwatch::test {

class GeneratorTest : public deterministic_node {
protected:
  void start_generator(std::chrono::seconds interval) {
    gateway_settings.task_types = {"system_health", "performance_check", "maintenance"};
    start();
    generator_options options;
    options.interval = interval;
    options.clock = [this] { return time(); };
    links.generator = system_.spawn(generator, options, caf::actor_cast<gateway_actor>(gateway_handle));
    spawned_.push_back(caf::actor_cast<caf::actor>(links.generator));
    caf::anon_send(gateway_handle, links);
    settle();
  }

  uint64_t submitted() { return ask<stats_reply>(gateway_handle, stats_request{}).submitted; }

  std::vector<submit_receipt> generate() {
    return ask<submit_reply>(gateway_handle, generate_request{}).receipts;
  }
};

TEST_F(GeneratorTest, CreatesThePeriodicTasksOnRequest) {
  start_generator(0s);
  auto receipts = generate();
  ASSERT_EQ(receipts.size(), 2u);
  auto health = get(receipts[0].id);
  EXPECT_EQ(health.spec.task_type, "system_health");
  EXPECT_EQ(health.spec.origin.kind, origin_kind::rule);
  EXPECT_EQ(health.state.status, task_status::pending);
  EXPECT_EQ(*health.spec.scheduled_at, time() + 5min);
  EXPECT_EQ(get(receipts[1].id).spec.task_type, "performance_check");
}

TEST_F(GeneratorTest, TaskThatIsStillUnfinishedIsNotMadeAgain) {
  start_generator(0s);
  auto first = generate();
  auto second = generate();
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(second.at(i).existing);
    EXPECT_EQ(second[i].id, first.at(i).id);
  }
  EXPECT_EQ(submitted(), 2u);
}

TEST_F(GeneratorTest, IntervalMakesThemByItself) {
  start_generator(60s);
  advance(59s);
  EXPECT_EQ(submitted(), 0u);
  advance(1s);
  EXPECT_EQ(submitted(), 2u);
}

TEST_F(GeneratorTest, NoIntervalMakesNone) {
  start_generator(0s);
  advance(1h);
  EXPECT_EQ(submitted(), 0u);
}

TEST_F(GeneratorTest, NewIntervalCountsAtOnce) {
  start_generator(0s);
  ask<settings_reply>(gateway_handle, settings_request{{{"generation_interval", "10"}}});
  advance(10s);
  EXPECT_EQ(submitted(), 2u);
}

TEST_F(GeneratorTest, IntervalOfZeroStopsIt) {
  start_generator(60s);
  ask<settings_reply>(gateway_handle, settings_request{{{"generation_interval", "0"}}});
  for (int i = 0; i < 10; ++i)
    advance(60s);
  EXPECT_EQ(submitted(), 0u);
}

TEST_F(GeneratorTest, RefusedTasksAreTriedAgainLater) {
  start_generator(60s);
  db->fill_disk(true);
  advance(60s);
  EXPECT_EQ(submitted(), 0u);
  db->fill_disk(false);
  advance(60s);
  EXPECT_EQ(submitted(), 2u);
}

TEST_F(GeneratorTest, MaintenanceComesAfterADay) {
  EXPECT_EQ(periodic_tasks(time(), 24h).size(), 2u);
  auto tasks = periodic_tasks(time(), 24h + 1s);
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_EQ(tasks[2].spec->task_type, "maintenance");
  EXPECT_EQ(tasks[2].spec->importance, priority::high);
}

} // namespace overwatch::test
