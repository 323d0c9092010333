#pragma once

#include "runtime/backup/prune.hpp"
#include "runtime/backup/restore.hpp"
#include "runtime/backup/verify.hpp"
#include "tests/snapshots/scratch.hpp"

#include <gtest/gtest.h>

namespace overwatch::backup {

using test::difference;
using test::exists;
using test::image_of;
using test::make_directory;
using test::read_file;
using test::scratch;
using test::write_file;

/// A tree, a repository and a place to restore to, beside each other.
class BackupFixture : public ::testing::Test {
protected:
  explicit BackupFixture(scratch::place where = scratch::place::memory) : at{where} {}

  std::string tree(const std::string& below = {}) const { return at.data("/tree" + below); }
  std::string destination() const { return at.path() + "/repository"; }
  std::string target() const { return at.path() + "/restored"; }

  /// Where the tree is after a restore.
  std::string restored(const std::string& below = {}) const { return target() + tree(below); }

  /// Opens the repository; to write, and made when it is missing.
  repository open(bool exclusive = true) const;

  /// With `options`, whose source is the tree unless it has others. What was wrong with single files is in `problems`.
  manifest create();

  verify_counts verify();
  restore_counts restore(const std::string& id = "latest");

  /// Restores everything into a new place and compares it with the tree.
  std::string restored_difference();

  prune_result prune(const keep_rules& keep, std::vector<std::string> remove = {});

  /// All problems of the last operation, a line each.
  std::string problems_text() const;

  /// The bytes below `path`, of files.
  static uint64_t bytes_in(const std::string& path);

  /// Names of the packs.
  std::vector<std::string> packs() const;

  scratch at;
  std::optional<std::string> secret;
  create_options options;
  restore_options restoring;
  std::vector<problem> problems;
  std::array<uint64_t, problem_kind_names.size()> problem_counts{};
  std::string report;

private:
  void remember(const problem_list& list);
};

/// Bytes that do not compress and are the same for the same seed.
std::string random_text(size_t size, uint64_t seed);

} // namespace overwatch::backup
