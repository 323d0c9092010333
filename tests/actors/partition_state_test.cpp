#include "actors/partition_state.hpp"

#include "tests/support/memory_store.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

const timestamp beginning{1'700'000'000s};

struct machine {
  explicit machine(memory_store& db) : db{db}, state{db, 0} {}

  applied_entry apply(std::vector<command> commands, std::chrono::microseconds later = 0us) {
    time += later;
    return state.apply({time, std::move(commands)}, state.applied() + 1);
  }

  void flush() {
    write_batch batch;
    auto number = state.flush(batch);
    db.write(batch, false);
    state.flushed(number);
  }

  memory_store& db;
  partition_state state;
  timestamp time = beginning;
};

task_id id_of(uint64_t n) { return {n << 16 | 0x7000, 0x8000000000000000ULL}; }

submit_command submit(uint64_t n, std::optional<timestamp> at = {}, std::string unique_key = {}) {
  auto spec = std::make_shared<task_spec>();
  spec->id = id_of(n);
  spec->name = "task " + std::to_string(n);
  spec->task_type = n % 2 ? "odd" : "even";
  spec->scheduled_at = at;
  spec->unique_key = std::move(unique_key);
  if (n % 3 == 0)
    spec->deadline = beginning + 1h;
  return {{std::move(spec), std::make_shared<const std::string>("{\"n\":" + std::to_string(n) + "}")}, true};
}

uint64_t stored_keys(const memory_store& db) {
  uint64_t count = 0;
  for (auto i = db.scan(key_space::state, "", "\xff"); i->valid(); i->next())
    ++count;
  return count;
}

} // namespace

TEST(PartitionStateTest, TaskThatIsFlushedOnceAtItsEndIsStoredWhole) {
  memory_store db;
  machine m{db};
  m.apply({submit(1)});
  auto started = m.apply({start_command{id_of(1), "node", "pool"}});
  auto fence = started.changes.at(0).state.fence;
  finish_command done;
  done.id = id_of(1);
  done.fence = fence;
  done.result = std::make_shared<const std::string>("{\"x\":1}");
  m.apply({done});
  m.flush();
  machine again{db};
  auto record = again.state.find(id_of(1));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->state.status, task_status::completed);
  EXPECT_EQ(record->payload, "{\"n\":1}");
  EXPECT_EQ(record->result, "{\"x\":1}");
  EXPECT_EQ(again.state.stats().completed, 1u);
}

TEST(PartitionStateTest, RemovedTasksLeaveNothingBehind) {
  memory_store db;
  machine m{db};
  m.apply({submit(2)});
  m.flush();
  auto one = stored_keys(db);
  for (uint64_t n = 3; n < 9; ++n)
    m.apply({submit(n, n % 2 ? std::optional{beginning + 5min} : std::nullopt, "key" + std::to_string(n))});
  m.flush();
  for (uint64_t n = 3; n < 9; ++n)
    m.apply({cancel_command{id_of(n), "no"}});
  m.flush();
  for (uint64_t n = 3; n < 9; ++n)
    EXPECT_FALSE(m.apply({remove_command{id_of(n)}}).results.at(0).error);
  m.flush();
  EXPECT_EQ(stored_keys(db), one);
  EXPECT_FALSE(m.state.find(id_of(3)));
}

TEST(PartitionStateTest, IllegalTransitionsChangeNothing) {
  memory_store db;
  machine m{db};
  m.apply({submit(1), submit(3, beginning + 1min)});
  auto expect_refused = [&](command x, ec code) {
    auto entry = m.apply({std::move(x)});
    EXPECT_EQ(entry.results.at(0).error.code, code);
    EXPECT_TRUE(entry.changes.empty());
  };
  expect_refused(remove_command{id_of(1)}, ec::conflict);
  expect_refused(start_command{id_of(3), "n", "p"}, ec::conflict);
  expect_refused(start_command{id_of(99), "n", "p"}, ec::not_found);
  expect_refused(promote_command{id_of(1)}, ec::conflict);
  finish_command stale;
  stale.id = id_of(1);
  stale.fence = {1, 1};
  expect_refused(stale, ec::conflict);
  m.apply({cancel_command{id_of(1), "no"}});
  expect_refused(start_command{id_of(1), "n", "p"}, ec::conflict);
  expect_refused(violate_command{id_of(1), violation::timeout, "late"}, ec::conflict);
  EXPECT_EQ(m.state.find(id_of(1))->state.status, task_status::cancelled);
}

TEST(PartitionStateTest, TimeNeverGoesBack) {
  memory_store db;
  machine m{db};
  auto first = m.apply({submit(1)});
  m.time -= 1h;
  auto second = m.apply({submit(3)});
  EXPECT_EQ(second.time, first.time);
  EXPECT_LT(first.changes[0].state.order, second.changes[0].state.order);
}

TEST(PartitionStateTest, EpochsOnlyGrow) {
  memory_store db;
  machine m{db};
  m.apply({lead_command{5, "a"}});
  m.apply({lead_command{3, "b"}});
  EXPECT_EQ(m.state.epoch(), 5u);
}

} // namespace overwatch::test
