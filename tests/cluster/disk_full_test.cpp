// A disk that is really full: a small tmpfs of the test's own, which needs root. (Nothing there survives a power
// loss; what is shown here is that a killed and a full node lose nothing.)

#include "tests/cluster/node_fixture.hpp"
#include "tests/support/process/eventually.hpp"
#include "tests/support/process/program_run.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace overwatch {

namespace {

namespace json = boost::json;

constexpr const char* disk_size = "size=96m";
constexpr uint64_t megabyte = 1 << 20;
constexpr const char* batch_path = "/tasks/batch";
constexpr const char* lines = "application/x-ndjson";

class DiskFullTest : public node_fixture {
protected:
  void SetUp() override {
    mounted_ = ::mount("overwatch-test", disk_.path().c_str(), "tmpfs", 0, disk_size) == 0;
    if (!mounted_)
      GTEST_SKIP() << "a small disk cannot be mounted here: " << std::strerror(errno);
    options_.data_dir = disk_.path() + "/data";
    options_.more_config = "storage {\n  min-free-mb = 16\n  write-buffer-mb = 8\n  checkpoint-mb = 4\n}\n"
                           "http {\n  request-timeout = 4s\n}\n"; // how long a batch on its way waits for space
  }

  void TearDown() override {
    node_fixture::TearDown();
    node_.reset();
    if (mounted_)
      ::umount2(disk_.path().c_str(), MNT_DETACH);
  }

  uint64_t free_bytes() const {
    struct statvfs x {};
    EXPECT_EQ(::statvfs(disk_.path().c_str(), &x), 0);
    return uint64_t{x.f_bavail} * x.f_frsize;
  }

  /// Takes all space but `left` bytes, while the node may take some too.
  void fill_disk(uint64_t left) {
    int fd = ::open(ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(fd, 0);
    constexpr uint64_t step = 64 * 1024;
    for (auto free = free_bytes(); free > left; free = free_bytes()) {
      auto size = std::min(std::max(free - left, step) - step / 2, free);
      if (int error = ::posix_fallocate(fd, ::lseek(fd, 0, SEEK_END), static_cast<off_t>(size)); error != 0) {
        EXPECT_EQ(error, ENOSPC);
        break;
      }
    }
    ::close(fd);
  }

  void free_disk() { EXPECT_EQ(::unlink(ballast().c_str()), 0); }

  std::string ballast() const { return disk_.path() + "/ballast"; }

  std::string submit_later() {
    auto task = typed_task("noop");
    task["scheduled_at"] = "2099-01-01T00:00:00Z";
    return client_->submit(task);
  }

  void expect_full() {
    EXPECT_TRUE(support::eventually([&] { return client_->get("/health/ready").status == 503; }));
    auto health = client_->object("/health");
    EXPECT_FALSE(health.at("ready").as_bool());
    EXPECT_TRUE(health.at("live").as_bool());
    EXPECT_NE(text_at(health, "problem").find("disk"), std::string::npos) << json::serialize(health);
    auto answer = client_->post("/tasks", R"({"name":"x","task_type":"noop"})");
    EXPECT_EQ(answer.status, 507) << answer.body;
    EXPECT_NE(answer.body.find("disk"), std::string::npos) << answer.body;
    EXPECT_EQ(client_->post(batch_path, R"({"name":"x","task_type":"noop"})", lines).status, 507);
  }

  void expect_recovery() {
    EXPECT_TRUE(support::eventually([&] { return client_->get("/health/ready").status == 200; }))
      << client_->get("/health").body;
    expect_working();
  }

  /// NDJSON of tasks whose payloads are large and do not compress.
  static std::string large_batch(unsigned round) {
    std::string result;
    uint64_t random = round + 1;
    for (int i = 0; i < 16; ++i) {
      std::string noise;
      while (noise.size() < 256 * 1024) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        noise += static_cast<char>('!' + (random >> 33) % 90 + ((random >> 33) % 90 >= 59 ? 2 : 0));
      }
      for (auto& c : noise)
        if (c == '"' || c == '\\')
          c = ' ';
      result += R"({"name":"large","task_type":"obd2_diagnostic","payload":{"noise":")" + noise + "\"}}\n";
    }
    return result;
  }

  support::scratch_directory disk_;
  bool mounted_ = false;
};

TEST_F(DiskFullTest, SubmitsAreRefusedUntilThereIsSpace) {
  start();
  auto id = submit_later();
  fill_disk(8 * megabyte); // below min-free-mb, not yet full
  expect_full();
  EXPECT_EQ(text_at(client_->task(id), "status"), "pending") << "reading goes on";
  EXPECT_EQ(client_->post("/tasks/" + id + "/cancel").status, 200) << "there is still room for an outcome";
  free_disk();
  expect_recovery();
  EXPECT_EQ(text_at(client_->task(id), "status"), "cancelled");
}

TEST_F(DiskFullTest, NothingAcknowledgedIsLostWhenTheDiskFillsWhileItWrites) {
  start();
  auto before = submit_later();
  std::vector<std::string> acknowledged;
  fill_disk(30 * megabyte);
  int status = 200;
  for (unsigned round = 0; round < 100 && status == 200; ++round) {
    auto answer = client_->post(batch_path, large_batch(round), lines);
    status = answer.status;
    if (status != 200)
      break;
    auto body = json::parse(answer.body);
    for (const auto& task : body.at("tasks").as_array())
      if (auto id = text_at(task.as_object(), "id"); !id.empty())
        acknowledged.push_back(id);
    if (round == 1)
      fill_disk(megabyte); // from one moment to the next
  }
  EXPECT_EQ(status, 507);
  EXPECT_GE(acknowledged.size(), 32u);
  fill_disk(0);
  expect_full();
  node_->kill(); // what was acknowledged is on disk
  auto end = support::run_program(node_->command_line(), std::chrono::seconds{5});
  if (end.exit_status != -1) { // it may refuse, and then says what to do
    EXPECT_EQ(end.exit_status, 1) << end.output;
    EXPECT_NE(end.output.find("full"), std::string::npos) << end.output;
    EXPECT_NE(end.output.find("free some space"), std::string::npos) << end.output;
  }
  free_disk();
  start();
  expect_recovery();
  EXPECT_EQ(text_at(client_->task(before), "status"), "pending");
  for (const auto& id : acknowledged)
    EXPECT_EQ(text_at(client_->task(id), "status"), "queued") << id;
}

TEST_F(DiskFullTest, RunningTasksEndWhenSpaceReturns) {
  auto script = "while test -e " + ballast() + "; do sleep 0.05; done; echo '{\"saw\":1}'";
  options_.commands = {{"wait", {"/bin/sh", "-c", script}}};
  start();
  fill_disk(40 * megabyte);
  auto id = client_->submit(command_task("wait"));
  client_->reaches(id, "running");
  fill_disk(0);
  expect_full();
  EXPECT_EQ(text_at(client_->task(id), "status"), "running");
  free_disk();
  auto ended = client_->ended(id);
  EXPECT_EQ(text_at(ended, "status"), "completed") << json::serialize(ended);
  EXPECT_EQ(json::serialize(ended.at("result")), R"({"saw":1})");
  EXPECT_EQ(ended.at("attempt").to_number<int>(), 1);
  expect_recovery();
}

TEST_F(DiskFullTest, FirstStartOnAFullDiskSaysWhatToDo) {
  node_ = std::make_unique<support::node_process>(options_);
  fill_disk(0);
  auto end = support::run_program(node_->command_line());
  EXPECT_EQ(end.exit_status, 1) << end.output;
  EXPECT_NE(end.output.find("full"), std::string::npos) << end.output;
  EXPECT_NE(end.output.find("free some space"), std::string::npos) << end.output;
  free_disk();
  start();
  expect_working();
}

} // namespace

} // namespace overwatch
