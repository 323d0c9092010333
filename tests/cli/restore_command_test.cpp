#include "tests/cli/command_run.hpp"

#include <gmock/gmock.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

const node_backup third{3, timestamp{std::chrono::seconds{1'795'000'000}}, "n\x1b[2J", 1 << 20, 4096};

run_options with_backups() {
  run_options options;
  options.hooks.list_node_backups = [](const std::string&) {
    return caf::expected<std::vector<node_backup>>{std::vector<node_backup>{third}};
  };
  options.hooks.restore_node_backup = [](const std::string& from, std::optional<uint32_t> id,
                                         const std::string& data_directory,
                                         bool new_cluster) -> caf::expected<node_backup> {
    if (data_directory == "/full")
      return make_error(ec::conflict, "nothing was restored: /full is not empty");
    EXPECT_EQ(new_cluster, data_directory == "/first");
    EXPECT_EQ(from, "/backups");
    EXPECT_EQ(id, std::optional<uint32_t>{3});
    return third;
  };
  return options;
}

} // namespace

TEST(RestoreCommandTest, SaysWhatWasRestoredAndHowToGoOn) {
  auto run = run_command({"restore", "--from", "/backups", "--backup", "3", "--data-dir", "/new"}, with_backups());
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out,
            "restored backup 3 of node n\\x1b[2J, made 2026-11-18 11:06:40 UTC (1.0 MiB), every checksum held\n"
            "  overwatch start --data-dir /new\n");
}

TEST(RestoreCommandTest, BeginsANewClusterWhenItIsTold) {
  auto run = run_command(
    {"restore", "--from", "/backups", "--backup", "3", "--data-dir", "/first", "--new-cluster"}, with_backups());
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("the first node of a new cluster"));
}

TEST(RestoreCommandTest, ListsWhatThereIs) {
  auto run = run_command({"restore", "--from", "/backups", "--list"}, with_backups());
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("3  2026-11-18 11:06:40  1.0 MiB  4.0 KiB  n\\x1b[2J\n"));
}

TEST(RestoreCommandTest, ARefusalIsOne) {
  auto run = run_command({"restore", "--from", "/backups", "--data-dir", "/full"}, with_backups());
  EXPECT_EQ(run.code, 4);
  EXPECT_THAT(run.err, HasSubstr("/full is not empty"));
  EXPECT_EQ(run_command({"restore", "--from", "/backups"}, with_backups()).code, 2);
}

} // namespace overwatch::cli
