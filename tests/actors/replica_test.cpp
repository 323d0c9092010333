#include "actors/replica.hpp"

#include "actors/log_driver.hpp"
#include "tests/support/deterministic_node.hpp"

#include <caf/event_based_actor.hpp>

#include <random>

using namespace std::chrono_literals;

namespace overwatch::test {

class ReplicaTest : public deterministic_node {
protected:
  /// A client that is not waited for: its answer is in the result once it came.
  template <class Reply, class Handle, class Request>
  std::shared_ptr<std::optional<Reply>> send(const Handle& handle, const Request& x) {
    auto answer = std::make_shared<std::optional<Reply>>();
    system_.spawn([=](caf::event_based_actor* client) {
      client->request(handle, caf::infinite, x).then([=](Reply& reply) { *answer = std::move(reply); },
                                                    [](const caf::error&) {});
    });
    return answer;
  }

  std::shared_ptr<std::optional<submit_reply>> send_submit(const std::string& name) {
    auto spec = std::make_shared<task_spec>();
    spec->name = name;
    spec->task_type = "noop";
    return send<submit_reply>(gateway_handle, submit_request{{{spec, std::make_shared<const std::string>("{}")}}});
  }

  /// Handles this many messages, or fewer when there are no more.
  bool run_steps(size_t count) {
    for (size_t i = 0; i < count; ++i)
      if (!coordinator_.try_run_once())
        return false;
    return true;
  }

  void start_anew() {
    kill_all();
    db = std::make_unique<memory_store>();
    start();
  }

  bool exists(const task_id& id) {
    failure fault;
    ask<task_record>(gateway_handle, get_request{id}, &fault);
    return fault.code == ec::none;
  }

  /// What the whole log makes of an empty store.
  uint64_t digest_of_log() {
    memory_store fresh;
    partition_state machine{fresh, 0};
    for (const auto& entry : make_entry_reader(*db, 0)(1, UINT64_MAX - 1, SIZE_MAX)) {
      command_batch batch;
      if (entry.kind != entry_kind::command) {
        machine.skip(entry.index);
        continue;
      }
      EXPECT_TRUE(decode_batch(entry.bytes, batch));
      machine.apply(batch, entry.index);
    }
    write_batch batch;
    machine.flush(batch);
    fresh.write(batch, false);
    return machine.digest();
  }

  /// The state in the store is what its log makes of an empty one.
  void expect_state_of_log(const std::string& where) {
    ask<uint64_t>(links.replica, flush_request{});
    ask<uint64_t>(links.replica, flush_request{}); // what the first one set going is applied now
    partition_state stored{*db, 0};
    EXPECT_EQ(stored.applied(), ask<stats_reply>(links.replica, stats_request{}).applied) << where;
    EXPECT_EQ(stored.digest(), digest_of_log()) << where;
  }
};

TEST_F(ReplicaTest, NothingAcknowledgedIsLostWhereverTheCrashIs) {
  auto finished = false;
  for (size_t steps = 0; !finished; ++steps) {
    ASSERT_LT(steps, 1'000u);
    for (auto state : {memory_store::survival::none, memory_store::survival::some, memory_store::survival::all}) {
      start_anew();
      auto pool = offer("noop", 1);
      auto first = send_submit("first");
      auto second = send_submit("second");
      finished = !run_steps(steps);
      auto acknowledged = std::vector{*first, *second}; // before the crash
      crash(state, steps);
      start();
      for (const auto& reply : acknowledged) {
        if (reply) {
          EXPECT_TRUE(exists(reply->receipts.at(0).id)) << steps << " steps before the crash";
        }
      }
      expect_state_of_log(std::to_string(steps) + " steps before the crash");
    }
  }
}

TEST_F(ReplicaTest, CompletedTaskStaysCompletedWhereverTheCrashIs) {
  auto finished = false;
  for (size_t steps = 0; !finished; ++steps) {
    ASSERT_LT(steps, 1'000u);
    start_anew();
    auto pool = offer("noop", 1);
    auto id = submit("one").id;
    attempt_outcome done;
    done.id = id;
    done.fence = take_assigned(pool).at(0).fence;
    caf::anon_send(links.scheduler, outcome_batch{{done}});
    auto answer = send<task_record>(gateway_handle, wait_request{id, 60s});
    finished = !run_steps(steps);
    auto seen = *answer && (*answer)->state.status == task_status::completed;
    crash(memory_store::survival::some, steps);
    start();
    pool = offer("noop", 1);
    auto again = take_assigned(pool);
    if (seen) {
      EXPECT_EQ(status_of(id), task_status::completed) << steps;
      EXPECT_TRUE(again.empty()) << steps;
    } else {
      EXPECT_EQ(again.size() + (status_of(id) == task_status::completed ? 1 : 0), 1u) << steps;
    }
  }
}

TEST_F(ReplicaTest, RandomWorkSurvivesRandomCrashes) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random{seed};
    auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
    start_anew();
    auto pool = offer("noop", 3);
    std::vector<assignment> running;
    std::map<task_id, task_status> known; // acknowledged, and its status when it was last looked at
    std::set<task_id> removed;
    for (int life = 0; life < 4; ++life) {
      for (int step = 0; step < 25; ++step) {
        switch (below(6)) {
          case 0:
          case 1: {
            auto receipt = submit("task", [&](task_spec& x) {
              x.importance = static_cast<priority>(below(5));
              x.retry = {2, backoff_kind::fixed, milliseconds{below(3000)}, 10s, 0};
              if (below(4) == 0)
                x.scheduled_at = time() + std::chrono::seconds{below(20)};
              if (below(5) == 0)
                x.deadline = time() + std::chrono::seconds{below(20)};
              if (below(5) == 0)
                x.unique_key = "key" + std::to_string(below(3));
            });
            ASSERT_FALSE(receipt.error) << receipt.error.message;
            known.emplace(receipt.id, receipt.status);
            break;
          }
          case 2:
            if (!running.empty()) {
              auto x = running.begin() + static_cast<std::ptrdiff_t>(below(running.size()));
              finish(*x, below(2) ? violation::none : violation::exception, "bad luck");
              running.erase(x);
            }
            break;
          case 3:
            if (!known.empty()) {
              failure ignored; // it may have ended
              auto i = std::next(known.begin(), static_cast<std::ptrdiff_t>(below(known.size())));
              ask<task_record>(gateway_handle, cancel_request{i->first, "no"}, &ignored);
            }
            break;
          case 4:
            advance(std::chrono::milliseconds{below(2000)});
            break;
          default:
            if (!known.empty()) {
              auto i = std::next(known.begin(), static_cast<std::ptrdiff_t>(below(known.size())));
              failure fault;
              ask<task_record>(gateway_handle, remove_request{i->first}, &fault);
              if (!fault) {
                removed.insert(i->first);
                known.erase(i);
              }
            }
        }
        auto more = take_assigned(pool);
        std::move(more.begin(), more.end(), std::back_inserter(running));
      }
      for (auto& [id, status] : known)
        status = status_of(id);
      auto unanswered = send_submit("on its way");
      run_steps(below(25));
      if (*unanswered)
        known.emplace((*unanswered)->receipts.at(0).id, task_status::pending);
      crash(memory_store::survival::some, random());
      start();
      expect_state_of_log("seed " + std::to_string(seed));
      ASSERT_FALSE(HasFailure());
      for (const auto& [id, status] : known) {
        ASSERT_TRUE(exists(id)) << "seed " << seed;
        if (is_terminal(status)) {
          ASSERT_EQ(status_of(id), status) << "seed " << seed;
        }
      }
      for (const auto& id : removed)
        ASSERT_FALSE(exists(id)) << "seed " << seed;
      running.clear();
      pool = offer("noop", 3);
      running = take_assigned(pool);
    }
    // Nothing is stuck: with a pool that always succeeds every task ends.
    for (int i = 0; i < 200; ++i) {
      for (const auto& x : running)
        finish(x);
      running = take_assigned(pool);
      if (running.empty())
        advance(1s);
    }
    for (const auto& [id, status] : known)
      ASSERT_TRUE(is_terminal(status_of(id))) << "seed " << seed << ": " << name_of(status_of(id));
  }
}

TEST_F(ReplicaTest, EveryStartIsANewEpoch) {
  start();
  auto pool = offer("noop", 5);
  submit("one");
  auto first = take_assigned(pool).at(0).fence;
  crash(memory_store::survival::none);
  start();
  pool = offer("noop", 5);
  auto second = take_assigned(pool).at(0).fence;
  EXPECT_GT(second.epoch, first.epoch);
  EXPECT_EQ(second.attempt, 2u);
}

TEST_F(ReplicaTest, WaitIsAnsweredWhenTheTaskEnds) {
  start();
  auto pool = offer("noop", 1);
  auto id = submit("one").id;
  auto one = send<task_record>(gateway_handle, wait_request{id, 60s});
  auto two = send<task_record>(gateway_handle, wait_request{id, 60s});
  settle();
  EXPECT_FALSE(*one || *two);
  finish(take_assigned(pool).at(0));
  ASSERT_TRUE(*one && *two);
  EXPECT_EQ((*one)->state.status, task_status::completed);
}

TEST_F(ReplicaTest, WaitForAnEndedTaskIsAnsweredAtOnce) {
  start();
  auto id = submit("one").id;
  ask<task_record>(gateway_handle, cancel_request{id, ""});
  EXPECT_EQ(ask<task_record>(gateway_handle, wait_request{id, 60s}).state.status, task_status::cancelled);
}

TEST_F(ReplicaTest, WaitThatExpiresShowsTheTaskAsItIs) {
  start();
  auto id = submit("one").id;
  auto answer = send<task_record>(gateway_handle, wait_request{id, 5s});
  settle();
  for (int i = 0; i < 24; ++i)
    advance(200ms);
  EXPECT_FALSE(*answer);
  advance(400ms);
  ASSERT_TRUE(*answer);
  EXPECT_EQ((*answer)->state.status, task_status::queued);
}

TEST_F(ReplicaTest, WaitIsNotFoundWhenThereIsNoSuchTask) {
  start();
  failure fault;
  ask<task_record>(gateway_handle, wait_request{{1, 2}, 5s}, &fault);
  EXPECT_EQ(fault.code, ec::not_found);
}

TEST_F(ReplicaTest, TooManyWaitsAreRefused) {
  replication.max_waits = 2;
  start();
  auto id = submit("one").id;
  send<task_record>(gateway_handle, wait_request{id, 60s});
  send<task_record>(gateway_handle, wait_request{id, 60s});
  settle();
  failure fault;
  ask<task_record>(gateway_handle, wait_request{id, 60s}, &fault);
  EXPECT_EQ(fault.code, ec::overloaded);
}

TEST_F(ReplicaTest, ProgressIsShownWhileItsAttemptRuns) {
  start();
  auto pool = offer("noop", 1);
  auto id = submit("one", [](task_spec& x) { x.retry = {2, backoff_kind::fixed, 0ms, 0ms, 0}; }).id;
  auto first = take_assigned(pool).at(0);
  auto report = [&](const fencing_token& fence, double percent) {
    attempt_progress x;
    x.id = id;
    x.fence = fence;
    x.has_progress = true;
    x.percent = percent;
    x.message = "at " + std::to_string(percent);
    caf::anon_send(links.scheduler, progress_batch{{x}});
    settle();
  };
  report(first.fence, 40);
  EXPECT_EQ(get(id).state.percent, 40);
  finish(first, violation::exception, "bad luck");
  auto second = take_assigned(pool).at(0);
  report(first.fence, 90); // the first one wakes up late
  EXPECT_EQ(get(id).state.percent, 0);
  report(second.fence, 10);
  EXPECT_EQ(get(id).state.percent, 10);
  finish(second);
  report(second.fence, 50);
  EXPECT_EQ(get(id).state.percent, 100);
}

TEST_F(ReplicaTest, FlushBringsAllThatIsAppliedToTheStore) {
  start();
  auto id = submit("one").id;
  EXPECT_FALSE(db->get(key_space::state, keys::state(id)));
  auto applied = ask<uint64_t>(links.replica, flush_request{});
  EXPECT_EQ(applied, ask<stats_reply>(links.replica, stats_request{}).applied);
  EXPECT_TRUE(db->get(key_space::state, keys::state(id)));
  auto writes = db->calls().writes;
  EXPECT_EQ(ask<uint64_t>(links.replica, flush_request{}), applied);
  EXPECT_EQ(db->calls().writes, writes) << "nothing changed";
}

TEST_F(ReplicaTest, StateIsWrittenByItselfAfterAWhile) {
  start();
  auto id = submit("one").id;
  advance(replication.flush_interval);
  EXPECT_TRUE(db->get(key_space::state, keys::state(id)));
}

TEST_F(ReplicaTest, FlushOnAFullDiskAnswersWhenThereIsSpaceAgain) {
  start();
  auto id = submit("one").id;
  db->fill_disk(true);
  auto answer = send<uint64_t>(links.replica, flush_request{});
  settle();
  advance(5s);
  EXPECT_FALSE(*answer);
  EXPECT_EQ(status_of(id), task_status::queued) << "it can still be read";
  db->fill_disk(false);
  advance(1s);
  EXPECT_TRUE(*answer);
}

TEST_F(ReplicaTest, LogBeforeACheckpointIsCut) {
  start();
  for (int i = 0; i < 5; ++i)
    submit("task");
  auto applied = ask<uint64_t>(links.replica, flush_request{});
  EXPECT_TRUE(db->get(key_space::log, keys::log_entry(0, 1)));
  db->checkpoint();
  caf::anon_send(links.replica, checkpoint_done{applied});
  settle();
  EXPECT_FALSE(db->get(key_space::log, keys::log_entry(0, 1)));
  EXPECT_FALSE(db->get(key_space::log, keys::log_entry(0, applied)));
  auto after = submit("after").id;
  crash(memory_store::survival::none);
  start();
  EXPECT_TRUE(exists(after));
  EXPECT_EQ(ask<stats_reply>(links.replica, stats_request{}).submitted, 6u);
}

} // namespace overwatch::test
