#include "runtime/replication/single_log.hpp"
#include "tests/support/deterministic_node.hpp"

#include <caf/event_based_actor.hpp>

using namespace std::chrono_literals;

/// A replica whose log sleeps, and what wakes it.
namespace overwatch::test {

namespace {

/// What a `drowsy_log` is, and was told.
struct drowsiness {
  bool asleep = false;
  bool leased = true;
  int wakes = 0;
  uint64_t last = 0;
  std::vector<std::pair<member_id, bool>> reach;
};

/// Leads alone, and sleeps when the test says so.
class drowsy_log final : public single_log {
public:
  explicit drowsy_log(std::shared_ptr<drowsiness> x) : x_{std::move(x)} {}

  std::optional<uint64_t> propose(std::string bytes, log_update& update) override {
    if (x_->asleep)
      return std::nullopt;
    return x_->last = *single_log::propose(std::move(bytes), update);
  }
  log_update wake(log_time) override {
    ++x_->wakes;
    x_->asleep = false;
    return {};
  }
  log_update reach(log_time, member_id id, bool in_reach) override {
    x_->reach.emplace_back(id, in_reach);
    return {};
  }
  bool sleeps() const override { return x_->asleep; }
  bool has_lease(log_time) const override { return x_->leased; }

private:
  std::shared_ptr<drowsiness> x_;
};

} // namespace

class ReplicaSleepTest : public deterministic_node {
protected:
  ReplicaSleepTest() {
    start();
    auto silent = system_.spawn([]() -> caf::behavior { // in the place of a scheduler
      return {[](const role_report&) {}, [](const applied_ptr&) {}};
    });
    spawned_.push_back(silent);
    replica_options options;
    options.partition = 1;
    options.partitions = 2;
    options.node = "here";
    replica_links below{db.get(), links.journal, links.reader, links.events, links.metrics};
    subject_ = system_.spawn(replica, options, below, caf::actor_cast<scheduler_actor>(silent),
                             [this](const log_setup&) { return std::make_unique<drowsy_log>(log_); });
    spawned_.push_back(caf::actor_cast<caf::actor>(subject_));
    settle();
    log_->asleep = true;
  }

  /// The answer, once it came: the term, or 0 for an error.
  std::shared_ptr<std::optional<uint64_t>> confirm() {
    auto answer = std::make_shared<std::optional<uint64_t>>();
    system_.spawn([=, to = subject_](caf::event_based_actor* client) {
      client->request(to, caf::infinite, confirm_request{})
        .then([=](uint64_t term) { *answer = term; }, [=](const caf::error&) { *answer = 0; });
    });
    settle();
    return answer;
  }

  void something_comes() {
    caf::anon_send(subject_, log_delivery{1, {}});
    settle();
  }

  peer_report other(const std::string& instance, bool up) {
    peer_report x;
    x.node = "there";
    x.member = 5;
    x.instance = instance;
    x.up = up;
    return x;
  }

  replica_actor subject_;
  std::shared_ptr<drowsiness> log_ = std::make_shared<drowsiness>();
};

TEST_F(ReplicaSleepTest, WhatIsProposedWakesTheLog) {
  auto before = log_->last;
  proposal x;
  x.number = 1;
  x.batch.time = time();
  caf::anon_send(subject_, std::move(x));
  settle();
  EXPECT_EQ(log_->wakes, 1);
  EXPECT_EQ(log_->last, before + 1);
}

TEST_F(ReplicaSleepTest, ACurrentReadWaitsForTheLease) {
  log_->leased = false;
  auto answer = confirm();
  EXPECT_EQ(log_->wakes, 1);
  EXPECT_FALSE(*answer);
  something_comes();
  EXPECT_FALSE(*answer);
  log_->leased = true;
  something_comes();
  ASSERT_TRUE(*answer);
  EXPECT_GT(**answer, 0u);
}

TEST_F(ReplicaSleepTest, ACurrentReadIsRefusedWhenNoLeaseComes) {
  log_->leased = false;
  auto answer = confirm();
  advance(400ms);
  something_comes();
  EXPECT_FALSE(*answer);
  advance(200ms);
  something_comes();
  ASSERT_TRUE(*answer);
  EXPECT_EQ(**answer, 0u);
}

TEST_F(ReplicaSleepTest, AMemberIsInReachWhileItsNodeIsUp) {
  using reach = std::vector<std::pair<member_id, bool>>;
  for (const auto& x : {other("a", true), other("b", true), other("b", false)})
    caf::anon_send(subject_, x);
  settle();
  EXPECT_EQ(log_->reach, (reach{{5, true}, {5, false}, {5, true}, {5, false}}));
}

} // namespace overwatch::test
