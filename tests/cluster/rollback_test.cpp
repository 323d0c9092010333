// Commands that damage files and keys, and nodes that are killed meanwhile: what was there is put back.

#include "tests/cluster/node_fixture.hpp"
#include "tests/support/process/eventually.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace overwatch {

namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

class RollbackTest : public node_fixture {
protected:
  support::scratch_directory files_;

  std::string site() const { return fs::canonical(files_.path()).string() + "/site"; }

  /// Makes the tree, and a node with the command `faulty` that may capture it.
  void start_with(const std::string& script) {
    fs::create_directories(site() + "/sub");
    write(site() + "/index.html", "version 1\n");
    write(site() + "/sub/notes", "do not lose me\n");
    ::chmod((site() + "/sub/notes").c_str(), 0640);
    fs::create_symlink("index.html", site() + "/link");
    fs::create_hard_link(site() + "/sub/notes", site() + "/twin");
    options_.commands = {{"faulty", {"/bin/sh", "-c", "cd '" + site() + "' && " + script}}};
    options_.more_config = "snapshots { roots = [\"" + site() + "\"] }";
    start();
  }

  static void write(const std::string& path, const std::string& text) { std::ofstream{path} << text; }

  /// Kind, mode, time, links and content of everything in the tree.
  std::string tree() const {
    std::vector<std::string> lines;
    auto add = [&](const fs::path& path) {
      struct stat x {};
      ::lstat(path.c_str(), &x);
      auto line = path.string() + " " + std::to_string(x.st_mode) + " " + std::to_string(x.st_uid) + " "
                  + std::to_string(x.st_mtim.tv_sec) + "." + std::to_string(x.st_mtim.tv_nsec);
      if (fs::is_symlink(path)) {
        line += " -> " + fs::read_symlink(path).string();
      } else if (fs::is_regular_file(path)) {
        std::ifstream file{path};
        line += " x" + std::to_string(x.st_nlink) + " " + std::string{std::istreambuf_iterator<char>{file}, {}};
      }
      lines.push_back(std::move(line));
    };
    add(site());
    for (const auto& one : fs::recursive_directory_iterator{site()})
      add(one.path());
    std::sort(lines.begin(), lines.end());
    std::string result;
    for (const auto& line : lines)
      result += line + "\n";
    return result;
  }

  json::object damaging_task() const {
    auto task = command_task("faulty");
    task["snapshot"] = json::object{{"files", json::array{json::value(site())}}};
    return task;
  }

  static constexpr const char* damage =
    "echo oops > index.html; rm sub/notes; mkdir junk; touch junk/new; ln -sf nowhere link; chmod 700 sub; ";
};

TEST_F(RollbackTest, WhatAFailedCommandChangedIsPutBack) {
  start_with(std::string{damage} + "exit 3");
  auto before = tree();
  auto task = client_->ended(client_->submit(damaging_task()));
  EXPECT_EQ(text_at(task, "status"), "failed");
  EXPECT_EQ(text_at(task, "rollback"), "done") << text_at(task, "rollback_message");
  EXPECT_EQ(tree(), before);
}

TEST_F(RollbackTest, NodeThatIsKilledMeanwhilePutsItBackAfterwards) {
  start_with(std::string{damage} + "echo damaged > /proc/self/fd/1; touch done; sleep 600");
  auto before = tree();
  auto task = damaging_task();
  task["timeout"] = 600;
  auto id = client_->submit(task);
  ASSERT_TRUE(support::eventually([&] { return fs::exists(site() + "/done"); }));
  EXPECT_NE(tree(), before);
  node_->kill();
  client_.reset();
  start();
  client_->reaches(id, "running"); // again: on the tree as it was
  ASSERT_TRUE(support::eventually([&] { return fs::exists(site() + "/done"); }));
  EXPECT_EQ(client_->post("/tasks/" + id + "/cancel").status, 200);
  auto ended = client_->ended(id);
  EXPECT_EQ(text_at(ended, "status"), "cancelled");
  EXPECT_EQ(text_at(ended, "rollback"), "done") << text_at(ended, "rollback_message");
  EXPECT_EQ(tree(), before);
}

TEST_F(RollbackTest, CompletedTaskIsUndoneOnRequest) {
  start_with("echo 'version 2' > index.html");
  auto before = tree();
  auto task = damaging_task();
  task["keep_snapshot"] = "1h";
  auto id = client_->submit(task);
  EXPECT_EQ(text_at(client_->ended(id), "status"), "completed");
  EXPECT_NE(tree(), before);
  EXPECT_TRUE(client_->object("/tasks/" + id + "/snapshot").at("stored").as_bool());
  node_->kill(); // the snapshot outlives the node
  client_.reset();
  start();
  auto answer = client_->post("/tasks/" + id + "/rollback", R"({"by": "a test", "reason": "to see it"})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(tree(), before);
  EXPECT_EQ(client_->post("/tasks/" + id + "/rollback", R"({"by": "a test", "reason": "again"})").status, 409);
}

TEST_F(RollbackTest, PathOutsideOfTheRootsIsRefused) {
  start_with("true");
  auto task = damaging_task();
  task["snapshot"] = json::object{{"files", json::array{json::value("/etc")}}};
  auto answer = client_->post("/tasks", json::serialize(task));
  EXPECT_EQ(answer.status, 422);
  EXPECT_NE(answer.body.find("snapshots.roots"), std::string::npos) << answer.body;
}

} // namespace

} // namespace overwatch
