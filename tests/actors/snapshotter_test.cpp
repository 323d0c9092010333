#include "actors/snapshotter.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

/// Keeps captures in memory and remembers what it was asked.
class memory_snapshots : public file_snapshots {
public:
  capture_result capture(const std::string& name, const capture_scope& scope, const stop_check& stop) override {
    calls.push_back("capture " + name);
    if (stop())
      return {{ec::unavailable, "", "told to stop"}, true, 0, 0, {}};
    if (refuse_capture)
      return {*refuse_capture, false, 0, 0, {}};
    kept.try_emplace(name, stored{scope, {}});
    return {{}, false, kept[name].scope.paths.size(), 7, {}};
  }

  restore_result restore(const std::string& name, const stop_check& stop) override {
    calls.push_back("restore " + name);
    if (stop())
      return {{ec::unavailable, "", "told to stop"}, true, {}, {}};
    return {refuse_restore, true, {1, 2, 3, 4}, kept[name].scope.hook_state};
  }

  failure drop(const std::string& name) override {
    calls.push_back("drop " + name);
    kept.erase(name);
    return {};
  }

  failure keep(const std::string& name, timestamp until) override {
    kept[name].until = until;
    return {};
  }

  snapshot_description describe(const std::string& name, size_t max_entries) override {
    snapshot_description result;
    for (const auto& path : kept[name].scope.paths) {
      ++result.total_entries;
      if (result.entries.size() < max_entries)
        result.entries.push_back({path, captured_kind::file, 1, 0644});
      else
        result.truncated = true;
    }
    result.hook_state = kept[name].scope.hook_state.has_value();
    return result;
  }

  std::vector<stored_snapshot> list(const std::string& prefix) override {
    std::vector<stored_snapshot> result;
    for (const auto& [name, x] : kept)
      if (name.compare(0, prefix.size(), prefix) == 0)
        result.push_back({name, x.until});
    return result;
  }

  failure remove_leftovers() override {
    calls.push_back("leftovers");
    return {};
  }

  struct stored {
    capture_scope scope;
    std::optional<timestamp> until;
  };
  std::map<std::string, stored> kept;
  std::vector<std::string> calls;
  std::optional<failure> refuse_capture;
  failure refuse_restore;
};

constexpr task_id one{1, 1};
constexpr task_id two{2, 2};
constexpr task_id three{3, 3};

std::string name_of(const task_id& id, int attempt) { return to_string(id) + "-" + std::to_string(attempt); }

capture_request capture_of(const task_id& id, uint32_t attempt, std::vector<std::string> files = {"/a"}) {
  auto spec = std::make_shared<task_spec>();
  spec->id = id;
  spec->task_type = "hooked";
  return {id, attempt, std::move(files), {spec, std::make_shared<const std::string>("{\"n\":1}")}};
}

struct testing_config : caf::actor_system_config {
  testing_config() { set("scheduler.policy", caf::atom("testing")); }
};

} // namespace

/// On the test coordinator; operations run on it too.
class SnapshotterTest : public ::testing::Test {
protected:
  ~SnapshotterTest() override {
    caf::anon_send_exit(handle, caf::exit_reason::kill);
    settle();
    coordinator_.clock().cancel_all();
  }

  void start() {
    options.detached = false;
    options.clock = [this] { return time; };
    handle = system_.spawn(snapshotter, std::shared_ptr<file_snapshots>{files}, options);
  }

  void settle() {
    while (coordinator_.try_run_once()) {
    }
  }

  /// Delivers what was sent to the snapshotter, while the threads that it started do not come to run.
  void run_only_the_snapshotter() {
    auto* mine = dynamic_cast<caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(handle));
    auto& ready = coordinator_.jobs;
    for (auto i = ready.begin(); (i = std::find(ready.begin(), ready.end(), mine)) != ready.end();) {
      std::rotate(ready.begin(), i, i + 1);
      coordinator_.run_once();
    }
  }

  template <class Reply, class Request>
  Reply ask(const Request& request, failure* fault = nullptr) {
    if (!handle)
      start();
    auto response = self_->request(handle, caf::infinite, request); // time stands still here
    settle();
    return take<Reply>(response, fault);
  }

  template <class Reply, class Response>
  Reply take(Response& response, failure* fault = nullptr) {
    Reply result{};
    response.receive([&](Reply& reply) { result = std::move(reply); },
                     [&](caf::error& error) {
                       if (fault)
                         *fault = describe(error);
                       else
                         ADD_FAILURE() << describe(error).message;
                     });
    return result;
  }

  void release(const task_id& id, std::optional<timestamp> until = {}) {
    if (!handle)
      start();
    caf::anon_send(handle, release_snapshot{id, until});
    settle();
  }

  testing_config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& coordinator_ = dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  caf::scoped_actor self_{system_, true};
  std::shared_ptr<memory_snapshots> files = std::make_shared<memory_snapshots>();
  timestamp time{1'000'000s};
  snapshotter_options options;
  snapshotter_actor handle;
};

TEST_F(SnapshotterTest, CaptureIsNamedAfterTaskAndAttempt) {
  auto reply = ask<capture_reply>(capture_of(one, 3, {"/a", "/b"}));
  EXPECT_FALSE(reply.error);
  EXPECT_EQ(reply.entries, 2u);
  EXPECT_EQ(reply.bytes, 7u);
  ASSERT_EQ(files->kept.count(name_of(one, 3)), 1u);
  EXPECT_EQ(files->kept[name_of(one, 3)].scope.paths, (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(files->calls.front(), "leftovers") << "first of all";
}

TEST_F(SnapshotterTest, OlderCapturesGoOnceTheNewOneIsComplete) {
  ask<capture_reply>(capture_of(one, 9));
  ask<capture_reply>(capture_of(two, 1));
  files->refuse_capture = failure{ec::too_large, "/snapshot/files", "too much"};
  auto refused = ask<capture_reply>(capture_of(one, 10));
  EXPECT_EQ(refused.error.message, "too much");
  EXPECT_FALSE(refused.retryable);
  EXPECT_EQ(files->kept.count(name_of(one, 9)), 1u);
  files->refuse_capture.reset();
  ask<capture_reply>(capture_of(one, 10));
  EXPECT_EQ(files->kept.count(name_of(one, 9)), 0u);
  EXPECT_EQ(files->kept.count(name_of(one, 10)), 1u);
  EXPECT_EQ(files->kept.count(name_of(two, 1)), 1u) << "of another task";
}

TEST_F(SnapshotterTest, RestoreTakesTheNewest) {
  files->kept[name_of(one, 9)];
  files->kept[name_of(one, 10)];
  files->kept[name_of(two, 11)];
  auto reply = ask<restore_reply>(restore_request{one});
  EXPECT_TRUE(reply.found);
  EXPECT_FALSE(reply.error);
  EXPECT_EQ(reply.counts.recreated, 4u);
  EXPECT_EQ(files->calls.back(), "restore " + name_of(one, 10));
  EXPECT_EQ(files->kept.size(), 3u) << "they stay until they are released";
}

TEST_F(SnapshotterTest, NothingCapturedIsNoError) {
  auto reply = ask<restore_reply>(restore_request{one});
  EXPECT_FALSE(reply.found);
  EXPECT_FALSE(reply.error);
}

TEST_F(SnapshotterTest, ReleasedCapturesAreDropped) {
  files->kept[name_of(one, 1)];
  files->kept[name_of(one, 2)];
  files->kept[name_of(two, 1)];
  release(one);
  EXPECT_EQ(files->kept.size(), 1u);
  release(two, time); // kept until now
  EXPECT_TRUE(files->kept.empty());
}

TEST_F(SnapshotterTest, KeptCapturesAreDroppedWhenTheirTimeHasPassed) {
  ask<capture_reply>(capture_of(one, 1));
  release(one, time + 90s);
  EXPECT_EQ(files->kept[name_of(one, 1)].until, time + 90s);
  for (auto dropped : {false, true}) {
    time += 60s;
    coordinator_.clock().advance_time(60s);
    settle();
    EXPECT_EQ(files->kept.empty(), dropped);
  }
}

TEST_F(SnapshotterTest, CapturesThatExpiredMeanwhileAreDroppedAtTheStart) {
  files->kept[name_of(one, 1)].until = time - 1s;
  files->kept[name_of(two, 1)].until = time + 1s;
  start();
  settle();
  EXPECT_EQ(files->kept.count(name_of(one, 1)), 0u);
  EXPECT_EQ(files->kept.count(name_of(two, 1)), 1u);
}

TEST_F(SnapshotterTest, DescriptionShowsTheNewestWithABound) {
  options.max_shown = 2;
  ask<capture_reply>(capture_of(one, 4, {"/a", "/b", "/c"}));
  release(one, time + 5s);
  auto reply = ask<snapshot_files>(describe_snapshot{one});
  EXPECT_EQ(reply.attempt, 4u);
  EXPECT_EQ(reply.entries.size(), 2u);
  EXPECT_TRUE(reply.truncated);
  EXPECT_EQ(reply.total_entries, 3u);
  EXPECT_EQ(reply.keep_until, time + 5s);
  failure fault;
  ask<snapshot_files>(describe_snapshot{two}, &fault);
  EXPECT_EQ(fault.code, ec::not_found);
}

TEST_F(SnapshotterTest, ListNamesEachTaskOnce) {
  files->kept[name_of(one, 1)];
  files->kept[name_of(one, 2)].until = time + 1h;
  files->kept[name_of(two, 1)];
  for (const auto* stranger : {"else", "a-1", "-", ""})
    files->kept[stranger];
  files->kept[to_string(three) + "-x"];
  auto reply = ask<stored_snapshots>(stored_snapshots_request{});
  ASSERT_EQ(reply.tasks.size(), 2u);
  EXPECT_EQ(reply.tasks[0].id, one);
  EXPECT_EQ(reply.tasks[0].keep_until, time + 1h);
  EXPECT_EQ(reply.tasks[1].id, two);
  EXPECT_FALSE(reply.tasks[1].keep_until.has_value());
}

TEST_F(SnapshotterTest, HooksAreCalledBeforeTheCaptureAndAfterTheRestore) {
  auto& hooks = options.hooks["hooked"];
  hooks.snapshot = [&](const task_spec& spec, const std::string& payload) {
    files->calls.push_back("hook captures for " + to_string(spec.id) + payload);
    return std::string{"state"};
  };
  hooks.restore = [&](const task_spec& spec, const std::string& payload, const std::string& state) {
    files->calls.push_back("hook restores " + state + " for " + to_string(spec.id) + payload);
  };
  EXPECT_FALSE(ask<capture_reply>(capture_of(one, 1)).error);
  EXPECT_FALSE(ask<capture_reply>(capture_of(one, 1)).error);
  EXPECT_FALSE(ask<restore_reply>(restore_request{one}).error);
  std::vector<std::string> expected{"leftovers",
                                    "hook captures for " + to_string(one) + "{\"n\":1}",
                                    "capture " + name_of(one, 1),
                                    "capture " + name_of(one, 1),
                                    "restore " + name_of(one, 1),
                                    "hook restores state for " + to_string(one) + "{\"n\":1}"};
  EXPECT_EQ(files->calls, expected) << "when the capture is there already, its hook is not called again";
  EXPECT_TRUE(ask<snapshot_files>(describe_snapshot{one}).hook_state);
}

TEST_F(SnapshotterTest, HookThatThrowsIsAFailure) {
  auto& hooks = options.hooks["hooked"];
  auto broken = true;
  hooks.snapshot = [&](const task_spec&, const std::string&) -> std::string {
    return broken ? throw std::runtime_error{"no tape"} : "s";
  };
  hooks.restore = [&](const task_spec&, const std::string&, const std::string&) { throw 7; };
  auto reply = ask<capture_reply>(capture_of(one, 1));
  EXPECT_NE(reply.error.message.find("snapshot hook of task type 'hooked' failed: no tape"), std::string::npos)
    << reply.error.message;
  EXPECT_TRUE(reply.retryable);
  EXPECT_TRUE(files->kept.empty());
  broken = false;
  EXPECT_FALSE(ask<capture_reply>(capture_of(one, 1)).error);
  EXPECT_NE(ask<restore_reply>(restore_request{one}).error.message.find("restore hook"), std::string::npos);
}

TEST_F(SnapshotterTest, FilesThatCannotBeRestoredStopTheHook) {
  auto called = false;
  options.hooks["hooked"].restore = [&](const task_spec&, const std::string&, const std::string&) { called = true; };
  ask<capture_reply>(capture_of(one, 1));
  files->refuse_restore = {ec::no_space, "", "disk full"};
  EXPECT_EQ(ask<restore_reply>(restore_request{one}).error.message, "disk full");
  EXPECT_FALSE(called);
}

TEST_F(SnapshotterTest, HookThatIsGoneIsSaid) {
  options.hooks["hooked"].snapshot = [](const task_spec&, const std::string&) { return std::string{"s"}; };
  ask<capture_reply>(capture_of(one, 1));
  caf::anon_send_exit(handle, caf::exit_reason::kill);
  settle();
  options.hooks.clear();
  start();
  EXPECT_NE(ask<restore_reply>(restore_request{one}).error.message.find("this program has none"), std::string::npos);
}

TEST_F(SnapshotterTest, FewAtOnceAndTheRestWaits) {
  options.max_waiting = 3;
  start();
  settle();
  files->calls.clear();
  auto first = self_->request(handle, caf::infinite, capture_of(one, 1));
  auto second = self_->request(handle, caf::infinite, capture_of(two, 1));
  auto third = self_->request(handle, caf::infinite, capture_of(three, 1));
  auto same = self_->request(handle, caf::infinite, restore_request{one});
  auto brief = self_->request(handle, caf::infinite, stored_snapshots_request{});
  auto fits = self_->request(handle, caf::infinite, capture_of({4, 4}, 1));
  auto too_many = self_->request(handle, caf::infinite, capture_of({5, 5}, 1));
  run_only_the_snapshotter();
  EXPECT_EQ(coordinator_.jobs.size(), 3u) << "two captures and, beside them, what is brief";
  EXPECT_TRUE(files->calls.empty());
  settle();
  EXPECT_FALSE(take<capture_reply>(first).error);
  EXPECT_FALSE(take<capture_reply>(second).error);
  EXPECT_FALSE(take<capture_reply>(third).error);
  EXPECT_TRUE(take<restore_reply>(same).found) << "after the capture of the same task";
  EXPECT_LE(take<stored_snapshots>(brief).tasks.size(), 2u) << "it was not held up by the captures that wait";
  EXPECT_FALSE(take<capture_reply>(fits).error);
  auto refused = take<capture_reply>(too_many);
  EXPECT_EQ(refused.error.code, ec::overloaded);
  EXPECT_TRUE(refused.retryable);
}

TEST_F(SnapshotterTest, WaitingCaptureCanBeStopped) {
  options.max_copying = 1;
  start();
  settle();
  auto first = self_->request(handle, caf::infinite, capture_of(one, 1));
  auto second = self_->request(handle, caf::infinite, capture_of(two, 1));
  caf::anon_send(handle, stop_capture{two});
  settle();
  EXPECT_FALSE(take<capture_reply>(first).error);
  auto stopped = take<capture_reply>(second);
  EXPECT_EQ(stopped.error.code, ec::unavailable);
  EXPECT_EQ(files->kept.count(name_of(two, 1)), 0u);
}

TEST_F(SnapshotterTest, RunningCaptureCanBeStoppedButNoRestore) {
  files->kept[name_of(two, 1)];
  start();
  settle();
  auto capturing = self_->request(handle, caf::infinite, capture_of(one, 1));
  auto restoring = self_->request(handle, caf::infinite, restore_request{two});
  run_only_the_snapshotter();
  caf::anon_send(handle, stop_capture{one});
  caf::anon_send(handle, stop_capture{two});
  run_only_the_snapshotter();
  settle();
  EXPECT_EQ(take<capture_reply>(capturing).error.message, "told to stop");
  EXPECT_FALSE(take<restore_reply>(restoring).error);
}

TEST_F(SnapshotterTest, OperationThatDoesNotComeBackLosesItsPlace) {
  options.max_copying = 1;
  options.time_limit = 1000ms;
  start();
  settle();
  auto stuck = self_->request(handle, caf::infinite, capture_of(one, 1));
  auto next = self_->request(handle, caf::infinite, capture_of(two, 1));
  run_only_the_snapshotter();
  auto frozen = std::move(coordinator_.jobs);
  coordinator_.jobs.clear();
  coordinator_.clock().advance_time(2min);
  settle();
  auto late = take<capture_reply>(stuck);
  EXPECT_NE(late.error.message.find("did not come back"), std::string::npos) << late.error.message;
  EXPECT_FALSE(take<capture_reply>(next).error);
  coordinator_.jobs = std::move(frozen);
  settle(); // now it does
  EXPECT_EQ(files->calls.back(), "capture " + name_of(one, 1));
  EXPECT_EQ(files->kept.count(name_of(one, 1)), 0u) << "it was told to stop";
}

/// With threads of their own: an operation that ends only when it is told to.
class blocking_snapshots : public memory_snapshots {
public:
  capture_result capture(const std::string&, const capture_scope&, const stop_check& stop) override {
    std::unique_lock<std::mutex> guard{mutex};
    entered = true;
    changed.notify_all();
    while (!stop())
      changed.wait_for(guard, 1ms);
    left = true;
    changed.notify_all();
    return {{ec::unavailable, "", "stopped at last"}, true, 0, 0, {}};
  }

  void wait_until(const bool& flag) {
    std::unique_lock<std::mutex> guard{mutex};
    ASSERT_TRUE(changed.wait_for(guard, 60s, [&] { return flag; }));
  }

  std::mutex mutex;
  std::condition_variable changed;
  bool entered = false;
  bool left = false;
};

TEST(SnapshotterThreadTest, RunningCaptureIsStoppedOnItsThread) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  auto files = std::make_shared<blocking_snapshots>();
  auto handle = system.spawn(snapshotter, std::shared_ptr<file_snapshots>{files}, snapshotter_options{});
  auto response = self->request(handle, 60s, capture_of(one, 1));
  files->wait_until(files->entered);
  self->send(handle, stop_capture{one});
  response.receive([](capture_reply& reply) { EXPECT_EQ(reply.error.message, "stopped at last"); },
                   [](caf::error& error) { ADD_FAILURE() << describe(error).message; });
  self->send_exit(handle, caf::exit_reason::kill);
}

TEST(SnapshotterThreadTest, EndOfTheSnapshotterStopsWhatRuns) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  auto files = std::make_shared<blocking_snapshots>();
  auto handle = system.spawn(snapshotter, std::shared_ptr<file_snapshots>{files}, snapshotter_options{});
  caf::anon_send(handle, capture_of(one, 1));
  files->wait_until(files->entered);
  caf::anon_send_exit(handle, caf::exit_reason::kill);
  files->wait_until(files->left);
}

} // namespace overwatch::test
