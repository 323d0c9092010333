#include "actors/rule_book.hpp"

#include <gmock/gmock.h>

using namespace std::chrono_literals;

namespace overwatch::test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RuleBookTest : public ::testing::Test {
protected:
  RuleBookTest() {
    shipped.name = "Health";
    shipped.definition.description = "ships";
    shipped.definition.task_json = R"({"name":"h"})";
    book.ship(shipped);
  }

  static rule_definition definition() {
    rule_definition x;
    x.make = "return {name = 'a'}";
    return x;
  }

  void add(const std::string& name, rule_definition x) {
    auto record = book.put(name, std::move(x));
    ASSERT_TRUE(record);
    book.stored(*record);
  }

  static failure fault_of(const caf::expected<rule_record>& x) { return x ? failure{} : describe(x.error()); }

  rule_decision decide(const std::string& name, bool holds) { return decide_rule(*book.find(name), holds, now); }

  void judge(const std::string& name, bool holds) { book.judged(name, holds, {}, now); }

  rule_book book;
  rule_record shipped;
  timestamp now{24h * 20'000};
};

// -- when it fires -------------------------------------------------------------

TEST_F(RuleBookTest, ConditionThatHoldsFires) {
  add("a", definition());
  judge("a", false);
  EXPECT_FALSE(decide("a", false).fires);
  judge("a", true);
  EXPECT_TRUE(decide("a", true).fires);
}

TEST_F(RuleBookTest, ConditionMustHoldForAWhile) {
  auto x = definition();
  x.holds_for = 60s;
  add("a", x);
  EXPECT_FALSE(decide("a", true).fires) << "a first look is not enough";
  judge("a", true);
  now += 59s;
  judge("a", true);
  EXPECT_FALSE(decide("a", true).fires);
  EXPECT_EQ(decide("a", true).why, "its condition has held for 59 s; it fires after 60 s");
  now += 1s;
  judge("a", true);
  EXPECT_TRUE(decide("a", true).fires);
}

TEST_F(RuleBookTest, OneNoStartsTheWhileAnew) {
  auto x = definition();
  x.holds_for = 60s;
  add("a", x);
  judge("a", true);
  now += 50s;
  judge("a", false);
  now += 10s;
  judge("a", true);
  now += 50s;
  EXPECT_FALSE(decide("a", true).fires);
  now += 10s;
  EXPECT_TRUE(decide("a", true).fires);
}

TEST_F(RuleBookTest, ErrorStartsTheWhileAnew) {
  auto x = definition();
  x.holds_for = 60s;
  add("a", x);
  judge("a", true);
  now += 30s;
  book.judged("a", false, "condition:1: no", now);
  now += 30s;
  judge("a", true);
  EXPECT_FALSE(decide("a", true).fires);
}

TEST_F(RuleBookTest, CooldownHoldsItBack) {
  auto x = definition();
  x.cooldown = 300s;
  add("a", x);
  judge("a", true);
  book.stored(book.after_firing("a", {}, now));
  now += 299s;
  EXPECT_FALSE(decide("a", true).fires);
  EXPECT_EQ(decide("a", true).why, "it fired 299 s ago; its cooldown is 300 s");
  now += 1s;
  EXPECT_TRUE(decide("a", true).fires);
}

TEST_F(RuleBookTest, ClockThatWasSetBackStopsNoRule) {
  auto x = definition();
  x.cooldown = 300s;
  add("a", x);
  judge("a", true);
  book.stored(book.after_firing("a", {}, now));
  now -= 24h * 365;
  judge("a", true);
  EXPECT_FALSE(decide("a", true).fires) << "a cooldown from here on";
  now += 300s;
  judge("a", true);
  EXPECT_TRUE(decide("a", true).fires);
}

TEST_F(RuleBookTest, SwitchedOffItDoesNotFire) {
  auto x = definition();
  x.enabled = false;
  add("a", x);
  EXPECT_FALSE(decide("a", true).fires);
  EXPECT_THAT(book.to_judge(), ElementsAre("Health"));
}

TEST_F(RuleBookTest, EventFiringsAreBounded) {
  add("a", definition());
  for (size_t i = 0; i < max_event_firings; ++i)
    EXPECT_TRUE(book.count_event_firing("a", now));
  EXPECT_FALSE(book.count_event_firing("a", now));
  EXPECT_TRUE(book.count_event_firing("Health", now)) << "another's";
  now += event_firing_window;
  EXPECT_TRUE(book.count_event_firing("a", now));
  EXPECT_FALSE(book.count_event_firing("nobody", now));
}

// -- what became of it ---------------------------------------------------------

TEST_F(RuleBookTest, FiringIsCounted) {
  add("a", definition());
  for (uint64_t i = 1; i <= 7; ++i)
    book.stored(book.after_firing("a", {task_id{i, 1}, task_id{i, 2}}, now));
  const auto& record = *book.find("a");
  EXPECT_EQ(record.fired, 7u);
  EXPECT_EQ(record.created, 14u);
  ASSERT_THAT(record.tasks, SizeIs(max_rule_tasks));
  EXPECT_EQ(record.tasks.front(), (task_id{7, 2})) << "newest first";
}

TEST_F(RuleBookTest, OnlyANewErrorIsNews) {
  add("a", definition());
  EXPECT_FALSE(book.judged("a", true, {}, now));
  EXPECT_TRUE(book.judged("a", false, "condition:1: no", now));
  EXPECT_EQ(book.find("a")->failed_at, now);
  now += 60s;
  EXPECT_FALSE(book.judged("a", false, "condition:1: no", now));
  EXPECT_TRUE(book.judged("a", false, "condition:2: no", now));
  EXPECT_TRUE(book.judged("a", false, {}, now)) << "it went well again";
  EXPECT_FALSE(book.find("a")->failed_at);
  book.judged("a", false, std::string(1'000'000, 'x'), now);
  EXPECT_EQ(book.find("a")->error.size(), task_limits::message_bytes);
}

TEST_F(RuleBookTest, NewDefinitionKeepsTheHistory) {
  auto x = definition();
  x.cooldown = 300s;
  add("a", x);
  book.stored(book.after_firing("a", {task_id{1, 1}}, now));
  book.judged("a", true, "make:1: no", now);
  x.make = "return nil";
  add("a", x);
  const auto& record = *book.find("a");
  EXPECT_EQ(record.fired, 1u);
  EXPECT_THAT(record.error, IsEmpty());
  EXPECT_FALSE(record.holds_since);
  now += 1s;
  EXPECT_FALSE(decide("a", true).fires) << "the cooldown is not escaped by a new definition";
}

// -- from the store ------------------------------------------------------------

TEST_F(RuleBookTest, CooldownHoldsOverARestart) {
  auto x = definition();
  x.cooldown = 300s;
  x.holds_for = 10s;
  add("a", x);
  judge("a", true);
  now += 10s;
  auto durable = book.after_firing("a", {}, now);
  rule_book next;
  next.load(durable);
  EXPECT_FALSE(next.find("a")->holds_since) << "nobody looked meanwhile";
  now += 100s;
  next.judged("a", true, {}, now);
  now += 100s;
  EXPECT_FALSE(decide_rule(*next.find("a"), true, now).fires);
  now += 100s;
  EXPECT_TRUE(decide_rule(*next.find("a"), true, now).fires);
}

TEST_F(RuleBookTest, BuiltInRuleStaysSwitchedOff) {
  rule_definition off;
  off.enabled = false;
  off.cooldown = 5s;
  auto durable = book.put("Health", off);
  ASSERT_TRUE(durable);
  rule_book next;
  auto newer = shipped;
  newer.definition.task_json = R"({"name":"of a newer version"})";
  next.ship(newer);
  next.load(*durable);
  const auto& record = *next.find("Health");
  EXPECT_FALSE(record.definition.enabled);
  EXPECT_EQ(record.definition.cooldown, 5s);
  EXPECT_EQ(record.definition.task_json, newer.definition.task_json) << "what it does comes with the program";
  EXPECT_TRUE(record.built_in);
  EXPECT_THAT(next.to_judge(), IsEmpty());
}

TEST_F(RuleBookTest, BuiltInRuleThatIsGoneIsLeftOut) {
  auto gone = shipped;
  gone.name = "of an older version";
  gone.built_in = true;
  book.load(gone);
  EXPECT_EQ(book.find("of an older version"), nullptr);
}

// -- what is refused -----------------------------------------------------------

TEST_F(RuleBookTest, FaultsNameTheField) {
  auto field = [&](auto change) {
    auto x = definition();
    change(x);
    return fault_of(book.put("a", x)).field;
  };
  EXPECT_EQ(field([](auto& x) { x.make.clear(); }), "/task");
  EXPECT_EQ(field([](auto& x) { x.task_json = "{}"; }), "/make");
  EXPECT_EQ(field([](auto& x) { x.make.resize(max_chunk_bytes + 1); }), "/make");
  EXPECT_EQ(field([](auto& x) { x.condition.resize(max_chunk_bytes + 1); }), "/condition");
  EXPECT_EQ(field([](auto& x) { x.holds_for = -1ms; }), "/for");
  EXPECT_EQ(field([](auto& x) { x.cooldown = 24h * 31; }), "/cooldown");
  EXPECT_EQ(field([](auto& x) { x.description.resize(5'000); }), "/description");
  EXPECT_EQ(field([](auto& x) { x.on = {event_kind::task_failed, event_kind::task_log}; }), "/on/1");
  EXPECT_EQ(field([](auto& x) { x.on = {event_kind::task_failed, event_kind::task_failed}; }), "/on/1");
  EXPECT_EQ(fault_of(book.put("", definition())).field, "/name");
  EXPECT_EQ(fault_of(book.put(std::string(257, 'x'), definition())).field, "/name");
  EXPECT_TRUE(book.put(std::string(256, 'x'), definition()));
  EXPECT_THAT(book.list(), SizeIs(1)) << "nothing of it is durable";
}

TEST_F(RuleBookTest, BuiltInRuleCannotBeRewritten) {
  EXPECT_EQ(fault_of(book.put("Health", definition())).field, "/make");
  auto same = shipped.definition;
  same.enabled = false;
  EXPECT_TRUE(book.put("Health", same)) << "what was read can be sent back";
  same.condition = "false";
  EXPECT_EQ(fault_of(book.put("Health", same)).field, "/condition");
  EXPECT_EQ(fault_of(book.remove("Health")).code, ec::conflict);
}

TEST_F(RuleBookTest, RemovedIsGone) {
  add("a", definition());
  EXPECT_TRUE(book.remove("a"));
  book.removed("a");
  EXPECT_EQ(fault_of(book.remove("a")).code, ec::not_found);
}

TEST_F(RuleBookTest, NumberOfRulesIsBounded) {
  for (size_t i = 1; i < max_rules; ++i)
    add("r" + std::to_string(i), definition());
  EXPECT_EQ(fault_of(book.put("one more", definition())).code, ec::overloaded);
  EXPECT_TRUE(book.put("r1", definition()));
}

// -- who is judged -------------------------------------------------------------

TEST_F(RuleBookTest, BuiltInRulesComeFirst) {
  add("a", definition());
  auto second = shipped;
  second.name = "Another";
  book.ship(second);
  EXPECT_THAT(book.to_judge(), ElementsAre("Health", "Another", "a"));
}

TEST_F(RuleBookTest, EventsReachThoseThatListen) {
  EXPECT_FALSE(book.listens());
  auto x = definition();
  x.on = {event_kind::task_failed, event_kind::gate_closed};
  add("a", x);
  EXPECT_TRUE(book.listens());
  EXPECT_THAT(book.listening(event_kind::task_failed), ElementsAre("a"));
  EXPECT_THAT(book.listening(event_kind::task_completed), IsEmpty());
  x.enabled = false;
  add("a", x);
  EXPECT_FALSE(book.listens());
  EXPECT_THAT(book.listening(event_kind::task_failed), IsEmpty());
}

} // namespace overwatch::test
