#include "runtime/backup/tree_walk.hpp"

#include "runtime/snapshots/places.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>

#include <algorithm>
#include <array>

namespace overwatch::backup {

namespace {

/// File systems whose files are made up by the kernel when they are read.
bool is_made_up(int directory) {
  constexpr std::array<long, 12> kinds{PROC_SUPER_MAGIC, SYSFS_MAGIC,   CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
                                       DEBUGFS_MAGIC,    TRACEFS_MAGIC, SECURITYFS_MAGIC,   DEVPTS_SUPER_MAGIC,
                                       PSTOREFS_MAGIC,   BPF_FS_MAGIC,  EFIVARFS_MAGIC,     BINFMTFS_MAGIC};
  struct statfs st {};
  return ::fstatfs(directory, &st) == 0 && std::find(kinds.begin(), kinds.end(), st.f_type) != kinds.end();
}

std::string reason_of(int error) { return std::generic_category().message(error); }

} // namespace

void tree_walk::run(const std::string& source) {
  struct stat st {};
  if (source == "/") {
    descriptor top{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (top && ::fstat(top.get(), &st) == 0)
      walk_inside(top.get(), ".", source, st, 0, st.st_dev);
    return;
  }
  enter_above(source);
  auto above = snapshots::open_directory(snapshots::directory_of(source), O_PATH);
  if (!above) {
    visitor_.miss(problem_kind::unreadable, source, reason_of(errno));
    return;
  }
  auto name = snapshots::name_of(source);
  auto device = ::fstatat(above.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_dev : 0;
  walk(above.get(), name, source, 0, device);
}

void tree_walk::enter_above(const std::string& source) {
  auto deepest = snapshots::directory_of(source);
  std::vector<std::string> above;
  for (auto at = deepest; at != "/" && !snapshots::is_within(last_above_, at); at = snapshots::directory_of(at))
    above.insert(above.begin(), at);
  for (const auto& path : above) {
    struct stat st {};
    auto directory = snapshots::open_directory(path, O_RDONLY);
    if (!directory) // may be passed through, but not be listed
      directory = snapshots::open_directory(path, O_PATH);
    if (directory && ::fstat(directory.get(), &st) == 0)
      visitor_.enter(directory.get(), path, st);
  }
  last_above_ = deepest;
}

void tree_walk::walk(int directory, const std::string& name, const std::string& path, unsigned depth, uint64_t device) {
  check_stopped(stop_);
  struct stat st {};
  if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    visitor_.miss(errno == ENOENT ? problem_kind::vanished : problem_kind::unreadable, path, reason_of(errno));
    return;
  }
  if (depth > 0 && options_.excludes.matches(path, name, S_ISDIR(st.st_mode)))
    return;
  if (!S_ISDIR(st.st_mode)) {
    visitor_.visit(directory, name, path, st);
    return;
  }
  if (std::pair<uint64_t, uint64_t>{st.st_dev, st.st_ino} == options_.repository)
    return;
  walk_inside(directory, name, path, st, depth, device);
}

void tree_walk::walk_inside(int directory, const std::string& name, const std::string& path, const struct stat& st,
                            unsigned depth, uint64_t device) {
  descriptor inside{::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  auto error = errno;
  if (!inside && error == ENOENT) {
    visitor_.miss(problem_kind::vanished, path, reason_of(error));
    return;
  }
  if (!inside) { // its own metadata are known all the same
    descriptor closed{::openat(directory, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (closed)
      visitor_.enter(closed.get(), path, st);
    visitor_.miss(problem_kind::unreadable, path, reason_of(error));
    return;
  }
  visitor_.enter(inside.get(), path, st);
  if (options_.one_file_system && st.st_dev != device) {
    visitor_.miss(problem_kind::note, path, "another file system: left out, as one_file_system says");
    return;
  }
  if (is_made_up(inside.get())) {
    visitor_.miss(problem_kind::note, path, "its files are made up by the kernel: left out");
    return;
  }
  if (depth >= max_walk_depth) {
    visitor_.miss(problem_kind::unreadable, path,
                  "more than " + std::to_string(max_walk_depth) +
                    " levels of directories; name a deeper one as a source of its own");
    return;
  }
  std::vector<std::string> names;
  try {
    names = names_in(inside.get(), path);
  } catch (const backup_failed& failure) {
    visitor_.miss(problem_kind::unreadable, path, failure.what());
    return;
  }
  auto prefix = path == "/" ? path : path + "/";
  for (const auto& below : names)
    walk(inside.get(), below, prefix + below, depth + 1, device);
}

} // namespace overwatch::backup
