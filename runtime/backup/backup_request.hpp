#pragma once

#include "config/settings.hpp"
#include "runtime/backup/prune.hpp"
#include "runtime/backup/selection.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::backup {

enum class action : uint8_t { create, list, verify, restore, prune };

inline constexpr std::array<std::string_view, 5> action_names{"create", "list", "verify", "restore", "prune"};
inline std::string_view name_of(action x) { return action_names[static_cast<size_t>(x)]; }

/// A database that pg_dump writes.
struct postgres_source {
  std::string database;
  std::string host;
  std::string user;        ///< of the server
  std::string system_user; ///< that pg_dump runs as; needs root
  uint32_t port = 0;
};

/// What a task of type `data_backup` asks for: its payload, filled up from the options `backup.*`.
struct backup_request {
  action what = action::create;
  std::vector<std::string> sources;
  std::vector<std::string> exclude;
  std::string destination;
  std::string key_file;
  uint32_t level = 3;
  keep_rules keep;
  std::vector<postgres_source> postgresql;
  bool one_file_system = false;
  bool sqlite = true;
  bool check_space = true;

  std::string backup; ///< id; of list: what is in it
  std::string target;
  std::vector<std::string> paths;
  bool overwrite = false;

  std::vector<std::string> remove;
  bool dry_run = false;
  bool mend = false;
  uint32_t limit = 100; ///< entries of a list

  bool configured_sources = false; ///< they are the operator's own, not a payload's
};

/// Which fields a payload may have is in the README of this folder. Empty, or a sentence that names the field, the
/// value and the way out.
std::string parse_request(std::string_view payload, const settings& config, backup_request& request);

/// Guards what payloads name: they may come from anybody who reaches the API.
class place_guard {
public:
  explicit place_guard(const settings& config);

  /// Throws `backup_failed` unless the resolved path is under a root of `backup.roots` or one of `always`.
  void check(const std::string& path, std::string_view field, const std::vector<std::string>& always = {}) const;

  /// The path with everything resolved, but for a last name that does not exist. Throws when it cannot be.
  static std::string resolve(const std::string& path, std::string_view field);

private:
  std::vector<std::string> roots_; // resolved
};

/// The content of a key file. Throws when it cannot be read, is short, or open to others.
std::string read_key_file(const std::string& path);

} // namespace overwatch::backup
