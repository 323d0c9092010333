#include "runtime/snapshots/places.hpp"

#include "runtime/snapshots/trouble.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <memory>
#include <optional>

namespace overwatch::snapshots {

namespace {

/// Splits at slashes; empty parts vanish.
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> result;
  for (size_t at = 0; at < path.size();) {
    auto end = std::min(path.find('/', at), path.size());
    if (end > at)
      result.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return result;
}

std::string join(const std::vector<std::string>& parts) {
  std::string result;
  for (const auto& part : parts)
    result += '/' + part;
  return result.empty() ? "/" : result;
}

std::string resolved_or_empty(const std::string& path) {
  std::unique_ptr<char, decltype(&std::free)> text{::realpath(path.c_str(), nullptr), &std::free};
  return text ? text.get() : "";
}

/// What is behind `directory` in `path`, with its slash.
std::string behind(const std::string& path, const std::string& directory) {
  return directory == "/" ? (path == "/" ? "" : path) : path.substr(directory.size());
}

} // namespace

bool is_within(std::string_view path, std::string_view directory) {
  return directory == "/" || path == directory ||
         (path.size() > directory.size() && path.substr(0, directory.size()) == directory &&
          path[directory.size()] == '/');
}

std::string directory_of(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

root_set::root_set(const std::vector<std::string>& roots) {
  for (const auto& given : roots)
    roots_.push_back({join(parts_of(given)), resolved_or_empty(given)});
}

void root_set::refuse(const std::string& path, const std::string& why) const {
  std::string listed;
  for (const auto& x : roots_)
    listed +=
      (listed.empty() ? "" : ", ") + x.given + (x.resolved.empty() ? " (did not exist when the node started)" : "");
  throw trouble{ec::invalid,
                "'" + path + "' may not be captured: " + why + "; snapshots.roots allows " +
                  (listed.empty() ? "nothing" : listed),
                false};
}

std::string root_set::resolve(const std::string& path) const {
  if (path.empty() || path.front() != '/')
    refuse(path, "a path must be absolute");
  if (path.size() >= PATH_MAX || path.find('\0') != std::string::npos)
    refuse(path.substr(0, 64), "it is no path");
  auto parts = parts_of(path);
  if (std::any_of(parts.begin(), parts.end(), [](const auto& x) { return x == "." || x == ".."; }))
    refuse(path, "'.' and '..' are not followed");
  auto plain = join(parts);
  for (const auto& x : roots_) {
    if (x.resolved.empty())
      continue;
    for (const auto& spelling : {x.given, x.resolved}) {
      if (!is_within(plain, spelling))
        continue;
      auto result = (x.resolved == "/" ? "" : x.resolved) + behind(plain, spelling);
      if (result.empty())
        refuse(path, "it is the whole file system");
      return result;
    }
  }
  refuse(path, "it lies under no root");
}

void root_set::check(const std::string& resolved) const {
  if (root_of(resolved).empty())
    refuse(resolved, "it lies under no root any more");
}

std::string root_set::root_of(const std::string& resolved) const {
  for (const auto& x : roots_)
    if (!x.resolved.empty() && is_within(resolved, x.resolved))
      return x.resolved;
  return {};
}

descriptor open_directory_stepwise(const std::string& path, int flags) {
  descriptor at{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  auto parts = parts_of(path);
  if (parts.empty())
    return descriptor{::open("/", flags | O_DIRECTORY | O_CLOEXEC)};
  for (size_t i = 0; i < parts.size() && at; ++i) {
    auto how = i + 1 == parts.size() ? flags : O_PATH;
    descriptor next{::openat(at.get(), parts[i].c_str(), how | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    struct stat st {};
    if (!next && errno == ENOTDIR && ::fstatat(at.get(), parts[i].c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0)
      errno = S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
    at = std::move(next);
  }
  return at;
}

descriptor open_directory(const std::string& path, int flags) {
  struct open_how how {};
  how.flags = static_cast<uint64_t>(flags | O_DIRECTORY | O_CLOEXEC);
  how.resolve = RESOLVE_NO_SYMLINKS;
  auto fd = ::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how));
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) // an old kernel, or a sandbox that does not know the call
    return open_directory_stepwise(path, flags);
  return descriptor{static_cast<int>(fd)};
}

void fail_to_open_directory(const std::string& path, int error) {
  if (error == ELOOP)
    throw trouble{ec::invalid,
                  "'" + path +
                    "' goes through a symbolic link: links are captured, but not followed; name the place that "
                    "it leads to, and allow it in snapshots.roots",
                  false};
  fail("get to", path, error);
}

std::vector<std::string> names_in(int directory, const std::string& path) {
  descriptor own{::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  std::unique_ptr<DIR, int (*)(DIR*)> stream{own ? ::fdopendir(own.get()) : nullptr, &::closedir};
  if (!stream)
    fail("list", path);
  own.release(); // the stream closes it
  std::vector<std::string> result;
  for (errno = 0; auto* entry = ::readdir(stream.get()); errno = 0) {
    std::string name = entry->d_name;
    if (name != "." && name != "..")
      result.push_back(std::move(name));
  }
  if (errno != 0)
    fail("list", path);
  std::sort(result.begin(), result.end());
  return result;
}

} // namespace overwatch::snapshots
