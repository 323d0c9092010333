#pragma once

#include "runtime/snapshots/descriptor.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace overwatch::snapshots {

/// Where scopes may lie.
class root_set {
public:
  /// Resolves the roots once. One that does not exist allows nothing.
  explicit root_set(const std::vector<std::string>& roots);

  /// The path with its root resolved and without repeated or trailing slashes. Throws `trouble` with a sentence for one
  /// that is relative, has `.` or `..` in it, or lies under no root.
  std::string resolve(const std::string& path) const;

  /// Throws when an already resolved path lies under no root (any more).
  void check(const std::string& resolved) const;

  /// The root above a resolved path.
  std::string root_of(const std::string& resolved) const;

private:
  struct root {
    std::string given;    // as configured, normalized
    std::string resolved; // empty: it does not exist
  };
  [[noreturn]] void refuse(const std::string& path, const std::string& why) const;

  std::vector<root> roots_;
};

/// True when `path` is `directory` or lies in it. Both are normalized.
bool is_within(std::string_view path, std::string_view directory);

/// The directory and the last component of a normalized path.
std::string directory_of(const std::string& path);
std::string name_of(const std::string& path);

/// Opens a directory by its absolute path while refusing every symbolic link on the way (ELOOP). An invalid descriptor
/// and errno when it cannot be opened. `flags` beside O_DIRECTORY and O_CLOEXEC, e.g. O_PATH.
descriptor open_directory(const std::string& path, int flags);

/// The same for kernels without openat2: one step at a time.
descriptor open_directory_stepwise(const std::string& path, int flags);

/// Says why a directory on the way to `path`, or itself, could not be opened; throws.
[[noreturn]] void fail_to_open_directory(const std::string& path, int error);

/// The sorted names in a directory. Throws.
std::vector<std::string> names_in(int directory, const std::string& path);

} // namespace overwatch::snapshots
