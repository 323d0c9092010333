#include "actors/handler.hpp"

#include <gtest/gtest.h>

#include <poll.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <thread>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

bool readable(int fd) {
  pollfd x{fd, POLLIN, 0};
  return ::poll(&x, 1, 0) == 1 && (x.revents & POLLIN) != 0;
}

struct attempt {
  std::shared_ptr<cancellation> stop = std::make_shared<cancellation>();
  std::shared_ptr<attempt_report> report = std::make_shared<attempt_report>();
  attempt_context context{
    std::make_shared<task_spec>(), std::make_shared<const std::string>("{}"), {7, 3}, stop, report};
};

} // namespace

TEST(AttemptReportTest, KeepsTheNewestLinesInOrderAndCountsTheRest) {
  attempt_report report;
  for (int i = 0; i < 250; ++i)
    report.log(log_level::info, std::to_string(i), {});
  auto content = report.take();
  ASSERT_EQ(content.lines.size(), attempt_report::max_lines);
  EXPECT_EQ(content.dropped, 150u);
  for (size_t i = 0; i < content.lines.size(); ++i)
    EXPECT_EQ(content.lines[i].message, std::to_string(150 + i));
}

TEST(AttemptReportTest, TakingEmptiesIt) {
  attempt_report report;
  EXPECT_TRUE(report.take().empty());
  for (int i = 0; i < 130; ++i)
    report.log(log_level::info, "old", {});
  report.progress(1, {});
  EXPECT_FALSE(report.take().empty());
  EXPECT_TRUE(report.take().empty());
  report.log(log_level::warning, "new", "{\"a\":1}");
  auto content = report.take();
  ASSERT_EQ(content.lines.size(), 1u);
  EXPECT_EQ(content.lines[0].message, "new");
  EXPECT_EQ(content.lines[0].level, log_level::warning);
  EXPECT_EQ(content.lines[0].data, "{\"a\":1}");
  EXPECT_EQ(content.dropped, 0u);
}

TEST(AttemptReportTest, NewestProgressCountsAndStaysInItsBounds) {
  attempt_report report;
  auto percent = [&](double x) {
    report.progress(50, "old");
    report.progress(x, "new");
    auto content = report.take();
    EXPECT_TRUE(content.has_progress);
    EXPECT_EQ(content.message, "new");
    return content.percent;
  };
  EXPECT_EQ(percent(12.5), 12.5);
  EXPECT_EQ(percent(-1), 0);
  EXPECT_EQ(percent(1e9), 100);
  EXPECT_EQ(percent(std::nan("")), 0);
  EXPECT_EQ(percent(std::numeric_limits<double>::infinity()), 0);
}

TEST(AttemptReportTest, LongTextIsCutBetweenCharacters) {
  const std::string euro = "\xE2\x82\xAC";
  for (size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'a');
    while (text.size() <= task_limits::message_bytes)
      text += euro;
    attempt_report report;
    report.log(log_level::info, text, {});
    auto kept = report.take().lines.at(0).message;
    EXPECT_LE(kept.size(), task_limits::message_bytes);
    EXPECT_GE(kept.size(), task_limits::message_bytes - 8);
    ASSERT_EQ(kept.substr(kept.size() - 3), "...");
    kept.resize(kept.size() - 3);
    EXPECT_EQ((kept.size() - shift) % 3, 0u) << "ends within a character";
    EXPECT_EQ(kept, text.substr(0, kept.size()));
  }
}

TEST(AttemptReportTest, TextOfTheLimitStaysWhole) {
  attempt_report report;
  std::string text(task_limits::message_bytes, 'x');
  report.log(log_level::info, text, text);
  report.log(log_level::info, "data is too long", text + 'x');
  auto lines = report.take().lines;
  EXPECT_EQ(lines[0].message, text);
  EXPECT_EQ(lines[0].data, text);
  EXPECT_EQ(lines[1].data, "") << "half a JSON text is none";
}

TEST(AttemptReportTest, ManyThreadsMayReport) {
  attempt_report report;
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n)
    threads.emplace_back([&] {
      for (int i = 0; i < 1'000; ++i) {
        report.log(log_level::info, "line", {});
        report.progress(i / 10.0, "text");
      }
    });
  size_t lines = 0;
  auto count = [&] {
    auto content = report.take();
    lines += content.lines.size() + content.dropped;
  };
  for (int i = 0; i < 100; ++i)
    count();
  for (auto& x : threads)
    x.join();
  count();
  EXPECT_EQ(lines, 4'000u);
}

TEST(HandlerRegistryTest, TakesWellFormedNamesOnly) {
  handler_registry registry;
  auto nothing = [](const attempt_context&) { return outcome::completed(); };
  for (const auto& name : std::vector<std::string>{"a", "user_task", "v1.2-x", std::string(64, 'z')})
    EXPECT_NO_THROW(registry.add(name, nothing)) << name;
  for (const auto& name : std::vector<std::string>{"", "Upper", "two words", "a/b", "\xC3\xA9", std::string(65, 'z'),
                                                   std::string("a\0b", 3)})
    EXPECT_THROW(registry.add(name, nothing), std::invalid_argument) << name;
  EXPECT_EQ(registry.entries().size(), 4u);
}

TEST(HandlerRegistryTest, SecondOneReplacesTheFirst) {
  handler_registry registry;
  registry.add("a", [](const attempt_context&) { return outcome::completed("1"); });
  registry.add("a", [](const attempt_context&) { return outcome::completed("2"); });
  ASSERT_EQ(registry.entries().size(), 1u);
  EXPECT_EQ(registry.entries().at("a").run(attempt{}.context).result, "2");
}

TEST(CancellationTest, FirstCauseCounts) {
  attempt x;
  EXPECT_FALSE(x.context.stopping());
  x.stop->request(cancellation::cause::timeout);
  x.stop->request(cancellation::cause::cancelled);
  EXPECT_TRUE(x.context.stopping());
  EXPECT_EQ(x.context.stop_cause(), cancellation::cause::timeout);
}

TEST(CancellationTest, WaitEndsWhenStoppingIsAskedFor) {
  attempt x;
  EXPECT_FALSE(x.context.wait_for(1ms));
  std::thread other{[&] { x.stop->request(cancellation::cause::shutdown); }};
  EXPECT_TRUE(x.context.wait_for(60s));
  other.join();
  EXPECT_TRUE(x.context.wait_for(0ms));
}

TEST(CancellationTest, DescriptorBecomesReadable) {
  attempt x;
  auto fd = x.context.stop_fd();
  EXPECT_FALSE(readable(fd));
  x.stop->request(cancellation::cause::cancelled);
  EXPECT_TRUE(readable(fd));
  EXPECT_EQ(x.context.stop_fd(), fd);
}

TEST(CancellationTest, DescriptorMadeAfterTheRequestIsReadableAtOnce) {
  attempt x;
  x.stop->request(cancellation::cause::deadline);
  EXPECT_TRUE(readable(x.context.stop_fd()));
}

} // namespace overwatch
