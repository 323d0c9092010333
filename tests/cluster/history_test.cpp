#include "tests/cluster/history.hpp"

#include <gmock/gmock.h>

namespace overwatch {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

request_time during(int begin, int end) {
  auto at = [](int second) { return std::chrono::steady_clock::time_point{std::chrono::seconds{second}}; };
  return {at(begin), at(end)};
}

task_sight running(const std::string& id, uint64_t attempt) { return {id, "name of " + id, attempt, {}, false}; }

task_sight ended(const std::string& id, const std::string& outcome = "completed at 5", uint64_t attempt = 1) {
  return {id, "name of " + id, attempt, outcome, false};
}

task_sight recorded(task_sight x) {
  x.records = true;
  return x;
}

class HistoryTest : public ::testing::Test {
protected:
  void acknowledge(const request_time& when, const std::string& id) {
    all_.submitted(when, "name of " + id, change_answer::acknowledged, id);
  }

  void expect_only(const std::string& part) { EXPECT_THAT(all_.violations(), ElementsAre(HasSubstr(part))); }

  history all_;
};

TEST_F(HistoryTest, WhatAGoodClusterDoesIsNoViolation) {
  acknowledge(during(1, 2), "t");
  all_.submitted(during(1, 9), "name of u", change_answer::unknown); // it may be there or not
  all_.submitted(during(1, 9), "name of v", change_answer::unknown);
  all_.submitted(during(1, 2), "name of w", change_answer::refused);
  all_.saw(during(3, 4), running("t", 1), read_level::current);
  all_.saw(during(5, 6), running("t", 2), read_level::current);
  all_.saw(during(5, 8), running("t", 1), read_level::current); // began before the other one had ended
  all_.saw(during(9, 10), recorded(ended("t", "completed at 5", 2)), read_level::current);
  all_.saw(during(11, 12), running("t", 1), read_level::local);
  all_.started("t", 1);
  all_.started("t", 2);
  all_.wrote(during(1, 2), "k", 1, change_answer::acknowledged);
  all_.wrote(during(3, 9), "k", 2, change_answer::unknown);
  all_.read(during(4, 5), "k", 1, read_level::current);
  all_.read(during(4, 6), "k", 2, read_level::current);
  all_.read(during(10, 11), "k", 0, read_level::local);
  all_.listed("a", {recorded(ended("t", "completed at 5", 2)), ended("u")});
  EXPECT_THAT(all_.violations(), IsEmpty());
}

TEST_F(HistoryTest, LostTaskIsFound) {
  acknowledge(during(1, 2), "t");
  all_.listed("a", {});
  expect_only("acknowledged and is lost");
}

TEST_F(HistoryTest, TaskThatNeverEndsIsFound) {
  acknowledge(during(1, 2), "t");
  all_.listed("a", {running("t", 1)});
  expect_only("has not ended");
}

TEST_F(HistoryTest, DoubledSubmitIsFound) {
  acknowledge(during(1, 2), "t");
  auto twin = ended("u");
  twin.name = "name of t";
  all_.listed("a", {ended("t"), twin});
  expect_only("made two tasks");
}

TEST_F(HistoryTest, RefusedSubmitThatHappenedIsFound) {
  all_.submitted(during(1, 2), "name of t", change_answer::refused);
  all_.listed("a", {ended("t")});
  expect_only("was refused, but made task t");
}

TEST_F(HistoryTest, TaskThatIsListedTwiceIsFound) {
  acknowledge(during(1, 2), "t");
  all_.listed("a", {ended("t"), ended("t")});
  expect_only("listed twice");
}

TEST_F(HistoryTest, SecondOutcomeIsFound) {
  acknowledge(during(1, 2), "t");
  all_.saw(during(3, 4), ended("t", "completed at 3"), read_level::local);
  all_.listed("a", {ended("t", "failed at 4")});
  expect_only("has two outcomes: completed at 3; failed at 4");
}

TEST_F(HistoryTest, NodesThatListDifferentOutcomesAreFound) {
  all_.listed("a", {ended("t", "completed at 3")});
  all_.listed("b", {ended("t", "completed at 4")});
  expect_only("has two outcomes");
}

TEST_F(HistoryTest, CurrentReadThatMissesAnAcknowledgedTaskIsFound) {
  acknowledge(during(1, 2), "t");
  all_.saw_none(during(3, 4), "t", read_level::current);
  expect_only("was read as missing");
}

TEST_F(HistoryTest, CurrentReadFromBeforeAnOutcomeIsFound) {
  all_.saw(during(1, 2), ended("t"), read_level::local);
  all_.saw(during(3, 4), running("t", 1), read_level::current);
  expect_only("was read as unfinished, attempt 1 after it was known as ended");
}

TEST_F(HistoryTest, CurrentReadOfAnEarlierAttemptIsFound) {
  all_.saw(during(1, 2), running("t", 2), read_level::current);
  all_.saw(during(3, 4), running("t", 1), read_level::current);
  expect_only("was read as unfinished, attempt 1 after it was known as unfinished, attempt 2");
}

TEST_F(HistoryTest, ReadOfARegisterFromBeforeAWriteIsFound) {
  all_.wrote(during(1, 2), "k", 1, change_answer::acknowledged);
  all_.wrote(during(3, 4), "k", 2, change_answer::acknowledged);
  all_.read(during(5, 6), "k", 1, read_level::current);
  expect_only("read as 1 after it was known as 2");
}

TEST_F(HistoryTest, RegisterThatGoesBackBetweenReadsIsFound) {
  all_.wrote(during(1, 9), "k", 1, change_answer::unknown);
  all_.read(during(2, 3), "k", 1, read_level::current);
  all_.read(during(4, 5), "k", 0, read_level::current);
  expect_only("read as 0 after it was known as 1");
}

TEST_F(HistoryTest, ValueThatNobodyWroteIsFound) {
  all_.wrote(during(1, 2), "k", 1, change_answer::acknowledged);
  all_.read(during(3, 4), "k", 7, read_level::local);
  expect_only("before anybody wrote");
}

TEST_F(HistoryTest, AttemptThatBeganTwiceIsFound) {
  all_.started("t", 1);
  all_.started("t", 1);
  expect_only("attempt 1 of task t began 2 times");
}

TEST_F(HistoryTest, CompletedTaskThatNeverBeganIsFound) {
  all_.started("t", 1);
  all_.listed("a", {recorded(ended("t", "completed at 5", 2))});
  expect_only("its attempt 2 never began");
}

TEST_F(HistoryTest, CountsWhatItWasTold) {
  acknowledge(during(1, 2), "t");
  all_.submitted(during(1, 2), "u", change_answer::refused);
  all_.submitted(during(1, 2), "v", change_answer::unknown);
  all_.saw(during(3, 4), running("t", 1), read_level::local);
  all_.wrote(during(1, 2), "k", 1, change_answer::acknowledged);
  all_.read(during(1, 2), "k", 1, read_level::current);
  all_.started("t", 1);
  auto counts = all_.counts();
  EXPECT_EQ(counts.acknowledged, 1u);
  EXPECT_EQ(counts.refused, 1u);
  EXPECT_EQ(counts.unknown, 1u);
  EXPECT_EQ(counts.sights, 1u);
  EXPECT_EQ(counts.registers_written, 1u);
  EXPECT_EQ(counts.registers_read, 1u);
  EXPECT_EQ(counts.starts, 1u);
}

} // namespace

} // namespace overwatch
