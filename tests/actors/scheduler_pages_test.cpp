#include "tests/support/deterministic_node.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

/// The scheduler, and pages of the store that come late. The test plays the replica.
namespace overwatch::test {

namespace {

/// Answers what a new leader asks, but for timers: that the test does.
struct played_replica_state {
  std::vector<caf::typed_response_promise<timer_page>> timers;
  std::vector<proposal> proposals;
};

caf::behavior played_replica(caf::event_based_actor* self, std::shared_ptr<played_replica_state> state) {
  return {
    [](const running_request&) { return running_page{}; },
    [=](const timer_request&) {
      state->timers.push_back(self->make_response_promise<timer_page>());
      return state->timers.back();
    },
    [=](proposal& x) { state->proposals.push_back(std::move(x)); },
    // What the test answers.
    [=](timer_page& x) { state->timers.back().deliver(std::move(x)); },
    [=](caf::close_atom) { state->timers.back().deliver(make_error(ec::internal, "the store could not be read")); },
  };
}

} // namespace

class SchedulerPagesTest : public deterministic_node {
protected:
  SchedulerPagesTest() {
    start();
    replica_ = system_.spawn(played_replica, played_);
    subject_ = system_.spawn(scheduler, scheduling, links.events);
    spawned_.push_back(replica_);
    spawned_.push_back(caf::actor_cast<caf::actor>(subject_));
    role_report leads;
    leads.leads = true;
    leads.epoch = 1;
    say(std::move(leads));
  }

  template <class Message>
  void say(Message x) {
    caf::send_as(replica_, caf::actor_cast<caf::actor>(subject_), std::move(x));
    settle();
  }

  template <class Answer>
  void answer(Answer x) {
    caf::anon_send(replica_, std::move(x));
    settle();
  }

  /// Proposes a task for later.
  std::shared_ptr<const task_spec> submit_for_later() {
    auto spec = std::make_shared<task_spec>();
    spec->id = {1, ++submitted_};
    spec->task_type = "noop";
    spec->scheduled_at = time() + std::chrono::hours{1};
    caf::anon_send(subject_, propose_request{{submit_command{{spec, std::make_shared<std::string>("{}")}}}});
    settle();
    return spec;
  }

  /// The newest proposal is applied at this position: it made the task.
  void apply(std::shared_ptr<const task_spec> spec, uint64_t index) {
    task_change created;
    created.spec = spec;
    created.state.due = spec->scheduled_at;
    auto entry = std::make_shared<applied_entry>();
    entry->index = index;
    entry->proposal = played_->proposals.back().number;
    entry->changes = {created};
    entry->results = {{{}, spec->id, created.state.status}};
    say(applied_ptr{std::move(entry)});
  }

  std::shared_ptr<played_replica_state> played_ = std::make_shared<played_replica_state>();
  uint64_t submitted_ = 0;
  caf::actor replica_;
  scheduler_actor subject_;
};

TEST_F(SchedulerPagesTest, PageThatLacksANewTimerIsFollowedByAnother) {
  ASSERT_EQ(played_->timers.size(), 1u);
  apply(submit_for_later(), 7);
  EXPECT_EQ(played_->timers.size(), 1u) << "one page at a time";
  answer(timer_page{{}, true, 6});
  ASSERT_EQ(played_->timers.size(), 2u) << "else it would sleep until something else happens";
  answer(timer_page{{}, true, 7});
  EXPECT_EQ(played_->timers.size(), 2u);
}

TEST_F(SchedulerPagesTest, PageThatDoesNotComeIsAskedForAgain) {
  ASSERT_EQ(played_->timers.size(), 1u);
  answer(caf::close_atom::value);
  EXPECT_EQ(played_->timers.size(), 1u) << "not at once: it would fail again";
  advance(std::chrono::seconds{1});
  EXPECT_EQ(played_->timers.size(), 2u);
}

} // namespace overwatch::test
