#pragma once

#include "runtime/backup/entry.hpp"
#include "runtime/backup/file_bytes.hpp"
#include "runtime/backup/problem_list.hpp"

#include <optional>
#include <vector>

namespace overwatch::backup {

/// The open directories between the target of a restore and the place where it is now. They are made when something is
/// put into them, and get their times when it has left them.
class restore_places {
public:
  /// `target` is made when it is missing; those above it must exist. Throws `backup_failed`.
  restore_places(const std::string& target, bool overwrite, problem_list& problems);

  /// Comes to a directory of the backup. It is made at once when it is `wanted`, else when something is put into it.
  void enter(const entry& x, bool wanted);

  /// The open directory in which `path` of the backup belongs; -1: there is none, which is a problem already.
  int parent_of(const std::string& path);

  /// Leaves all directories.
  void finish();

  /// An open directory of the target without a look at what is in the way; invalid when it is not there.
  descriptor open_existing(const std::string& directory) const;

  uint64_t made() const { return made_; }
  int target() const { return target_.get(); }

  /// A problem of `path` of the backup, unless the directory above it had one.
  void fail_at(const std::string& path, const std::string& reason);

private:
  struct level {
    std::string path; // of the backup
    std::optional<entry> kept;
    descriptor opened;
    bool made = false;
    bool failed = false;
  };

  void extend_to(const std::string& directory);
  void leave_to(const std::string& directory);
  bool open(size_t depth);
  void finish_level(level& x);

  bool overwrite_;
  problem_list& problems_;
  descriptor target_;
  std::vector<level> levels_;
  uint64_t made_ = 0;
};

/// Owner, mode, attributes and times as far as this process may set them; what is not possible is a note.
void put_metadata_back(int file, const entry& x, problem_list& problems);
void put_metadata_back(int directory, const std::string& name, const entry& x, problem_list& problems);

} // namespace overwatch::backup
