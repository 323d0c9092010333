#include "tests/actors/played_gates.hpp"

namespace overwatch {

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

TEST_F(GateManagerTest, ChangeIsAnsweredOnceAllPartitionsHaveIt) {
  mirror = failure{ec::unavailable, {}, "partition 1 does not have it yet"};
  run_manager();
  failure fault;
  set({"deploy", {}, false, {}, {}}, &fault);
  EXPECT_EQ(fault.message, mirror->message);
  EXPECT_FALSE(gate("deploy").open) << "it is stored";
  fault = {};
  set({"deploy", {}, false, {}, {}}, &fault);
  EXPECT_EQ(fault.message, mirror->message) << "also when there is nothing to change";
  mirror = failure{};
  EXPECT_FALSE(set({"deploy", {}, false, {}, {}}).open);
  EXPECT_EQ(node.proposals, 1u);
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

} // namespace overwatch
