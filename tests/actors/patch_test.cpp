#include "tests/actors/played_partition.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch::test {

class PatchTest : public ::testing::Test, public played_partition {
public:
  command_result patch(uint64_t n, const std::function<void(patch_command&)>& change) {
    patch_command x;
    x.id = id_of(n);
    change(x);
    return result(x);
  }
  ec move(uint64_t n, std::optional<timestamp> at) {
    return patch(n, [&](auto& x) { x.scheduled_at = at; }).error.code;
  }
};

TEST_F(PatchTest, FieldsThatAreNotNamedStay) {
  apply({submit(1, [](task_spec& x) {
    x.tags = {"a"};
    x.deadline = beginning + 1h;
  })});
  patch(1, [](auto& x) { x.tags = std::vector<std::string>{"b"}; });
  auto spec = state->find(id_of(1))->spec;
  EXPECT_EQ(spec.tags, std::vector<std::string>{"b"});
  EXPECT_EQ(spec.deadline, beginning + 1h);
  patch(1, [](auto& x) { x.deadline = std::optional<timestamp>{}; });
  EXPECT_FALSE(state->find(id_of(1))->spec.deadline);
}

TEST_F(PatchTest, OtherPriorityIsAPlaceAtTheEndOfItsQueue) {
  apply({submit(1), submit(2, [](task_spec& x) { x.importance = priority::high; }), submit(3)});
  auto entry = apply({patch_command{id_of(1), priority::high, {}, {}, {}}});
  EXPECT_EQ(task(1).order, task(2).order + 1);
  EXPECT_EQ(entry.changes.at(0).old->importance, priority::normal);
  EXPECT_EQ(entry.changes.at(0).old_order, 1u);
  uint64_t high = 0;
  for (const auto& x : state->stats().counts)
    high += x.importance == priority::high ? x.count : 0;
  EXPECT_EQ(high, 2u);
}

TEST_F(PatchTest, QueuedTaskCanBePutOffAndBroughtBack) {
  apply({submit(1)});
  EXPECT_EQ(move(1, beginning + 1h), ec::none);
  EXPECT_EQ(status(1), task_status::pending);
  EXPECT_FALSE(starts(1));
  EXPECT_EQ(code(promote_command{id_of(1)}), ec::conflict);
  EXPECT_EQ(move(1, std::nullopt), ec::none);
  EXPECT_EQ(status(1), task_status::queued);
  EXPECT_TRUE(starts(1));
}

TEST_F(PatchTest, ParkedTaskCanBePutOff) {
  apply({gate("g", false)});
  apply({submit(1, [](task_spec& x) {
    x.required_gates = {"g"};
    x.on_closed_gate = gate_policy::wait;
  })});
  move(1, beginning + 1h);
  EXPECT_EQ(waits_for(1), "");
  EXPECT_TRUE(state->parked_reasons().empty());
  time += 1h;
  apply({promote_command{id_of(1)}});
  EXPECT_EQ(waits_for(1), "gate:g") << "the gate counts again at its time";
}

TEST_F(PatchTest, TaskThatHasStartedKeepsItsTime) {
  apply({submit(1)});
  starts(1);
  EXPECT_EQ(move(1, beginning + 1h), ec::conflict);
  EXPECT_EQ(patch(1, [](auto& x) { x.deadline = beginning + 1h; }).error.code, ec::none);
  finish(1, violation::exception, beginning + 1min);
  EXPECT_EQ(move(1, beginning + 1h), ec::conflict);
  EXPECT_EQ(task(1).due, beginning + 1min);
}

TEST_F(PatchTest, EndedTaskIsLeftAlone) {
  apply({submit(1)});
  apply({cancel_command{id_of(1), "no"}});
  EXPECT_EQ(patch(1, [](auto& x) { x.importance = priority::high; }).error.code, ec::conflict);
  EXPECT_EQ(patch(2, [](auto&) {}).error.code, ec::not_found);
}

TEST_F(PatchTest, ChildKeepsWaitingForItsParents) {
  apply({submit(1)});
  apply({submit(2, [](task_spec& x) { x.depends_on = {id_of(1)}; })});
  move(2, beginning + 1h);
  EXPECT_EQ(waits_for(2), "parents");
  starts(1);
  finish(1);
  EXPECT_EQ(status(2), task_status::pending);
  EXPECT_EQ(task(2).due, beginning + 1h);
}

// The store must hold the task under its new keys only.
TEST_F(PatchTest, NothingOfTheOldFieldsStaysInTheStore) {
  auto spec = [](task_spec& x) {
    x.deadline = beginning + 1h;
    x.scheduled_at = beginning + 1min;
  };
  apply({submit(1, spec)});
  flush();
  auto keys = stored_keys();
  patch(1, [](auto& x) {
    x.importance = priority::critical;
    x.deadline = beginning + 2h;
    x.scheduled_at = beginning + 2min;
  });
  flush();
  EXPECT_EQ(stored_keys(), keys);
  crash();
  EXPECT_EQ(state->find(id_of(1))->spec.importance, priority::critical);
  time += 2min;
  EXPECT_EQ(code(promote_command{id_of(1)}), ec::none);
  EXPECT_EQ(task(1).order, 1u);
}

} // namespace overwatch::test
