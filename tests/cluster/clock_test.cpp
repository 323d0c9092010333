// A clock that is set back and forth while a node runs. The node's wall clock is libfaketime's, which reads its
// offset from a file; its monotonic clock is the kernel's.

#include "tests/cluster/node_fixture.hpp"
#include "tests/support/process/eventually.hpp"
#include "tests/support/process/node_api.hpp"

#include <filesystem>
#include <fstream>

namespace overwatch {

namespace {

class ClockTest : public node_fixture {
protected:
  void SetUp() override {
    const char* library = nullptr;
    for (const auto* x : {"/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
                          "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"})
      if (std::filesystem::exists(x))
        library = x;
    if (library == nullptr)
      GTEST_SKIP() << "libfaketime is not installed";
    set_clock("+0");
    options_.environment = {std::string{"LD_PRELOAD="} + library, "FAKETIME_TIMESTAMP_FILE=" + offset_file(),
                            "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"};
    start();
  }

  std::string offset_file() const { return files_.path() + "/offset"; }

  /// The offset comes in one piece: a half-written file is never read.
  void set_clock(const std::string& offset) {
    std::ofstream{offset_file() + ".new"} << offset << "\n";
    std::filesystem::rename(offset_file() + ".new", offset_file());
  }

  timestamp node_time() { return support::parse_time(text_at(client_->object("/health"), "timestamp")); }

  support::scratch_directory files_;
};

TEST_F(ClockTest, ClockThatGoesBackLosesAndStallsNothing) {
  auto real = node_time();
  auto before = client_->submit(typed_task("noop"));
  client_->ended(before);
  auto soon = typed_task("noop");
  soon["retry"] = {{"max_attempts", 2}, {"base", "300ms"}};
  set_clock("-1h");
  ASSERT_LT(node_time(), real - std::chrono::minutes{30}) << "the clock was not set back";
  auto after = client_->submit(soon);
  EXPECT_EQ(text_at(client_->ended(after), "status"), "completed");
  EXPECT_LT(before, after) << "ids sort by the order of their making, whatever the clock says";

  auto first = client_->get("/tasks?limit=1");
  EXPECT_NE(first.body.find(after), std::string::npos) << "the newest is listed first";
  auto status = client_->object("/tasks/" + after);
  EXPECT_GE(status.at("execution_time").to_number<double>(), 0.0);
  EXPECT_LT(status.at("execution_time").to_number<double>(), 60.0);
  expect_working();
  node_->kill();
  start();
  EXPECT_EQ(text_at(client_->task(before), "status"), "completed");
  EXPECT_EQ(text_at(client_->task(after), "status"), "completed");
  expect_working();
}

TEST_F(ClockTest, ScheduledTasksFollowTheClock) {
  auto later = typed_task("noop");
  later["scheduled_at"] = "+1h";
  auto id = client_->submit(later);
  EXPECT_EQ(text_at(client_->task(id), "status"), "pending");
  set_clock("-1h");
  EXPECT_EQ(text_at(client_->task(id), "status"), "pending");
  set_clock("+2h");
  EXPECT_EQ(text_at(client_->ended(id), "status"), "completed");
  expect_working();
}

} // namespace

} // namespace overwatch
