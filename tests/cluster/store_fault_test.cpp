// Data directories that a node must not touch, and what it says about them.

#include "tests/cluster/node_fixture.hpp"
#include "tests/support/process/program_run.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace overwatch {

namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// Every file below a directory with its content. The node's own process files may change.
std::map<std::string, std::string> files_in(const std::string& directory) {
  std::map<std::string, std::string> result;
  for (const auto& x : fs::recursive_directory_iterator{directory})
    if (x.is_regular_file() && x.path().filename().string().rfind("node.", 0) != 0)
      result[x.path().string()] = content_of(x.path());
  return result;
}

class StoreFaultTest : public node_fixture {
protected:
  /// Leaves a store with an acknowledged task behind, as a killed node does.
  std::string leave_store() {
    start();
    auto later = typed_task("noop");
    later["scheduled_at"] = "2099-01-01T00:00:00Z";
    auto id = client_->submit(later);
    node_->kill();
    return id;
  }

  /// Starting ends at once and tells what is wrong; nothing on disk has changed. Returns what it said.
  std::string expect_refusal() {
    auto before = files_in(node_->data_directory());
    auto end = support::run_program(node_->command_line());
    EXPECT_EQ(end.exit_status, 1) << end.output;
    EXPECT_EQ(files_in(node_->data_directory()), before);
    EXPECT_NE(end.output.find("--data-dir"), std::string::npos) << "it must say what to do: " << end.output;
    return end.output;
  }

  void expect_task_still_there(const std::string& id) {
    start();
    EXPECT_EQ(text_at(client_->task(id), "status"), "pending");
    expect_working();
  }
};

TEST_F(StoreFaultTest, DamagedStoreIsRefusedAndUntouched) {
  auto id = leave_store();
  for (const auto* kind : {".log", "MANIFEST", "CURRENT"}) {
    SCOPED_TRACE(kind);
    fs::path victim;
    for (const auto& x : fs::directory_iterator{node_->data_directory() + "/rocks"})
      if (x.path().filename().string().find(kind) != std::string::npos && x.file_size() > 0)
        victim = x.path();
    ASSERT_FALSE(victim.empty());
    auto good = content_of(victim);
    auto damaged = good;
    damaged[damaged.size() / 2] = static_cast<char>(~damaged[damaged.size() / 2]);
    std::ofstream{victim, std::ios::binary} << damaged;
    auto said = expect_refusal();
    EXPECT_NE(said.find("damaged"), std::string::npos) << said;
    EXPECT_NE(said.find("Nothing was changed"), std::string::npos) << said;
    std::ofstream{victim, std::ios::binary} << good;
  }
  expect_task_still_there(id);
}

TEST_F(StoreFaultTest, NewerFormatIsRefused) {
  auto id = leave_store();
  auto format = node_->data_directory() + "/FORMAT";
  auto good = content_of(format);
  std::ofstream{format} << "overwatch-store 999\n";
  auto said = expect_refusal();
  EXPECT_NE(said.find("999"), std::string::npos) << said;
  EXPECT_NE(said.find("newer"), std::string::npos) << said;
  std::ofstream{format} << "something else\n";
  said = expect_refusal();
  EXPECT_NE(said.find("FORMAT"), std::string::npos) << said;
  std::ofstream{format} << good;
  expect_task_still_there(id);
}

TEST_F(StoreFaultTest, SecondNodeOnADirectoryIsRefusedAndNamesTheFirst) {
  start();
  support::node_options options = options_;
  options.data_dir = node_->data_directory();
  support::node_process second{options};
  auto end = support::run_program(second.command_line());
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_NE(end.output.find("process " + std::to_string(node_->pid())), std::string::npos) << end.output;
  EXPECT_NE(end.output.find("in use"), std::string::npos) << end.output;
  expect_working();
  node_->stop();
  second.start(); // the directory is free again
  second.stop();
}

TEST_F(StoreFaultTest, DirectoryOfSomethingElseIsRefused) {
  support::scratch_directory strange;
  std::ofstream{strange.path() + "/thesis.tex"} << "precious";
  options_.data_dir = strange.path();
  node_ = std::make_unique<support::node_process>(options_);
  auto said = expect_refusal();
  EXPECT_NE(said.find("thesis.tex"), std::string::npos) << said;
}

TEST_F(StoreFaultTest, FileInPlaceOfADirectoryIsRefused) {
  support::scratch_directory scratch;
  options_.data_dir = scratch.path() + "/file";
  std::ofstream{options_.data_dir} << "precious";
  node_ = std::make_unique<support::node_process>(options_);
  auto end = support::run_program(node_->command_line());
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_NE(end.output.find("not a directory"), std::string::npos) << end.output;
  EXPECT_EQ(content_of(options_.data_dir), "precious");
}

} // namespace

} // namespace overwatch
