#include "config/log.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace overwatch;
using testing::HasSubstr;

namespace {

class LogTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "overwatch-log-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    values_.log.file = (directory_ / "node.log").string();
  }

  void TearDown() override {
    stop_logging();
    set_log_level(severity::info);
    std::filesystem::remove_all(directory_);
  }

  std::vector<std::string> written() {
    stop_logging();
    std::vector<std::string> lines;
    std::ifstream in{values_.log.file};
    for (std::string line; std::getline(in, line);)
      lines.push_back(line);
    return lines;
  }

  std::filesystem::path directory_;
  settings values_;
};

} // namespace

TEST_F(LogTest, AFileGetsJsonLines) {
  start_logging(values_);
  log_line(severity::info, "scheduler", "started", {{"task", "a\nb"}, {"attempt", 1}});
  auto lines = written();
  ASSERT_EQ(lines.size(), 1u);
  auto parsed = boost::json::parse(lines[0]).as_object();
  EXPECT_EQ(parsed.at("message").as_string(), "started");
  EXPECT_EQ(parsed.at("task").as_string(), "a\nb");
  EXPECT_EQ(parsed.at("attempt").as_int64(), 1);
}

TEST_F(LogTest, TheTextFormCanBeChosen) {
  values_.log.format = "text";
  start_logging(values_);
  log_line(severity::error, "journal", "disk full {} %s", {{"free", 0}});
  auto lines = written();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], testing::EndsWith("error   journal    disk full {} %s free=0"));
}

TEST_F(LogTest, TheLevelFiltersAndChangesLive) {
  values_.log.level = "warning";
  start_logging(values_);
  EXPECT_FALSE(log_enabled(severity::info));
  log_line(severity::info, "a", "hidden");
  log_line(severity::warning, "a", "shown");
  set_log_level(severity::trace);
  log_line(severity::trace, "a", "shown, too");
  auto lines = written();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[1], HasSubstr("shown, too"));
}

TEST_F(LogTest, FilesAreRotatedAndTheOldestDeleted) {
  values_.log.max_file_mb = 1;
  values_.log.max_files = 2;
  for (int round = 0; round < 5; ++round) {
    start_logging(values_); // each stop writes all of the round: nothing is dropped
    for (int i = 0; i < 200; ++i)
      log_line(severity::info, "a", std::string(log_limits::message_bytes, 'x'));
    stop_logging();
  }
  size_t files = 0;
  for (auto& entry : std::filesystem::directory_iterator{directory_}) {
    ++files;
    EXPECT_LE(entry.file_size(), 1024u * 1024u);
  }
  EXPECT_EQ(files, 3u);
}

TEST_F(LogTest, AStoppedReaderBlocksNobodyAndLinesAreCounted) {
  // A FIFO that nobody reads from takes 64 KiB; then the log's thread hangs in write().
  ASSERT_EQ(mkfifo(values_.log.file.c_str(), 0600), 0);
  int reader = open(values_.log.file.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  start_logging(values_);
  auto before = dropped_log_lines();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([] {
      for (size_t i = 0; i < 2 * log_limits::queue_lines; ++i)
        log_line(severity::info, "a", "a line that is long enough to fill the pipe soon");
    });
  for (auto& thread : threads)
    thread.join();
  EXPECT_GT(dropped_log_lines(), before);
  // Reading on lets the log end; what is still queued is the newest.
  std::thread drain{[reader] {
    fcntl(reader, F_SETFL, 0);
    char buffer[65536];
    while (read(reader, buffer, sizeof buffer) > 0) {
    }
  }};
  stop_logging();
  drain.join();
  close(reader);
}

TEST_F(LogTest, AFileThatCannotBeOpenedLeavesStandardError) {
  values_.log.file = (directory_ / "node.log" / "below").string();
  std::ofstream{directory_ / "node.log"} << "a file, not a directory";
  testing::internal::CaptureStderr();
  start_logging(values_);
  log_line(severity::info, "a", "still there");
  stop_logging();
  auto text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("the log file cannot be opened"));
  EXPECT_THAT(text, HasSubstr("still there"));
}

TEST_F(LogTest, WithoutStartOnlyWarningsAreWritten) {
  testing::internal::CaptureStderr();
  log_line(severity::info, "a", "hidden");
  log_line(severity::warning, "a", "shown");
  auto text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, testing::Not(HasSubstr("hidden")));
  EXPECT_THAT(text, HasSubstr("shown"));
}

TEST_F(LogTest, StartAndStopMayRaceWithWriters) {
  std::atomic<bool> done{false};
  std::thread writer{[&] {
    while (!done)
      log_line(severity::info, "a", "line");
  }};
  for (int i = 0; i < 20; ++i) {
    start_logging(values_);
    stop_logging();
  }
  done = true;
  writer.join();
}

TEST_F(LogTest, LevelsAreReadInAnyCase) {
  EXPECT_EQ(parse_severity("WARNING"), severity::warning);
  EXPECT_EQ(parse_severity("info"), severity::info);
  EXPECT_EQ(parse_severity("loud"), std::nullopt);
}
