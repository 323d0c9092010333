#include "actors/gate_manager.hpp"

#include "messages/codec.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

constexpr auto start = timestamp{1'800'000'000s}; // a Friday, 08:00 UTC

/// What scheduler and replica do, as far as gates go.
struct played_node {
  std::map<std::string, std::string> documents;
  stats_reply stats;
  failure fault;     ///< of every proposal
  bool hold = false; ///< proposals wait for `release`
  bool unreadable = false;
  std::vector<std::pair<put_command, caf::response_promise>> held;
  size_t proposals = 0;
  size_t stats_requests = 0;

  propose_reply apply(const put_command& put) {
    EXPECT_EQ(put.kind, document_kind::gate);
    if (put.value)
      documents[put.name] = *put.value;
    else
      documents.erase(put.name);
    return {{command_result{}}};
  }
};

caf::behavior played_scheduler(caf::event_based_actor* self, played_node* node) {
  return {
    [=](const propose_request& x) -> caf::result<propose_reply> {
      ++node->proposals;
      const auto& put = std::get<put_command>(x.commands.at(0));
      if (node->fault)
        return make_error(node->fault);
      if (!node->hold)
        return node->apply(put);
      auto promise = self->make_response_promise();
      node->held.emplace_back(put, promise);
      return caf::delegated<propose_reply>{};
    },
    [=](caf::flush_atom) {
      for (auto& [put, promise] : std::exchange(node->held, {}))
        promise.deliver(node->apply(put));
    },
  };
}

caf::behavior played_replica(caf::event_based_actor*, played_node* node) {
  return {
    [=](const documents_request& x) -> caf::result<document_page> {
      if (node->unreadable)
        return make_error(ec::unavailable, "starting");
      document_page page;
      auto i = node->documents.upper_bound(x.after);
      for (; i != node->documents.end() && page.documents.size() < x.limit; ++i)
        page.documents.push_back({i->first, std::make_shared<const std::string>(i->second), 1, start});
      page.more = i != node->documents.end();
      return page;
    },
    [=](const document_request& x) -> caf::result<document> {
      auto i = node->documents.find(x.name);
      if (i == node->documents.end())
        return make_error(ec::not_found, "no such document");
      return document{i->first, std::make_shared<const std::string>(i->second), 1, start};
    },
    [=](const stats_request&) {
      ++node->stats_requests;
      return node->stats;
    },
  };
}

} // namespace

class GateManagerTest : public ::testing::Test {
protected:
  struct config : caf::actor_system_config {
    config() {
      add_message_types<caf::id_block::overwatch>();
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  GateManagerTest() : coordinator_{dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())} {
    coordinator_.clock().current_time += 1h;
    began_ = coordinator_.clock().now();
  }

  ~GateManagerTest() override {
    for (const auto& x : spawned_)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    settle();
    coordinator_.clock().cancel_all();
  }

  void run_manager() {
    gate_manager_options options;
    options.clock = [this] { return time(); };
    options.sample = [this] {
      ++samples;
      return host;
    };
    scheduler = system_.spawn(played_scheduler, &node);
    auto replica = system_.spawn(played_replica, &node);
    manager = system_.spawn(gate_manager, options, caf::actor_cast<scheduler_actor>(scheduler),
                            caf::actor_cast<replica_actor>(replica));
    for (const auto& x : {scheduler, replica, caf::actor_cast<caf::actor>(manager)})
      spawned_.push_back(x);
    settle();
  }

  /// Applies what was held; what is proposed then is held again while `hold` is set.
  void release() {
    caf::anon_send(scheduler, caf::flush_atom::value);
    settle();
  }

  void settle() {
    while (coordinator_.try_run_once())
      continue;
  }

  /// In steps, so that what a timer starts may start the next one.
  void advance(milliseconds duration, milliseconds in_steps_of = 250ms) {
    for (auto left = duration; left > 0ms; left -= in_steps_of) {
      coordinator_.clock().advance_time(std::min(left, in_steps_of));
      settle();
    }
  }

  timestamp time() const {
    return start + std::chrono::duration_cast<std::chrono::microseconds>(coordinator_.clock().now() - began_);
  }

  /// The answer comes later: see `take`.
  template <class Request>
  auto send(const Request& request) {
    auto response = self_->request(manager, caf::infinite, request);
    settle();
    return response;
  }

  template <class Reply, class Response>
  Reply take(Response& response, failure* fault = nullptr) {
    Reply result;
    response.receive([&](Reply& reply) { result = std::move(reply); },
                     [&](caf::error& error) {
                       if (fault)
                         *fault = describe(error);
                       else
                         ADD_FAILURE() << describe(error).message;
                     });
    return result;
  }

  gate_record set(const set_gate_request& request, failure* fault = nullptr) {
    auto response = send(request);
    return take<gate_record>(response, fault);
  }

  gate_record declare(const std::string& name, const gate_definition& definition) {
    return set({name, definition, {}, {}, {}});
  }

  std::vector<gate_record> list() {
    auto response = send(gates_request{});
    return take<gates_reply>(response).gates;
  }

  gate_record gate(const std::string& name) {
    for (auto& x : list())
      if (x.name == name)
        return x;
    ADD_FAILURE() << "no gate " << name;
    return {};
  }

  static gate_definition health(const std::string& metric, double threshold, milliseconds lasting = 0ms) {
    gate_definition result;
    result.kind = gate_kind::health;
    result.closes_while = {metric, comparison::above, threshold, 5, lasting};
    return result;
  }

  static gate_definition window(uint16_t from, uint16_t to) {
    gate_definition result;
    result.kind = gate_kind::window;
    result.windows = {{0x7F, from, to}};
    return result;
  }

  played_node node;
  std::map<std::string, double> host{{"cpu_percent", 10}};
  size_t samples = 0;
  gate_manager_actor manager;
  caf::actor scheduler;

private:
  config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& coordinator_;
  caf::scoped_actor self_{system_, true};
  std::vector<caf::actor> spawned_;
  decltype(coordinator_.clock().now()) began_;
};

// -- requests ------------------------------------------------------------------

TEST_F(GateManagerTest, ChangeIsAnsweredOnceItIsApplied) {
  run_manager();
  node.hold = true;
  auto response = send(set_gate_request{"deploy", {}, false, "ann", "freeze"});
  EXPECT_TRUE(list().empty());
  EXPECT_EQ(node.held.size(), 1u);
  release();
  auto record = take<gate_record>(response);
  EXPECT_FALSE(record.open);
  EXPECT_EQ(record.history.at(0).by, "ann");
  EXPECT_EQ(encode(gate("deploy")), encode(record));
  EXPECT_EQ(node.documents.at("deploy"), encode(record));
}

TEST_F(GateManagerTest, ChangesOfOneGateAreDoneOneAfterTheOther) {
  run_manager();
  node.hold = true;
  auto first = send(set_gate_request{"deploy", {}, false, "ann", {}});
  gate_definition definition;
  definition.description = "deployments";
  auto second = send(set_gate_request{"deploy", definition, {}, "bob", {}});
  auto other = send(set_gate_request{"backup", {}, {}, {}, {}});
  EXPECT_EQ(node.held.size(), 2u) << "one of each gate";
  release();
  release();
  take<gate_record>(first);
  take<gate_record>(other);
  auto record = take<gate_record>(second);
  EXPECT_FALSE(record.open) << "it saw the first";
  EXPECT_EQ(record.definition.description, "deployments");
  EXPECT_EQ(record.history.size(), 2u);
}

TEST_F(GateManagerTest, WhatWaitsIsBounded) {
  run_manager();
  node.hold = true;
  std::vector<decltype(send(set_gate_request{}))> responses;
  for (size_t i = 0; i < max_waiting_gate_changes + 1; ++i)
    responses.push_back(send(set_gate_request{"deploy", {}, i % 2 == 0, {}, {}}));
  failure fault;
  set({"deploy", {}, true, {}, {}}, &fault);
  EXPECT_EQ(fault.code, ec::overloaded);
  node.hold = false;
  release();
  for (auto& x : responses)
    take<gate_record>(x);
  EXPECT_EQ(gate("deploy").history.size(), max_gate_history);
}

TEST_F(GateManagerTest, SameAgainIsAnsweredWithoutAChange) {
  run_manager();
  set({"deploy", {}, false, {}, {}});
  set({"deploy", {}, false, {}, {}});
  EXPECT_EQ(node.proposals, 1u);
}

TEST_F(GateManagerTest, RefusedRequestChangesNothing) {
  run_manager();
  failure fault;
  set({"a/b", {}, false, {}, {}}, &fault);
  EXPECT_EQ(fault.code, ec::invalid);
  EXPECT_EQ(fault.field, "/name");
  EXPECT_EQ(node.proposals, 0u);
  EXPECT_TRUE(list().empty());
}

TEST_F(GateManagerTest, FailedChangeLeavesWhatWas) {
  run_manager();
  set({"deploy", {}, false, {}, {}});
  node.fault = {ec::unavailable, {}, "no leader"};
  failure fault;
  set({"deploy", {}, true, {}, {}}, &fault);
  EXPECT_EQ(fault.message, "no leader");
  set({"new", {}, true, {}, {}}, &fault);
  EXPECT_EQ(list().size(), 1u);
  EXPECT_FALSE(gate("deploy").open);
  node.fault = {};
  EXPECT_TRUE(set({"deploy", {}, true, {}, {}}).open);
}

TEST_F(GateManagerTest, ChangeWhoseOutcomeIsUnknownIsLookedUp) {
  run_manager();
  set({"deploy", {}, false, {}, {}});
  node.hold = true;
  auto response = send(set_gate_request{"deploy", {}, true, {}, {}});
  auto [put, promise] = node.held.at(0);
  node.apply(put); // but the answer gets lost
  advance(31s, 1s);
  failure fault;
  take<gate_record>(response, &fault);
  EXPECT_EQ(fault.code, ec::timed_out);
  EXPECT_TRUE(gate("deploy").open);
}

TEST_F(GateManagerTest, RemovedGateIsForgotten) {
  run_manager();
  set({"deploy", {}, false, {}, {}});
  auto response = send(remove_gate_request{"deploy"});
  EXPECT_FALSE(take<gate_record>(response).open) << "what it was";
  EXPECT_TRUE(list().empty());
  EXPECT_TRUE(node.documents.empty());
  failure fault;
  response = send(remove_gate_request{"deploy"});
  take<gate_record>(response, &fault);
  EXPECT_EQ(fault.code, ec::not_found);
  EXPECT_TRUE(set({"deploy", {}, {}, {}, {}}).open) << "new";
}

TEST_F(GateManagerTest, NumberOfGatesIsBounded) {
  for (size_t i = 0; i < max_gates; ++i) {
    gate_record record;
    record.name = "g" + std::to_string(i);
    node.documents[record.name] = encode(record);
  }
  run_manager();
  EXPECT_EQ(list().size(), max_gates) << "of several pages";
  failure fault;
  set({"one more", {}, {}, {}, {}}, &fault);
  EXPECT_NE(fault.message.find("remove one first"), std::string::npos);
  EXPECT_FALSE(set({"g7", {}, false, {}, {}}).open);
}

TEST_F(GateManagerTest, GatesAreThereAfterARestart) {
  run_manager();
  set({"deploy", {}, false, "ann", "freeze"});
  run_manager();
  EXPECT_EQ(gate("deploy").history.at(0).reason, "freeze");
}

TEST_F(GateManagerTest, RequestsWaitUntilTheGatesAreRead) {
  set_gate_request close{"deploy", {}, false, {}, {}};
  node.unreadable = true;
  run_manager();
  auto response = send(close);
  EXPECT_EQ(node.proposals, 0u);
  node.unreadable = false;
  advance(1s);
  EXPECT_FALSE(take<gate_record>(response).open);
}

// -- judging -------------------------------------------------------------------

TEST_F(GateManagerTest, HealthGateFollowsItsMetric) {
  run_manager();
  EXPECT_TRUE(declare("calm", health("cpu_percent", 90)).open);
  host["cpu_percent"] = 97.25;
  advance(1s);
  auto closed = gate("calm");
  EXPECT_FALSE(closed.open);
  EXPECT_EQ(closed.history.at(0).by, "gate_manager");
  EXPECT_EQ(closed.history[0].reason, "cpu_percent is 97.25, at or above 90");
  host["cpu_percent"] = 86;
  advance(5s);
  EXPECT_FALSE(gate("calm").open) << "within the margin";
  host["cpu_percent"] = 80;
  advance(1s);
  EXPECT_TRUE(gate("calm").open);
  EXPECT_EQ(gate("calm").history[0].reason, "cpu_percent is 80, back below 85");
}

TEST_F(GateManagerTest, HealthGateHasToLast) {
  run_manager();
  declare("calm", health("cpu_percent", 90, 10s));
  advance(1s);
  host["cpu_percent"] = 95;
  advance(10s);
  EXPECT_TRUE(gate("calm").open);
  advance(1s);
  EXPECT_FALSE(gate("calm").open);
  EXPECT_EQ(gate("calm").history.at(0).reason, "cpu_percent is 95, at or above 90 for 10 s");
}

TEST_F(GateManagerTest, MetricThatCannotBeReadLeavesTheGate) {
  run_manager();
  declare("calm", health("cpu_percent", 90));
  host["cpu_percent"] = 95;
  advance(1s);
  host.clear();
  advance(1min, 1s);
  EXPECT_FALSE(gate("calm").open);
}

TEST_F(GateManagerTest, ClosedHealthGateOpensAfterARestart) {
  run_manager();
  declare("calm", health("cpu_percent", 90));
  host["cpu_percent"] = 95;
  advance(1s);
  ASSERT_FALSE(gate("calm").open);
  run_manager();
  EXPECT_FALSE(gate("calm").open);
  host["cpu_percent"] = 10;
  advance(1s);
  EXPECT_TRUE(gate("calm").open);
}

TEST_F(GateManagerTest, LooksOnlyWhileThereIsAGateThatAsks) {
  run_manager();
  set({"deploy", {}, false, {}, {}});
  advance(1min, 1s);
  EXPECT_EQ(samples, 0u);
  EXPECT_EQ(node.stats_requests, 0u);
  declare("calm", health("cpu_percent", 90));
  declare("calm2", health("cpu_percent", 80));
  advance(10s);
  EXPECT_GE(samples, 10u);
  EXPECT_LE(samples, 11u);
  EXPECT_EQ(node.stats_requests, 0u);
  send(remove_gate_request{"calm"});
  send(remove_gate_request{"calm2"});
  advance(2s);
  auto before = samples;
  advance(1min, 1s);
  EXPECT_EQ(samples, before);
}

TEST_F(GateManagerTest, CountsTasks) {
  run_manager();
  declare("short queue", health("queue_depth", 100));
  declare("few running", health("running_tasks", 8));
  advance(2s);
  EXPECT_TRUE(gate("short queue").open);
  EXPECT_EQ(samples, 0u);
  node.stats.counts = {{"noop", task_status::queued, priority::normal, 60},
                       {"noop", task_status::queued, priority::low, 40},
                       {"noop", task_status::pending, priority::low, 9},
                       {"noop", task_status::running, priority::normal, 7}};
  advance(1s);
  EXPECT_FALSE(gate("short queue").open);
  EXPECT_TRUE(gate("few running").open);
}

TEST_F(GateManagerTest, CountsFailuresOfFiveMinutes) {
  run_manager();
  node.stats.failed = 1'000'000; // long ago
  declare("sound", health("failure_percent", 50));
  advance(2s);
  EXPECT_TRUE(gate("sound").open);
  node.stats.failed += 6;
  node.stats.completed += 4;
  advance(1s);
  EXPECT_FALSE(gate("sound").open);
  EXPECT_EQ(gate("sound").history.at(0).reason, "failure_percent is 60, at or above 50");
  advance(4min, 1s);
  EXPECT_FALSE(gate("sound").open);
  advance(70s, 1s);
  EXPECT_TRUE(gate("sound").open) << "that was more than five minutes ago";
}

TEST_F(GateManagerTest, JudgementThatFailsIsTriedAgain) {
  run_manager();
  declare("calm", health("cpu_percent", 90));
  declare("day", window(8 * 60 + 1, 17 * 60));
  node.fault = {ec::unavailable, {}, "no leader"};
  host["cpu_percent"] = 95;
  advance(2min, 1s);
  EXPECT_TRUE(gate("calm").open);
  EXPECT_FALSE(gate("day").open);
  node.fault = {};
  advance(1s);
  EXPECT_FALSE(gate("calm").open);
  EXPECT_TRUE(gate("day").open);
}

TEST_F(GateManagerTest, WindowOpensAndClosesAtItsEdges) {
  run_manager();
  EXPECT_FALSE(declare("day", window(9 * 60, 17 * 60)).open);
  advance(1h - 1s, 1s);
  EXPECT_FALSE(gate("day").open);
  advance(1s);
  EXPECT_TRUE(gate("day").open);
  EXPECT_EQ(gate("day").history.at(0).time, start + 1h);
  EXPECT_EQ(gate("day").history[0].reason, "a window begins");
  advance(8h, 1min);
  EXPECT_FALSE(gate("day").open);
  EXPECT_EQ(gate("day").history.at(0).time, start + 9h);
  EXPECT_EQ(node.proposals, 3u);
  EXPECT_EQ(samples, 0u);
}

TEST_F(GateManagerTest, WindowThatWasMissedIsJudgedAtTheStart) {
  gate_record record;
  record.name = "night";
  record.definition = window(22 * 60, 6 * 60);
  node.documents["night"] = encode(record); // open: it was stored at night
  run_manager();
  advance(250ms);
  EXPECT_FALSE(gate("night").open);
}

TEST_F(GateManagerTest, EdgeThatPassesDuringAChangeIsNotLost) {
  run_manager();
  declare("day", window(9 * 60, 17 * 60));
  advance(1h - 5s, 1s);
  node.hold = true;
  auto response = send(set_gate_request{"day", {}, {}, "ann", "just a note"});
  advance(10s, 1s);
  node.hold = false;
  release();
  advance(1s);
  take<gate_record>(response);
  EXPECT_TRUE(gate("day").open);
}

TEST_F(GateManagerTest, OtherWindowsCountAtOnce) {
  run_manager();
  declare("day", window(9 * 60, 17 * 60));
  EXPECT_TRUE(declare("day", window(7 * 60, 8 * 60 + 30)).open);
  advance(30min, 10s);
  EXPECT_FALSE(gate("day").open);
}

TEST_F(GateManagerTest, ApprovalGateIsNeverOpen) {
  run_manager();
  gate_definition approval;
  approval.kind = gate_kind::approval;
  EXPECT_FALSE(declare("release", approval).open);
  advance(1h, 10s);
  EXPECT_FALSE(gate("release").open);
  EXPECT_EQ(node.proposals, 1u);
}

} // namespace overwatch
