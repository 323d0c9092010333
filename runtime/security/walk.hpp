#pragma once

#include "runtime/security/tree.hpp"

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::security {

struct walk_options {
  std::vector<std::string> paths;   ///< absolute, below the root; where the walk begins
  std::vector<std::string> exclude; ///< paths or patterns
  std::set<std::string> mounts;     ///< mount points below the root
  std::set<std::string>
    forbidden_mounts;  ///< of them, network and pseudo file systems: never entered, not even looked at
  bool cross = false;  ///< enter other file systems that are not forbidden
  bool sorted = false; ///< by name; needs memory for the names of the directories on the way
  std::function<void(const std::string& path)> on_unreadable = [](const std::string&) {}; ///< a directory
};

/// What the walk comes by.
struct walk_entry {
  std::string_view path;
  int directory; ///< that holds it, open
  const char* name;
  const struct stat& status; ///< of itself: links are not followed
  const struct stat& parent; ///< of its directory
  bool reachable;            ///< everybody may pass through all directories above
};

struct walk_result {
  uint64_t files = 0;
  uint64_t directories = 0;
  uint64_t unreadable = 0;                      ///< directories
  std::vector<std::string> unreadable_examples; ///< at most `max_examples`
  uint64_t too_deep = 0;
  static constexpr size_t max_examples = 5;
  static constexpr size_t max_depth = 128; ///< of directories: each takes a descriptor
};

/// Visits everything below the paths once, each directory before what is in it. Memory is bound by the depth. Throws
/// what `visit` and `tick` throw; `tick` is called at least every `tick_entries` entries.
walk_result walk(const tree& root, const walk_options& options, const std::function<void(const walk_entry&)>& visit,
                 const std::function<void(const walk_result& so_far)>& tick);
inline constexpr unsigned tick_entries = 256;

/// True when an excluded path or pattern covers `path`.
bool is_excluded(std::string_view path, const std::vector<std::string>& exclude);

/// The mount points of this machine below `root`, as `walk_options` has them.
void find_mounts(const tree& root, walk_options& options);

/// Where a machine keeps real data: one path for each local file system.
std::vector<std::string> usual_paths(const tree& root);

/// How many inodes are used below the paths, roughly; 0: unknown.
uint64_t estimated_entries(const tree& root, const std::vector<std::string>& paths);

} // namespace overwatch::security
