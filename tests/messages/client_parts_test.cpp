#include "messages/client/handler_threads.hpp"
#include "messages/client/probe.hpp"
#include "messages/client/remote_attempt.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

constexpr auto patience = 60s;

claimed_attempt claimed() {
  claimed_attempt x;
  auto spec = std::make_shared<task_spec>();
  spec->id = {1, 2};
  x.task = {spec, std::make_shared<const std::string>(R"({"a":1})")};
  x.fence = {7, 3};
  return x;
}

} // namespace

TEST(RemoteAttemptTest, ShowsItsTask) {
  remote_attempt attempt{claimed()};
  EXPECT_EQ(attempt.task().id, (task_id{1, 2}));
  EXPECT_EQ(attempt.payload(), R"({"a":1})");
  EXPECT_EQ(attempt.number(), 3u);
}

TEST(RemoteAttemptTest, ReportsOnceWhatIsNew) {
  remote_attempt attempt{claimed()};
  attempt.progress(10, "begun");
  attempt.progress(40, "half");
  attempt.log(log_level::warning, "careful", R"({"b":2})");
  auto beat = attempt.take_beat();
  EXPECT_EQ(beat.fence, (fencing_token{7, 3}));
  EXPECT_EQ(beat.percent, 40);
  EXPECT_EQ(beat.message, "half");
  ASSERT_EQ(beat.lines.size(), 1u);
  EXPECT_EQ(beat.lines[0].level, log_level::warning);
  auto next = attempt.take_beat();
  EXPECT_FALSE(next.percent);
  EXPECT_TRUE(next.lines.empty());
}

TEST(RemoteAttemptTest, KeepsTheNewestLines) {
  remote_attempt attempt{claimed()};
  for (size_t i = 0; i < worker_limits::lines + 5; ++i)
    attempt.log(log_level::info, std::to_string(i));
  auto lines = attempt.take_beat().lines;
  ASSERT_EQ(lines.size(), worker_limits::lines);
  EXPECT_EQ(lines.front().message, "5");
}

TEST(RemoteAttemptTest, FirstReasonToStopCountsAndWakesTheHandler) {
  remote_attempt attempt{claimed()};
  EXPECT_FALSE(attempt.wait_for(0ms));
  auto handler = std::async(std::launch::async, [&] { return attempt.wait_for(patience); });
  attempt.stop(stop_reason::timeout);
  attempt.stop(stop_reason::cancelled);
  EXPECT_TRUE(handler.get());
  EXPECT_EQ(attempt.reason(), stop_reason::timeout);
}

TEST(HandlerThreadsTest, RunsAsManyAtOnceAsItMay) {
  std::promise<void> both;
  std::atomic<int> running{0};
  auto opened = both.get_future().share();
  handler_threads threads{2};
  for (int i = 0; i < 2; ++i)
    threads.run([&, opened] {
      if (++running == 2)
        both.set_value();
      EXPECT_EQ(opened.wait_for(patience), std::future_status::ready);
    });
  opened.wait();
}

TEST(HandlerThreadsTest, RunsEverythingBeforeItEnds) {
  std::atomic<int> ran{0};
  {
    handler_threads threads{2};
    for (int i = 0; i < 100; ++i)
      threads.run([&] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

TEST(ProbeTest, PortThatNobodyListensAtIsClosed) {
  EXPECT_FALSE(can_connect("127.0.0.1", 1, 1s));
  EXPECT_FALSE(can_connect("no.such.host.invalid", 80, 1s));
}

TEST(WorkerIdTest, NamesItsNode) {
  EXPECT_EQ(node_of_worker("node-1:0123456789abcdef"), "node-1");
  EXPECT_EQ(node_of_worker("a:b:0123456789abcdef"), "a:b");
  EXPECT_EQ(node_of_worker("nonsense"), "");
}

} // namespace overwatch
