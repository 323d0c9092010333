#include "actors/partition_state.hpp"

#include "tests/support/memory_store.hpp"

#include <gtest/gtest.h>

#include <random>

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
  auto second = m.apply({submit(2)});
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

// -- random commands against a model of a few lines ---------------------------------------------------------

namespace {

struct model_task {
  task_status status = task_status::pending;
  uint32_t attempt = 0;
};

// What the state machine must do, told again in the simplest way.
struct model {
  std::map<uint64_t, model_task> tasks;

  bool submit(uint64_t n, bool later) {
    auto fresh = tasks.count(n) == 0;
    if (fresh)
      tasks[n].status = later ? task_status::pending : task_status::queued;
    return true;
  }
  bool start(uint64_t n) {
    if (!tasks.count(n) || tasks[n].status != task_status::queued)
      return false;
    tasks[n].status = task_status::running;
    ++tasks[n].attempt;
    return true;
  }
  bool finish(uint64_t n, uint32_t attempt, bool good, bool retry) {
    if (!tasks.count(n) || tasks[n].status != task_status::running || tasks[n].attempt != attempt)
      return false;
    tasks[n].status = good ? task_status::completed : retry ? task_status::retrying : task_status::failed;
    return true;
  }
  bool promote(uint64_t n) {
    if (!tasks.count(n) || (tasks[n].status != task_status::pending && tasks[n].status != task_status::retrying))
      return false;
    tasks[n].status = task_status::queued;
    return true;
  }
  bool remove(uint64_t n) {
    if (!tasks.count(n) || !is_terminal(tasks[n].status))
      return false;
    tasks.erase(n);
    return true;
  }
};

} // namespace

TEST(PartitionStateTest, RandomCommandsAgreeWithTheModelAcrossFlushesAndCrashes) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937 random{seed};
    auto below = [&](unsigned n) { return random() % n; };
    memory_store db;
    memory_store undisturbed;
    auto m = std::make_unique<machine>(db);
    machine reference{undisturbed}; // the same commands, flushed once at the end
    model expected;
    std::vector<std::vector<command>> since_flush;
    for (int step = 0; step < 400; ++step) {
      uint64_t n = below(12);
      command x;
      auto good = true;
      switch (below(6)) {
        case 0: {
          auto later = below(3) == 0;
          x = submit(n, later ? std::optional{beginning + 1000h} : std::nullopt);
          good = expected.submit(n, later);
          break;
        }
        case 1:
          x = start_command{id_of(n), "node", "pool"};
          good = expected.start(n);
          break;
        case 2: {
          finish_command done;
          done.id = id_of(n);
          auto attempt = below(3) == 0 ? 1 : expected.tasks.count(n) ? expected.tasks[n].attempt : 1;
          done.fence = {0, static_cast<uint32_t>(attempt)};
          auto success = below(2) == 0;
          auto retry = below(2) == 0;
          done.kind = success ? violation::none : violation::exception;
          if (!success && retry)
            done.retry_at = beginning + 2000h;
          good = expected.finish(n, done.fence.attempt, success, retry);
          x = done;
          break;
        }
        case 3:
          x = promote_command{id_of(n)};
          good = expected.promote(n);
          break;
        case 4:
          x = remove_command{id_of(n)};
          good = expected.remove(n);
          break;
        default:
          x = setting_command{"key" + std::to_string(n), below(2) ? "on" : ""};
      }
      auto entry = m->apply({x}, 10us);
      reference.apply({x}, 10us);
      since_flush.push_back({x});
      ASSERT_EQ(!entry.results.at(0).error, good) << "seed " << seed << " step " << step;
      if (below(10) == 0) {
        m->flush();
        since_flush.clear();
      }
      if (below(40) == 0) { // a crash: what was not flushed is applied again
        auto time = m->time;
        auto lost = std::exchange(since_flush, {});
        m = std::make_unique<machine>(db);
        m->time = time - 10us * lost.size();
        for (const auto& commands : lost)
          m->apply(commands, 10us);
        since_flush = std::move(lost);
      }
      for (const auto& [number, task] : expected.tasks) {
        auto record = m->state.find(id_of(number));
        ASSERT_TRUE(record) << "seed " << seed << " step " << step;
        ASSERT_EQ(record->state.status, task.status) << "seed " << seed << " step " << step;
      }
    }
    m->flush();
    reference.flush();
    EXPECT_EQ(m->state.digest(), reference.state.digest()) << "seed " << seed;
    uint64_t counted = 0;
    for (const auto& x : m->state.stats().counts)
      counted += x.count;
    EXPECT_EQ(counted, expected.tasks.size()) << "seed " << seed;
  }
}

} // namespace overwatch::test
