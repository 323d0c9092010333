#pragma once

#include <string>

namespace overwatch::support {

/// A new directory that is removed with everything in it at the end. Owned by one thread.
class scratch_directory {
public:
  /// Makes it in `parent`. Throws std::runtime_error when that is impossible, or when `parent` lies in memory
  /// (tmpfs, ramfs): what is written there is never synced, so nothing measured or killed there means anything.
  explicit scratch_directory(const std::string& parent = ".");
  ~scratch_directory();

  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;

  /// Absolute.
  const std::string& path() const { return path_; }

  /// It stays when the program ends: for a look at what went wrong.
  void keep() { kept_ = true; }

private:
  std::string path_;
  bool kept_ = false;
};

} // namespace overwatch::support
