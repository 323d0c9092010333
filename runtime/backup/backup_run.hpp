#pragma once

#include "runtime/backup/content_reader.hpp"
#include "runtime/backup/create.hpp"
#include "runtime/backup/earlier_backup.hpp"
#include "runtime/backup/tree_walk.hpp"

#include <map>
#include <set>

namespace overwatch::backup {

/// First pass: what would have to be read.
class estimate : public walk_visitor {
public:
  estimate(earlier_backup& before, const progress_report& progress) : before_{before}, progress_{progress} {}

  void enter(int directory, const std::string& path, const struct stat& st) override;
  void visit(int directory, const std::string& name, const std::string& path, const struct stat& st) override;
  void miss(problem_kind, const std::string&, const std::string&) override {}

  uint64_t bytes() const { return bytes_; }

private:
  void count();

  earlier_backup& before_;
  const progress_report& progress_;
  uint64_t bytes_ = 0;
  uint64_t entries_ = 0;
};

/// Second pass: reads what changed, stores it, and writes the list.
class backup_run : public walk_visitor {
public:
  backup_run(const repository& to, const create_options& options, chunk_writer& chunks, earlier_backup& before,
             const gear_table& gear, uint64_t planned, problem_list& problems);

  void enter(int directory, const std::string& path, const struct stat& st) override;
  void visit(int directory, const std::string& name, const std::string& path, const struct stat& st) override;
  void miss(problem_kind kind, const std::string& path, const std::string& reason) override;

  void take(const dump& x);

  /// The chunks of the list.
  std::vector<chunk_id> finish() { return list_.finish(); }

  backup_counts& counts() { return counts_; }

private:
  /// A file with several names: its first one, and its pieces unless they are many.
  struct linked {
    std::string path;
    bool has_pieces = false;
    entry content;
  };
  using identity = std::pair<uint64_t, uint64_t>; // device and inode

  void visit_file(int directory, const std::string& name, const std::string& path, const struct stat& st);
  void read_file(int file, const struct stat& st, entry& x);
  bool read_database(const struct stat& st, entry& x);
  void read_attributes(int file, entry& x);
  bool can_reuse(const entry& before, const struct stat& st, int directory, const std::string& name) const;
  void keep(entry& x, const struct stat& st);
  void report();

  const repository& to_;
  const create_options& options_;
  chunk_writer& chunks_;
  earlier_backup& before_;
  problem_list& problems_;
  uint64_t planned_;
  backup_counts counts_;
  content_reader reader_;
  tree_writer list_;
  std::map<identity, linked> links_;
  std::set<std::string> databases_;
  std::string current_;
  std::chrono::steady_clock::time_point reported_{};
};

} // namespace overwatch::backup
