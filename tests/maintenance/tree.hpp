#pragma once

#include "runtime/maintenance/action.hpp"
#include "runtime/maintenance/details_file.hpp"
#include "tests/handlers/attempt.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace overwatch::maintenance {

/// A directory of its own, removed afterwards.
class tree {
public:
  tree() {
    std::string pattern = (std::filesystem::temp_directory_path() / "overwatch-maintenance-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = std::filesystem::canonical(pattern);
  }
  ~tree() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  tree(const tree&) = delete;
  tree& operator=(const tree&) = delete;

  std::string at(const std::string& below) const { return (path_ / below).string(); }

  /// Makes a file whose content is `age` old.
  void write(const std::string& below, const std::string& content, std::chrono::hours age = {}) const {
    auto path = path_ / below;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary} << content;
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - age);
  }

  void make_directory(const std::string& below, std::chrono::hours age = {}) const {
    std::filesystem::create_directories(path_ / below);
    std::filesystem::last_write_time(path_ / below, std::filesystem::file_time_type::clock::now() - age);
  }

  bool has(const std::string& below) const {
    return std::filesystem::exists(std::filesystem::symlink_status(path_ / below));
  }

  std::string read(const std::string& below) const {
    std::ifstream in{path_ / below, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

private:
  std::filesystem::path path_;
};

/// An action at work, with what it needs around it.
struct work {
  explicit work(const std::string& action, bool dry_run = false) : result{action}, dry_run{dry_run} {}

  action_environment environment() {
    return {*task.context, dry_run, lines, [](double, const std::string&) {}};
  }

  tree reports;
  attempt task{"{}"};
  details_file lines{reports.at("reports"), "task.jsonl"};
  action_result result;
  bool dry_run;
};

/// Why `what` was left; empty when it was not.
inline std::string why_left(const action_result& result, const std::string& what) {
  auto json = result.to_json();
  for (const auto& x : json["left"].as_array())
    if (x.as_object().at("what").as_string().find(what) != std::string::npos)
      return std::string{x.as_object().at("why").as_string()};
  return {};
}

} // namespace overwatch::maintenance
