#pragma once

#include "runtime/snapshots/snapshot_store.hpp"
#include "tests/snapshots/tree_image.hpp"

#include <gtest/gtest.h>

#include <string>

namespace overwatch::test {

/// A new directory with `data`, which may be captured, beside the `store`. Removed with the object.
class scratch {
public:
  /// In memory (where there is such a file system) nobody waits for a disk: for tests of many rounds that do not look
  /// at what survives a loss of power.
  enum class place { disk, memory };

  explicit scratch(place where = place::disk);
  ~scratch();
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  const std::string& path() const { return path_; }
  std::string data(const std::string& below = {}) const { return path_ + "/data" + below; }
  std::string store() const { return path_ + "/store"; }
  snapshot_store_options options() const { return {store(), {data()}, {}}; }

private:
  std::string path_;
};

/// A store beside its data.
class SnapshotFixture : public ::testing::Test {
protected:
  explicit SnapshotFixture(scratch::place where = scratch::place::disk) : at{where} {}

  /// Captures or fails the test.
  capture_result capture(const std::string& name, std::vector<std::string> paths);
  capture_result capture() { return capture("one", {at.data("/tree")}); }
  restore_result restore(const std::string& name = "one");

  /// The sentence with which a capture is refused; empty when it is not.
  std::string refusal(std::vector<std::string> paths);

  /// A new store with changed options.
  void reopen(snapshot_store_options options);

  std::string tree(const std::string& below = {}) const { return at.data("/tree" + below); }

  scratch at;
  std::unique_ptr<snapshot_store> store = std::make_unique<snapshot_store>(at.options());
};

void write_file(const std::string& path, const std::string& content);
std::string read_file(const std::string& path);
void make_directory(const std::string& path);
void remove_all(const std::string& path);
bool exists(const std::string& path);
void set_modified(const std::string& path, int64_t seconds, int64_t nanoseconds);

/// Runs `body` in a child process as a user without rights; its string, or what went wrong.
std::string run_as_nobody(const std::function<std::string()>& body);

} // namespace overwatch::test
