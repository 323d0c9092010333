#include "runtime/maintenance/places.hpp"

#include "runtime/snapshots/places.hpp"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sstream>

namespace overwatch::maintenance {

namespace {

descriptor open_beneath(int parent, const std::string& name, uint64_t resolve) {
  struct open_how how {};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC; // links are `resolve`'s: its error tells them apart
  how.resolve = resolve;
  return descriptor{static_cast<int>(::syscall(SYS_openat2, parent, name.c_str(), &how, sizeof(how)))};
}

bool is_unknown_call(int error) { return error == ENOSYS || error == EPERM; }

descriptor open_no_link(int parent, const std::string& name) {
  descriptor result{::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat st {};
  if (!result && errno == ENOTDIR && ::fstatat(parent, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0)
    errno = S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
  return result;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string result;
  for (const auto& x : texts)
    result += (result.empty() ? "" : ", ") + x;
  return result;
}

/// The path without repeated and trailing slashes; empty when it is not absolute or has `.` or `..` in it.
std::string normalized(const std::string& path) {
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos)
    return {};
  std::string result;
  std::istringstream parts{path};
  for (std::string part; std::getline(parts, part, '/');) {
    if (part == "." || part == "..")
      return {};
    if (!part.empty())
      result += "/" + part;
  }
  return result.empty() ? "/" : result;
}

std::string resolved(const std::string& path) {
  char buffer[PATH_MAX];
  return ::realpath(path.c_str(), buffer) != nullptr ? buffer : std::string{};
}

/// `relative` is empty or begins with a slash.
descriptor open_from_root(const std::string& root, const std::string& relative) {
  descriptor top{::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!top || relative.empty())
    return top;
  auto result = open_beneath(top.get(), relative.substr(1), RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  if (result || !is_unknown_call(errno))
    return result;
  std::istringstream parts{relative.substr(1)};
  for (std::string part; top && std::getline(parts, part, '/');)
    top = open_no_link(top.get(), part);
  return top;
}

/// True when the directory is `above` or lies in it, whatever their paths are.
bool lies_in(int directory, const identity& above) {
  descriptor at{::openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  for (identity last; at;) {
    struct stat st {};
    if (::fstat(at.get(), &st) != 0)
      return false;
    identity here{st.st_dev, st.st_ino};
    if (here == above)
      return true;
    if (here == last)
      return false; // the top is its own parent
    last = here;
    at = descriptor{::openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  }
  return false;
}

} // namespace

opened_place open_place(const std::vector<std::string>& roots, const std::string& path, const identity& spared) {
  opened_place result;
  auto plain = normalized(path);
  if (plain.empty() || plain == "/") {
    result.why = "it must be an absolute path without '.' and '..', and not the whole file system";
    return result;
  }
  if (roots.empty()) {
    result.why = "maintenance.roots in the node's configuration names no directory under which this may be done";
    return result;
  }
  for (const auto& root : roots) {
    auto spelled = normalized(root);
    if (spelled.empty() || spelled == "/" || !snapshots::is_within(plain, spelled))
      continue;
    auto top = resolved(spelled);
    if (top.empty() || top == "/") {
      result.why = "its root " + spelled + " does not exist, or leads to the whole file system";
      continue;
    }
    result.directory = open_from_root(top, plain.substr(spelled.size()));
    result.why = !result.directory ? reason_of(errno) : lies_in(result.directory.get(), spared) ? own_data : "";
    return result;
  }
  if (result.why.empty())
    result.why = "it lies under none of maintenance.roots (" + joined(roots) + ")";
  return result;
}

descriptor open_below(int parent, const std::string& name) {
  auto result = open_beneath(parent, name, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
  return result || !is_unknown_call(errno) ? std::move(result) : open_below_stepwise(parent, name);
}

descriptor open_below_stepwise(int parent, const std::string& name) {
  auto result = open_no_link(parent, name);
  struct stat above {};
  struct stat below {};
  if (result && (::fstat(parent, &above) != 0 || ::fstat(result.get(), &below) != 0 || above.st_dev != below.st_dev)) {
    result = descriptor{};
    errno = EXDEV;
  }
  return result;
}

std::string reason_of(int error) {
  switch (error) {
  case ELOOP:
    return "a symbolic link: links are not followed";
  case EXDEV:
    return "another file system is mounted there";
  case EACCES:
  case EPERM:
    return "not allowed: the node has no right to it";
  case ENOENT:
    return "it does not exist";
  default:
    return std::strerror(error);
  }
}

identity identity_of(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 ? identity{st.st_dev, st.st_ino} : identity{};
}

} // namespace overwatch::maintenance
