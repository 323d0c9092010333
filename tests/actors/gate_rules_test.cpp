#include "actors/gate_rules.hpp"
#include "messages/codec.hpp"

#include <gtest/gtest.h>

#include <limits>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

constexpr auto noon = timestamp{1'800'014'400s}; // a Friday, 12:00 UTC

gate_definition health() {
  gate_definition result;
  result.kind = gate_kind::health;
  result.closes_while = {"cpu_percent", comparison::above, 90, 2, 30s};
  return result;
}

gate_definition window() {
  gate_definition result;
  result.kind = gate_kind::window;
  result.windows = {{0x7F, 9 * 60, 17 * 60}};
  return result;
}

gate_record changed(const gate_record* present, const set_gate_request& request) {
  auto result = changed_gate(present, request, noon);
  if (!result)
    ADD_FAILURE() << describe(result.error()).message;
  return result ? *result : gate_record{};
}

failure fault_of(const set_gate_request& request, const gate_record* present = nullptr) {
  auto result = changed_gate(present, request, noon);
  return result ? failure{} : describe(result.error());
}

set_gate_request with(gate_definition x) { return {"g", std::move(x), std::nullopt, {}, {}}; }
set_gate_request switched(bool open) { return {"g", std::nullopt, open, {}, {}}; }

} // namespace

TEST(GateRulesTest, FaultsNameTheField) {
  auto fault = [](auto definition, auto change) {
    change(definition);
    return fault_of(with(definition)).field;
  };
  EXPECT_EQ(fault(health(), [](auto& x) { x.closes_while.metric = "cpu"; }), "/closes_while/metric");
  EXPECT_EQ(fault(health(), [](auto& x) { x.closes_while.margin = -1; }), "/closes_while/margin");
  EXPECT_EQ(fault(health(), [](auto& x) { x.closes_while.lasting = 24h + 1ms; }), "/closes_while/lasting");
  EXPECT_EQ(fault(health(), [](auto& x) { x.closes_while.threshold = std::numeric_limits<double>::infinity(); }),
            "/closes_while/threshold");
  EXPECT_EQ(fault(window(), [](auto& x) { x.windows.clear(); }), "/windows");
  EXPECT_EQ(fault(window(), [](auto& x) { x.windows.resize(65, x.windows[0]); }), "/windows");
  EXPECT_EQ(fault(window(), [](auto& x) { x.windows[0].days = 0; }), "/windows/0/days");
  EXPECT_EQ(fault(window(), [](auto& x) { x.windows[0].to = 1440; }), "/windows/0/to");
  EXPECT_EQ(fault(window(), [](auto& x) { x.time_zone = "Europe/Berln"; }), "/time_zone");
  EXPECT_EQ(fault(gate_definition{}, [](auto& x) { x.description = std::string(4097, 'x'); }), "/description");
  EXPECT_EQ(fault_of({"a/b", {}, {}, {}, {}}).field, "/name");
  EXPECT_EQ(fault_of({std::string(257, 'x'), {}, {}, {}, {}}).field, "/name");
  EXPECT_EQ(fault_of({"g", {}, {}, std::string(257, 'x'), {}}).field, "/by");
  EXPECT_EQ(fault_of({"g", {}, {}, {}, std::string(1025, 'x')}).field, "/reason");
  EXPECT_FALSE(fault_of(with(health())));
  EXPECT_FALSE(fault_of(with(window())));
}

TEST(GateRulesTest, UnknownMetricIsAnsweredWithThoseThereAre) {
  auto definition = health();
  definition.closes_while.metric = "cpu";
  EXPECT_EQ(fault_of(with(definition)).message,
            "\"cpu\" is not a metric that a gate can look at; there are: cpu_percent, memory_percent, disk_percent, "
            "load_per_core, queue_depth, running_tasks, failure_percent");
}

TEST(GateRulesTest, NewGateIsManualAndOpen) {
  auto gate = changed(nullptr, {"g", {}, {}, {}, "planned"});
  EXPECT_EQ(gate.definition.kind, gate_kind::manual);
  EXPECT_TRUE(gate.open);
  ASSERT_EQ(gate.history.size(), 1u);
  EXPECT_EQ(gate.history[0].by, "api");
  EXPECT_EQ(gate.history[0].reason, "planned");
  EXPECT_EQ(gate.history[0].time, noon);
  EXPECT_FALSE(changed(nullptr, switched(false)).open);
}

TEST(GateRulesTest, FieldsThatAreNotSetStay) {
  auto definition = gate_definition{};
  definition.description = "deployments";
  auto gate = changed(nullptr, {"g", definition, false, "ann", {}});
  gate = changed(&gate, {"g", {}, true, "bob", "done"});
  EXPECT_EQ(gate.definition.description, "deployments");
  ASSERT_EQ(gate.history.size(), 2u);
  EXPECT_EQ(gate.history[0].by, "bob");
  EXPECT_TRUE(gate.history[0].open);
  definition.description = "all deployments";
  gate = changed(&gate, {"g", definition, {}, {}, {}});
  EXPECT_TRUE(gate.open);
}

TEST(GateRulesTest, WhatChangesNothingLeavesNoEntry) {
  auto gate = changed(nullptr, switched(false));
  EXPECT_EQ(encode(changed(&gate, switched(false))), encode(gate));
  EXPECT_EQ(changed(&gate, {"g", {}, false, {}, "still"}).history.size(), 2u) << "a reason is worth noting";
}

TEST(GateRulesTest, HistoryIsBounded) {
  auto gate = changed(nullptr, switched(false));
  for (int i = 0; i < 300; ++i)
    gate = changed(&gate, switched(i % 2 == 0));
  EXPECT_EQ(gate.history.size(), max_gate_history);
  EXPECT_EQ(gate.history[0].open, gate.open);
}

TEST(GateRulesTest, KindsThatJudgeThemselvesCannotBeSwitched) {
  for (const auto& definition : {health(), window()}) {
    auto gate = changed(nullptr, with(definition));
    auto fault = fault_of(switched(true), &gate);
    EXPECT_EQ(fault.field, "/open");
    EXPECT_NE(fault.message.find("by itself"), std::string::npos);
    EXPECT_EQ(fault_of({"g", definition, false, {}, {}}).field, "/open");
  }
  auto approval = gate_definition{};
  approval.kind = gate_kind::approval;
  EXPECT_NE(fault_of({"g", approval, true, {}, {}}).message.find("approving the task"), std::string::npos);
}

TEST(GateRulesTest, KindDecidesWhatAGateIsAtFirst) {
  EXPECT_TRUE(changed(nullptr, with(health())).open);
  EXPECT_TRUE(changed(nullptr, with(window())).open);
  auto night = window();
  night.windows[0] = {0x7F, 22 * 60, 6 * 60};
  EXPECT_FALSE(changed(nullptr, with(night)).open);
  auto approval = gate_definition{};
  approval.kind = gate_kind::approval;
  EXPECT_FALSE(changed(nullptr, with(approval)).open);
}

TEST(GateRulesTest, OtherKindBeginsAnew) {
  auto gate = changed(nullptr, switched(false));
  gate = changed(&gate, with(health()));
  EXPECT_TRUE(gate.open) << "until it was judged";
  switch_gate(gate, false, "gate_manager", "cpu_percent is 99", noon);
  auto stricter = health();
  stricter.closes_while.threshold = 80;
  EXPECT_FALSE(changed(&gate, with(stricter)).open) << "what holds is judged again, not forgotten";
}

} // namespace overwatch
