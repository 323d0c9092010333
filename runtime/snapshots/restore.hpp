#pragma once

#include "runtime/snapshots/descriptor.hpp"
#include "runtime/snapshots/places.hpp"
#include "runtime/snapshots/scan.hpp"

#include <sys/stat.h>

#include <memory>
#include <set>
#include <unordered_map>

namespace overwatch::snapshots {

/// Makes the scopes of a capture what they were. What did not change is not written; a file that did gets its content
/// under a temporary name, which is synced and renamed. Nothing is remembered between runs: after a crash the next run
/// compares everything again.
///
/// Renames, and the times of the directories around them, wait in a queue, so that many files share one sync.
class restorer {
public:
  /// `content` is the directory of the capture. `name` makes temporary names its own.
  restorer(const manifest& x, int content, std::string name, const root_set& roots, const snapshot_limits& limits,
           const std::function<bool()>& stop);
  ~restorer();

  /// Throws `trouble`.
  void run();

  const restore_counts& counts() const { return counts_; }

private:
  using shared_directory = std::shared_ptr<descriptor>;
  using identity = std::pair<uint64_t, uint64_t>; // device and inode

  /// Something to do in order, after what is in the queue before it was made durable.
  struct waiting {
    shared_directory directory;
    uint32_t entry = no_entry;
    std::string temporary; // of a file to be renamed; empty: the directory itself is finished
    descriptor file;       // while few files wait
    bool counted = false;  // a directory that is counted already
  };

  void check_contents() const;
  void restore_scope(const saved_scope& scope);
  shared_directory open_parent(const saved_scope& scope);
  void remove_empty_ancestors(const saved_scope& scope);
  void make_ancestor(const saved_ancestor& x);
  void finish_ancestors();

  void restore_entry(const shared_directory& directory, uint32_t number);
  void restore_absence(int directory, uint32_t number, bool present);
  void remove_appeared(int directory, uint32_t number, const std::string& path);
  void restore_directory(const shared_directory& directory, uint32_t number, const std::optional<struct stat>& st);
  void restore_file(const shared_directory& directory, uint32_t number, const std::optional<struct stat>& st);
  void restore_node(int directory, uint32_t number, const std::optional<struct stat>& st);
  void restore_link(int directory, uint32_t number, const std::optional<struct stat>& st);

  bool is_untouched(const saved_entry& x, const struct stat& st) const;
  bool has_content(uint32_t number, int file);
  bool is_same_node(int directory, const saved_entry& x, const struct stat& st, const std::string& path) const;
  void make_node(int directory, const std::string& temporary, uint32_t number);
  void write_file(const shared_directory& directory, uint32_t number);
  int content_of(uint32_t number);
  void put_in_place(int directory, const std::string& temporary, uint32_t number);
  void wait(waiting&& x);
  void finish_directory(const waiting& x);
  void sync_waiting();
  void flush();
  void sync_touched();
  void touched(int directory);
  bool claim(uint32_t number, const struct stat& st);
  void count_change(bool was_there);
  std::string temporary_name(uint32_t number) const;

  const manifest& x_;
  int content_;
  std::string name_;
  const root_set& roots_;
  const snapshot_limits& limits_;
  const std::function<bool()>& stop_;
  restore_counts counts_;
  std::vector<std::vector<uint32_t>> children_;
  std::vector<waiting> queue_;
  size_t waiting_files_ = 0;
  size_t waiting_directories_ = 0;
  uint64_t unsynced_bytes_ = 0;
  std::set<identity> claimed_;                     // things that are an entry now, and cannot be another one too
  std::unordered_map<uint32_t, identity> current_; // of entries that others are links of
  std::vector<saved_ancestor> made_ancestors_;
  descriptor pack_;
  descriptor alone_;                       // the content that was used last, when it is not packed
  std::map<uint64_t, descriptor> touched_; // one directory for each file system that was written to
  bool sync_all_ = false;                  // a directory could not be opened for that
};

} // namespace overwatch::snapshots
