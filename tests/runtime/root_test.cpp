#include "runtime/root.hpp"

#include "actors/partition_state.hpp"
#include "http/task_document.hpp"
#include "runtime/replication/make_raft_log.hpp"
#include "runtime/rules/lua_rules.hpp"
#include "runtime/snapshots/snapshot_store.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <thread>

using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

constexpr auto patience = 30s;

/// What the root told its gateway: the handles of all components.
struct told {
  std::mutex mutex;
  std::condition_variable changed;
  gateway_links links;
  uint64_t times = 0;
};

/// Passes on what the root says to the gateway and remembers it.
caf::behavior overhear(caf::event_based_actor*, std::shared_ptr<told> told, gateway_state::interface front) {
  return {
    [=](gateway_links& x) {
      caf::anon_send(front, x);
      if (!x.generator)
        return; // it does not lead yet
      std::lock_guard guard{told->mutex};
      told->links = x;
      ++told->times;
      told->changed.notify_all();
    },
    [=](caf::leave_atom x) { caf::anon_send(front, x); },
  };
}

/// The whole node below HTTP on real threads, with a store in memory.
class RootTest : public ::testing::Test {
protected:
  struct config : caf::actor_system_config {
    config() { add_messages(*this); }
  };

  void start() {
    root_options options;
    options.config.tasks.generation_interval = 0s;
    options.node = "here";
    options.config.node.name = "here";
    options.db = &db;
    options.task_types = {"quick", "long", "nobody"};
    options.handlers.add("quick", [](const attempt_context&) { return outcome::completed(); });
    options.handlers.add("long", [](const attempt_context& x) {
      return x.wait_for(600s) ? outcome::failed("was told to stop") : outcome::completed();
    });
    options.files = std::make_shared<snapshot_store>(snapshot_store_options{"/nonexistent", {}, {}});
    options.judge = make_lua_judge();
    options.parse_task = task_of_json;
    options.make_log = make_raft_log;
    options.give_up = [this](std::string reason) {
      if (failures++ == 0)
        given_up.set_value(std::move(reason));
    };
    gateway_options front;
    front.task_types = options.task_types;
    front.seed = ++seed;
    gateway_handle = system.spawn(gateway, front);
    told_links = std::make_shared<told>();
    tap = system.spawn(overhear, told_links, gateway_handle);
    top = system.spawn(root, std::move(options), caf::actor_cast<gateway_state::interface>(tap),
                       router_state::interface{});
    wait_for_start(1);
  }

  gateway_links wait_for_start(uint64_t times) {
    std::unique_lock lock{told_links->mutex};
    EXPECT_TRUE(told_links->changed.wait_for(lock, patience, [&] { return told_links->times >= times; }));
    return told_links->links;
  }

  stop_reply stop(milliseconds limit) {
    stop_reply result;
    self->request(top, patience, drain_request{limit})
      .receive([&](const stop_reply& x) { result = x; },
               [&](const caf::error& error) { ADD_FAILURE() << describe(error).message; });
    caf::anon_send_exit(gateway_handle, caf::exit_reason::kill);
    caf::anon_send_exit(tap, caf::exit_reason::kill);
    gateway_handle = nullptr;
    tap = nullptr;
    top = nullptr;
    return result;
  }

  ~RootTest() override {
    if (top)
      stop(0ms);
    told_links.reset();
  }

  /// Asks until there is an answer: components may be on their way back.
  template <class Reply, class Request>
  Reply ask(const Request& x) {
    Reply result{};
    std::string last;
    for (auto until = std::chrono::steady_clock::now() + patience; std::chrono::steady_clock::now() < until;) {
      auto done = false;
      self->request(gateway_handle, 2s, x)
        .receive(
          [&](Reply& reply) {
            result = std::move(reply);
            done = true;
          },
          [&](const caf::error& error) { last = describe(error).message; });
      if (done)
        return result;
      std::this_thread::yield();
    }
    ADD_FAILURE() << last;
    return result;
  }

  task_id submit(const std::string& task_type) {
    auto spec = std::make_shared<task_spec>();
    spec->name = "task";
    spec->task_type = task_type;
    spec->id = ids.next(now(), 0); // so that asking again does not make a second one
    submit_request x{{{spec, std::make_shared<const std::string>("{}")}}};
    auto reply = ask<submit_reply>(x);
    EXPECT_FALSE(reply.receipts.empty() || reply.receipts[0].error);
    return spec->id;
  }

  /// The task once `good` holds for it.
  template <class Condition>
  task_record wait_until(const task_id& id, Condition good) {
    task_record record;
    for (auto until = std::chrono::steady_clock::now() + patience; std::chrono::steady_clock::now() < until;) {
      record = ask<task_record>(get_request{id});
      if (good(record.state))
        return record;
      std::this_thread::yield();
    }
    ADD_FAILURE() << "task " << to_string(id) << " is " << name_of(record.state.status);
    return record;
  }

  static bool completed(const task_state& x) { return x.status == task_status::completed; }
  static bool running(const task_state& x) { return x.status == task_status::running; }

  memory_store db;
  config config_;
  caf::actor_system system{config_};
  caf::scoped_actor self{system};
  task_id_generator ids{99};
  uint64_t seed = 0;
  std::shared_ptr<told> told_links;
  caf::actor tap;
  gateway_state::interface gateway_handle;
  root_actor top;
  std::promise<std::string> given_up;
  std::atomic<int> failures{0};
};

using component = std::function<caf::actor(const gateway_links&)>;

/// Every component that may die.
const std::map<std::string, component>& components() {
  auto as_actor = [](const auto& x) { return caf::actor_cast<caf::actor>(x); };
  static const std::map<std::string, component> all{
    {"journal", [=](const gateway_links& x) { return as_actor(x.journal); }},
    {"event_hub", [=](const gateway_links& x) { return as_actor(x.events); }},
    {"metrics", [=](const gateway_links& x) { return as_actor(x.metrics); }},
    {"task_reader", [=](const gateway_links& x) { return as_actor(x.reader); }},
    {"scheduler", [=](const gateway_links& x) { return as_actor(x.scheduler); }},
    {"replica", [=](const gateway_links& x) { return as_actor(x.replica); }},
    {"generator", [=](const gateway_links& x) { return as_actor(x.generator); }},
    {"pool", [=](const gateway_links& x) { return as_actor(x.pools.at(0)); }},
  };
  return all;
}

class RootRestartTest : public RootTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(RootRestartTest, TasksSurviveTheDeathOfAComponent) {
  start();
  auto done = submit("quick");
  wait_until(done, completed);
  auto waiting = submit("nobody");
  auto interrupted = submit("long");
  wait_until(interrupted, running);
  caf::anon_send_exit(components().at(GetParam())(wait_for_start(1)), caf::exit_reason::kill);
  wait_for_start(2);
  EXPECT_TRUE(completed(ask<task_record>(get_request{done}).state));
  EXPECT_EQ(ask<task_record>(get_request{waiting}).state.status, task_status::queued);
  auto again = wait_until(interrupted, [](const auto& x) { return running(x) && x.fence.attempt == 2; });
  EXPECT_EQ(again.state.error.kind, violation::lost);
  wait_until(submit("quick"), completed);
  EXPECT_EQ(ask<node_status>(status_request{}).restarts, 1u);
  EXPECT_EQ(failures, 0);
}

INSTANTIATE_TEST_SUITE_P(Components, RootRestartTest, ::testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto& [name, which] : components())
                             names.push_back(name);
                           return names;
                         }()),
                         [](const auto& info) { return info.param; });

TEST_F(RootTest, ThreeFailuresWithinAMinuteGiveUp) {
  start();
  auto reason = given_up.get_future();
  for (uint64_t times = 1; times <= 3; ++times) {
    EXPECT_EQ(reason.wait_for(0s), std::future_status::timeout) << times;
    caf::anon_send_exit(components().at("metrics")(wait_for_start(times)), caf::exit_reason::kill);
  }
  ASSERT_EQ(reason.wait_for(patience), std::future_status::ready);
  auto text = reason.get();
  EXPECT_NE(text.find("metrics"), std::string::npos) << text;
  EXPECT_NE(text.find("3 times within a minute"), std::string::npos) << text;
  wait_for_start(4);
}

TEST_F(RootTest, StopSendsWhatStillRunsBackToTheQueue) {
  start();
  auto done = submit("quick");
  wait_until(done, completed);
  auto id = submit("long");
  wait_until(id, running);
  auto reply = stop(20ms);
  EXPECT_EQ(reply.requeued, 1u);
  auto record = partition_state{db, 0}.find(id);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->state.status, task_status::queued);
  EXPECT_EQ(record->state.failures, 0u);
  EXPECT_EQ(record->state.lost_in_a_row, 0u);
  start();
  EXPECT_TRUE(completed(ask<task_record>(get_request{done}).state));
  wait_until(id, running);
}

TEST_F(RootTest, StopWaitsForWhatEndsInTime) {
  start();
  std::vector<task_id> submitted;
  for (int i = 0; i < 20; ++i)
    submitted.push_back(submit("quick"));
  stop(10s);
  for (const auto& id : submitted) {
    auto record = partition_state{db, 0}.find(id);
    ASSERT_TRUE(record);
    EXPECT_TRUE(completed(record->state) || record->state.status == task_status::queued)
      << name_of(record->state.status);
  }
}

TEST_F(RootTest, SecondStopIsRefused) {
  start();
  wait_until(submit("long"), running);
  auto first = self->request(top, patience, drain_request{200ms});
  auto second = self->request(top, patience, drain_request{200ms});
  second.receive([](const stop_reply&) { ADD_FAILURE() << "was taken"; },
                 [](const caf::error& error) { EXPECT_EQ(describe(error).code, ec::conflict); });
  first.receive([](const stop_reply& x) { EXPECT_EQ(x.requeued, 1u); },
                [](const caf::error& error) { ADD_FAILURE() << describe(error).message; });
  caf::anon_send_exit(gateway_handle, caf::exit_reason::kill);
  caf::anon_send_exit(tap, caf::exit_reason::kill);
  top = nullptr;
}

} // namespace

} // namespace overwatch::test
