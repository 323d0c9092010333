#pragma once

#include "runtime/backup/failure.hpp"
#include "runtime/backup/problem_list.hpp"
#include "runtime/backup/selection.hpp"

#include <sys/stat.h>

#include <utility>

namespace overwatch::backup {

/// Levels of directories below a source: each takes a descriptor while it is walked through.
inline constexpr unsigned max_walk_depth = 200;

/// Gets what a walk comes by, in the order of `goes_before`. An exception of a method ends the walk.
class walk_visitor {
public:
  virtual ~walk_visitor() = default;

  /// `directory` is open.
  virtual void enter(int directory, const std::string& path, const struct stat& st) = 0;

  /// Anything but a directory; it is `name` in the open `directory`.
  virtual void visit(int directory, const std::string& name, const std::string& path, const struct stat& st) = 0;

  virtual void miss(problem_kind kind, const std::string& path, const std::string& reason) = 0;
};

struct walk_options {
  pattern_list excludes{{}};
  bool one_file_system = false;                   ///< directories of another one are entered into no further
  std::pair<uint64_t, uint64_t> repository{0, 0}; ///< device and inode of a directory that is left out
};

/// Walks through a source without following symbolic links.
class tree_walk {
public:
  tree_walk(const walk_options& options, walk_visitor& visitor, const stop_check& stop)
    : options_{options}, visitor_{visitor}, stop_{stop} {}

  /// Walks through `source`, an absolute resolved path. What was walked through before sorts before it. The directories
  /// above it are entered first, unless they were.
  void run(const std::string& source);

private:
  void enter_above(const std::string& source);
  void walk(int directory, const std::string& name, const std::string& path, unsigned depth, uint64_t device);
  void walk_inside(int directory, const std::string& name, const std::string& path, const struct stat& st,
                   unsigned depth, uint64_t device);

  const walk_options& options_;
  walk_visitor& visitor_;
  const stop_check& stop_;
  std::string last_above_; // the deepest directory above the last source
};

} // namespace overwatch::backup
