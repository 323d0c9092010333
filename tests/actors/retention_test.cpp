#include "tests/actors/control_node.hpp"

#include "actors/keys.hpp"

using namespace std::chrono_literals;

namespace overwatch::test {

class RetentionTest : public control_node {
public:
  // Rows in the store of what is kept until a time.
  size_t rows(keys::expiring_kind kind) {
    ask<uint64_t>(links.replica, flush_request{});
    size_t count = 0;
    auto prefix = keys::expiring(0, kind);
    for (auto i = db->scan(key_space::state, prefix, keys::after_prefix(prefix)); i->valid(); i->next())
      ++count;
    return count;
  }

  void run_to_the_end(const pool_actor& pool) {
    for (auto running = take_assigned(pool); !running.empty(); running = take_assigned(pool))
      for (const auto& x : running) {
        attempt_outcome outcome;
        outcome.id = x.task.spec->id;
        outcome.fence = x.fence;
        outcome.result = std::make_shared<const std::string>("1");
        finish(outcome);
      }
  }
};

TEST_F(RetentionTest, FinishedTasksGoWhenTheirTimeIsOver) {
  scheduling.retention = 1h;
  start();
  auto pool = offer("noop", 10);
  auto id = submit("short").id;
  run_to_the_end(pool);
  advance(59min);
  EXPECT_EQ(status_of(id), task_status::completed);
  advance(2min);
  failure fault;
  ask<task_record>(gateway_handle, get_request{id}, &fault);
  EXPECT_EQ(fault.code, ec::not_found);
}

TEST_F(RetentionTest, WhatIsKeptUntilATimeIsErasedAfterIt) {
  using keys::expiring_kind;
  start();
  auto pool = offer("noop", 100);
  constexpr size_t count = 5'000; // more than one look takes in
  submit_many(count, [](task_spec& x, size_t n) {
    auto name = std::to_string(n);
    milliseconds kept = n % 10 == 0 ? 1h : 1min;
    x.unique_key = "u" + name;
    x.unique_for = kept;
    x.cache = {"c" + name, kept};
    x.rate = {"r" + name, 1, kept};
  });
  run_to_the_end(pool);
  for (auto kind : {expiring_kind::unique_key, expiring_kind::cached_result, expiring_kind::rate})
    ASSERT_EQ(rows(kind), count);
  advance(50s);
  for (auto kind : {expiring_kind::unique_key, expiring_kind::cached_result, expiring_kind::rate})
    EXPECT_EQ(rows(kind), count) << "not yet";
  for (int i = 0; i < 20; ++i)
    advance(10s);
  for (auto kind : {expiring_kind::unique_key, expiring_kind::cached_result, expiring_kind::rate})
    EXPECT_EQ(rows(kind), count / 10) << "those that are kept for an hour";
  EXPECT_TRUE(submit("the same", [](task_spec& x) { x.unique_key = "u10"; }).existing);
  EXPECT_FALSE(submit("free again", [](task_spec& x) { x.unique_key = "u8"; }).existing);
}

} // namespace overwatch::test
