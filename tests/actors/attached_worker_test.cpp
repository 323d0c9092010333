#include "actors/attached_worker.hpp"

#include "tests/support/deterministic_node.hpp"

#include <caf/event_based_actor.hpp>

namespace overwatch::test {

namespace {

struct told {
  std::vector<parked_attempt> parked;
  std::vector<settled_batch> settled;
};

/// Only what a slot says to the sessions.
caf::behavior play_sessions(caf::event_based_actor*, std::shared_ptr<told> heard) {
  return {
    [heard](parked_attempt& x) { heard->parked.push_back(std::move(x)); },
    [heard](settled_batch& x) { heard->settled.push_back(std::move(x)); },
  };
}

} // namespace

class AttachedWorkerTest : public deterministic_node {};

TEST_F(AttachedWorkerTest, ParksWhatItIsGivenAndPassesOnWhatIsSettled) {
  start();
  auto heard = std::make_shared<told>();
  auto sessions = system_.spawn(play_sessions, heard);
  parked_attempt place;
  place.session = "here:1";
  place.task_type = "resize";
  place.slot = 7;
  auto slot = system_.spawn(attached_worker, place, caf::actor_cast<worker_sessions_actor>(sessions));
  caf::anon_send(slot, work{{nullptr, nullptr}});
  caf::anon_send(slot, stop_attempt{});
  settled_batch batch;
  batch.outcomes.push_back({task_id{1, 2}, {3, 4}, true});
  caf::anon_send(slot, batch);
  settle();
  ASSERT_EQ(heard->parked.size(), 2u);
  EXPECT_EQ(heard->parked[1].session, "here:1");
  EXPECT_EQ(heard->parked[1].slot, 7u);
  ASSERT_EQ(heard->settled.size(), 1u);
  EXPECT_EQ(heard->settled[0].outcomes[0].fence.attempt, 4u);
  caf::anon_send_exit(slot, caf::exit_reason::kill);
  caf::anon_send_exit(sessions, caf::exit_reason::kill);
  slot = nullptr;
  sessions = nullptr;
  settle();
}

} // namespace overwatch::test
