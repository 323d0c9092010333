#pragma once

#include "runtime/backup/file_bytes.hpp"
#include "runtime/backup/manifest.hpp"

#include <optional>

namespace overwatch::backup {

/// Space that a run leaves free at the destination.
inline constexpr uint64_t spare_bytes = 64 << 20;

struct repository_access {
  std::string path;                  ///< absolute, without symbolic links
  std::optional<std::string> secret; ///< content of the key file
  bool create = false;               ///< make a repository when the directory is empty or missing
  bool exclusive = false;            ///< to write; otherwise others may read meanwhile
  bool unlocked = false;             ///< only to list backups, also while somebody writes
  std::string purpose;               ///< who takes the lock, for the error that another one gets
};

/// A directory with `repository.json`, `packs`, `backups`, `aside` (files that are being written), `reports` and
/// `lock`. While this object lives, the directory is locked against what would disturb the operation.
class repository {
public:
  /// Opens it. Throws with a sentence when it is none, in use, of a newer version, damaged, or when the key does not
  /// fit.
  explicit repository(const repository_access& access);

  const std::string& path() const { return path_; }
  const vault& secret() const { return secret_; }
  int packs() const { return packs_.get(); }
  int aside() const { return aside_.get(); }
  std::string packs_path() const { return path_ + "/packs"; }
  std::string aside_path() const { return path_ + "/aside"; }

  /// From the oldest to the newest.
  std::vector<std::string> backups() const;

  /// The backup of this id, or the newest for `latest`. Throws when there is none or it is damaged.
  manifest read_backup(const std::string& id) const;

  void write_backup(const manifest& x) const;

  /// From then on it does not count; its chunks stay until a `prune`.
  void remove_backup(const std::string& id) const;

  void remove_pack(const std::string& name) const;

  /// Moves a pack into `damaged`, where it does not count.
  void set_aside_pack(const std::string& name) const;

  /// Creates a file for people in `reports`, whose path goes into `path`. The oldest beyond `max_reports` go. An
  /// invalid descriptor where nothing can be written.
  descriptor create_report(const std::string& name, std::string& path) const;
  static constexpr size_t max_reports = 100;

  /// What may still be written.
  uint64_t free_bytes() const;

private:
  void open_directory(bool create);
  void lock(const repository_access& access);
  void make() const;
  void read_settings(const repository_access& access, const std::string& text);
  void remove_leftovers() const;

  std::string path_;
  vault secret_;
  descriptor top_;
  descriptor lock_;
  descriptor packs_;
  descriptor backups_;
  descriptor aside_;
};

} // namespace overwatch::backup
