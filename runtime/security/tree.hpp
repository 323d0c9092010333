#pragma once

#include "runtime/handlers/owned_fd.hpp"

#include <sys/stat.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::security {

/// A path that was resolved one step at a time.
struct located {
  int error = 0;         ///< 0, or why it could not be reached; then the rest means nothing
  owned_fd directory;    ///< that holds it
  std::string name;      ///< in `directory`; "." for the root
  std::string path;      ///< without links on the way, below the root
  struct stat status {}; ///< of itself
};

struct file_text {
  int error = 0;
  std::string text;
  bool cut = false; ///< there is more than was asked for
};

struct name_list {
  int error = 0;
  std::vector<std::string> names; ///< sorted, without `.` and `..`
  bool cut = false;
};

/// Read access to everything below a directory that is taken for `/`. A symbolic link in it is followed as if that
/// directory were the root, so nothing outside is ever reached, and a file that is no regular one is never opened: no
/// pipe blocks. Paths are absolute and below the root. Thread-safe.
class tree {
public:
  static constexpr int max_links = 40;
  static constexpr size_t max_names = 100'000; ///< of a directory that is listed

  /// Called for each directory and link on the way and for what is found, with its path.
  using on_step = std::function<void(const std::string& path, const struct stat& status)>;

  /// Throws std::system_error when it cannot be opened.
  explicit tree(const std::string& root);

  const std::string& root() const { return root_; }

  /// True when it is the machine's own root.
  bool is_machine() const { return root_ == "/"; }

  /// Who owns the root: root itself, or who prepared the tree.
  uint32_t owner() const { return owner_; }

  located locate(std::string_view path, bool follow_last = true, const on_step& step = {}) const;

  /// At most `limit` bytes of a regular file. EISDIR, EINVAL for what is none.
  file_text read(std::string_view path, size_t limit = 1024 * 1024) const;

  /// Names in a directory.
  name_list list(std::string_view path) const;

  /// Open for readdir, openat and readlinkat; an invalid one and errno when it cannot be.
  owned_fd open_directory(std::string_view path) const;

  bool exists(std::string_view path) const { return locate(path).error == 0; }

private:
  std::string root_;
  owned_fd top_;
  uint32_t owner_ = 0;
};

/// At most `limit` bytes of the regular file `name` in an open directory; links are not followed.
file_text read_at(int directory, const char* name, size_t limit);

/// What a link in an open directory says; empty when it cannot be read.
std::string link_at(int directory, const char* name);

/// "Permission denied" for EACCES.
std::string error_sentence(int error);

/// Absolute, without `.`, empty components and a slash at the end; `..` goes up, at most to the root.
std::string normal_path(std::string_view path);

} // namespace overwatch::security
