#include "runtime/security/walk.hpp"

#include "runtime/handlers/machine.hpp"
#include "runtime/security/lines.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace overwatch::security {

namespace {

struct closes_directory {
  void operator()(DIR* x) const { ::closedir(x); }
};
using open_entries = std::unique_ptr<DIR, closes_directory>;

open_entries entries_of(int parent, const char* name) {
  auto fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  auto* result = fd < 0 ? nullptr : ::fdopendir(fd);
  if (result == nullptr && fd >= 0)
    ::close(fd);
  return open_entries{result};
}

/// A directory that the walk is in.
struct level {
  open_entries entries;
  struct stat status {};
  size_t path_size = 0; ///< of the walk's path, up to this directory
  bool reachable = false;
  std::vector<std::pair<std::string, unsigned char>> names; ///< in a sorted walk, the last one first
};

class walker {
public:
  walker(const tree& root, const walk_options& options, const std::function<void(const walk_entry&)>& visit,
         const std::function<void(const walk_result&)>& tick)
    : root_{root}, options_{options}, visit_{visit}, tick_{tick} {}

  void begin(const std::string& top) {
    bool reachable = true; // through the directories above
    std::string last;
    bool last_passable = true;
    auto place = root_.locate(top, true, [&](const std::string& path, const struct stat& status) {
      reachable = reachable && last_passable;
      last_passable = !S_ISDIR(status.st_mode) || (status.st_mode & S_IXOTH) != 0;
      last = path;
    });
    if (place.error != 0)
      return unreadable(top);
    path_ = place.path == "/" ? "" : place.path;
    device_ = place.status.st_dev;
    top_ = place.path;
    struct stat parent {};
    ::fstatat(place.directory.get(), ".", &parent, 0);
    ++(S_ISDIR(place.status.st_mode) ? result.directories : result.files);
    visit_({place.path, place.directory.get(), place.name.c_str(), place.status, parent, reachable});
    if (S_ISDIR(place.status.st_mode))
      descend(place.directory.get(), place.name.c_str(), place.status, reachable);
    while (!levels_.empty())
      step();
  }

  walk_result result;

private:
  void unreadable(const std::string& path) {
    ++result.unreadable;
    options_.on_unreadable(path);
    if (result.unreadable_examples.size() < walk_result::max_examples)
      result.unreadable_examples.push_back(path);
  }

  void descend(int parent, const char* name, const struct stat& status, bool reachable) {
    if (levels_.size() >= walk_result::max_depth) {
      ++result.too_deep;
      return;
    }
    level next;
    next.entries = entries_of(parent, name);
    if (!next.entries) {
      if (errno != ENOENT) // it may have gone meanwhile
        unreadable(path_.empty() ? "/" : path_);
      return;
    }
    next.status = status;
    next.path_size = path_.size();
    next.reachable = reachable && (status.st_mode & S_IXOTH) != 0;
    if (options_.sorted)
      sort_names(next);
    levels_.push_back(std::move(next));
  }

  static void sort_names(level& at) {
    while (const auto* entry = ::readdir(at.entries.get()))
      at.names.emplace_back(entry->d_name, entry->d_type);
    std::sort(at.names.begin(), at.names.end(), std::greater<>{});
  }

  // The next name of the innermost directory.
  bool next_name(std::string& name, unsigned char& type) {
    auto& at = levels_.back();
    if (options_.sorted) {
      if (at.names.empty())
        return false;
      std::tie(name, type) = std::move(at.names.back());
      at.names.pop_back();
      return true;
    }
    const auto* entry = ::readdir(at.entries.get());
    if (entry == nullptr)
      return false;
    name = entry->d_name;
    type = entry->d_type;
    return true;
  }

  void step() {
    unsigned char type = DT_UNKNOWN;
    path_.resize(levels_.back().path_size);
    if (!next_name(name_, type)) {
      levels_.pop_back();
      return;
    }
    if (name_ == "." || name_ == "..")
      return;
    if (++entries_ % tick_entries == 0)
      tick_(result);
    path_ += '/';
    path_ += name_;
    auto may_be_directory = type == DT_DIR || type == DT_UNKNOWN;
    if (is_excluded(path_, options_.exclude) || (may_be_directory && is_foreign()))
      return;
    const auto& at = levels_.back();
    auto directory = ::dirfd(at.entries.get());
    struct stat status {};
    if (::fstatat(directory, name_.c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0)
      return; // it has gone, or its directory may be listed but not entered
    if (S_ISDIR(status.st_mode) && status.st_dev != device_ && !options_.cross)
      return;
    ++(S_ISDIR(status.st_mode) ? result.directories : result.files);
    visit_({path_, directory, name_.c_str(), status, at.status, at.reachable});
    if (S_ISDIR(status.st_mode))
      descend(directory, std::string{name_}.c_str(), status, at.reachable);
  }

  // Where another file system begins, or another path of this walk. By its path: even a look at a mount whose server is
  // gone blocks.
  bool is_foreign() const {
    if (options_.forbidden_mounts.count(path_) > 0 || (!options_.cross && options_.mounts.count(path_) > 0))
      return true;
    return path_ != top_ && std::find(options_.paths.begin(), options_.paths.end(), path_) != options_.paths.end();
  }

  const tree& root_;
  const walk_options& options_;
  const std::function<void(const walk_entry&)>& visit_;
  const std::function<void(const walk_result&)>& tick_;
  std::vector<level> levels_;
  std::string path_, name_, top_;
  dev_t device_ = 0;
  uint64_t entries_ = 0;
};

} // namespace

walk_result walk(const tree& root, const walk_options& options, const std::function<void(const walk_entry&)>& visit,
                 const std::function<void(const walk_result&)>& tick) {
  walker w{root, options, visit, tick};
  std::set<std::string> begun;
  for (const auto& path : options.paths)
    if (begun.insert(path).second && !is_excluded(path, options.exclude) && options.forbidden_mounts.count(path) == 0)
      w.begin(path);
  tick(w.result);
  return std::move(w.result);
}

bool is_excluded(std::string_view path, const std::vector<std::string>& exclude) {
  return std::any_of(exclude.begin(), exclude.end(), [&](const std::string& one) {
    if (one.find_first_of("*?") != std::string::npos)
      return matches(one, path);
    return begins_with(path, one) && (path.size() == one.size() || path[one.size()] == '/' || one == "/");
  });
}

void find_mounts(const tree& root, walk_options& options) {
  auto all = procfs::read("/proc/self/mountinfo", procfs::parse_mountinfo);
  std::set<std::string> with_data;
  for (const auto& mount : all)
    if (!mounts_with_data({mount}).empty())
      with_data.insert(mount.point);
  auto front = root.is_machine() ? std::string{} : root.root();
  for (const auto& mount : all) {
    if (!begins_with(mount.point, front + "/") || mount.point.size() == front.size() + 1)
      continue;
    auto point = mount.point.substr(front.size());
    options.mounts.insert(point);
    if (with_data.count(mount.point) == 0)
      options.forbidden_mounts.insert(point);
  }
}

// An overlay elsewhere than at the root is the tree of a container.
std::vector<std::string> usual_paths(const tree& root) {
  std::vector<std::string> result{"/"};
  if (root.is_machine())
    for (const auto& mount : mounts_with_data(procfs::read("/proc/self/mountinfo", procfs::parse_mountinfo)))
      if (mount.point != "/" && mount.type != "overlay")
        result.push_back(mount.point);
  return result;
}

uint64_t estimated_entries(const tree& root, const std::vector<std::string>& paths) {
  uint64_t result = 0;
  std::set<dev_t> counted;
  for (const auto& path : paths) {
    auto directory = root.open_directory(path);
    struct stat status {};
    struct statvfs usage {};
    if (!directory || ::fstat(directory.get(), &status) != 0 || !counted.insert(status.st_dev).second)
      continue;
    if (::fstatvfs(directory.get(), &usage) == 0 && usage.f_files > usage.f_ffree)
      result += usage.f_files - usage.f_ffree;
  }
  return result;
}

} // namespace overwatch::security
