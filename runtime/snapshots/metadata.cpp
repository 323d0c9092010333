#include "runtime/snapshots/metadata.hpp"

#include "runtime/snapshots/trouble.hpp"

#include <fcntl.h>
#include <sys/xattr.h>

#include <climits>

namespace overwatch::snapshots {

namespace {

constexpr mode_t permission_bits = 07777;

/// Most lists of attributes are empty: a larger one is asked for again.
constexpr size_t usual_list_bytes = 1024;

/// What others than the file system and its administrator keep there cannot be put back.
bool is_kept(std::string_view attribute) {
  for (std::string_view prefix : {"user.", "security.", "trusted.", "system.posix_acl_"})
    if (attribute.substr(0, prefix.size()) == prefix)
      return true;
  return false;
}

/// True for attributes that the kernel gives to files by itself and only an administrator may change.
bool is_privileged(std::string_view attribute) {
  return attribute.substr(0, 9) == "security." || attribute.substr(0, 8) == "trusted.";
}

bool may_be_ignored(const std::string& attribute) {
  return is_privileged(attribute) && (errno == EPERM || errno == EACCES || errno == ENOTSUP) && ::geteuid() != 0;
}

bool put_attributes_back(int fd, const file_metadata& x, const std::string& path) {
  bool differed = false;
  auto current = read_attributes(fd, path);
  for (const auto& [name, value] : current) {
    if (x.attributes.count(name) != 0)
      continue;
    differed = true;
    if (::fremovexattr(fd, name.c_str()) != 0 && errno != ENODATA && !may_be_ignored(name))
      fail("remove the attribute " + name + " of", path);
  }
  for (const auto& [name, value] : x.attributes) {
    auto found = current.find(name);
    if (found != current.end() && found->second == value)
      continue;
    differed = true;
    if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) != 0 && !may_be_ignored(name))
      fail("set the attribute " + name + " of", path);
  }
  return differed;
}

/// Changes permissions without following a link: through the descriptor's name in /proc.
bool add_owner_permissions(int directory, const std::string& name, mode_t wanted) {
  descriptor place{::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  struct stat st {};
  if (!place || ::fstat(place.get(), &st) != 0 || S_ISLNK(st.st_mode))
    return false;
  auto path = "/proc/self/fd/" + std::to_string(place.get());
  return ::chmod(path.c_str(), (st.st_mode & permission_bits) | wanted) == 0;
}

} // namespace

void check_stopped(const std::function<bool()>& stop) {
  if (stop && stop())
    throw trouble{ec::unavailable, "it was told to stop before it was done", true};
}

file_time modified_of(const struct stat& st) { return {st.st_mtim.tv_sec, static_cast<uint32_t>(st.st_mtim.tv_nsec)}; }

file_time changed_of(const struct stat& st) { return {st.st_ctim.tv_sec, static_cast<uint32_t>(st.st_ctim.tv_nsec)}; }

captured_kind kind_of(const struct stat& st) {
  switch (st.st_mode & S_IFMT) {
  case S_IFREG:
    return captured_kind::file;
  case S_IFDIR:
    return captured_kind::directory;
  case S_IFLNK:
    return captured_kind::symlink;
  case S_IFIFO:
    return captured_kind::fifo;
  case S_IFSOCK:
    return captured_kind::socket;
  default:
    return captured_kind::device;
  }
}

std::optional<struct stat> look_at(int directory, const std::string& name, const std::string& path) {
  struct stat st {};
  if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0)
    return st;
  if (errno != ENOENT)
    fail("look at", path);
  return std::nullopt;
}

void describe(const struct stat& st, saved_entry& x) {
  x.kind = kind_of(st);
  x.metadata.mode = st.st_mode & permission_bits;
  x.metadata.owner = st.st_uid;
  x.metadata.group = st.st_gid;
  x.metadata.modified = modified_of(st);
  x.changed = changed_of(st);
  x.device = st.st_dev;
  x.inode = st.st_ino;
  x.size = x.kind == captured_kind::file ? static_cast<uint64_t>(st.st_size) : 0;
  x.special = x.kind == captured_kind::device ? st.st_rdev | (S_ISBLK(st.st_mode) ? 1ULL << 63 : 0) : 0;
}

std::map<std::string, std::string> read_attributes(int fd, const std::string& path) {
  std::map<std::string, std::string> result;
  std::string names(usual_list_bytes, '\0');
  auto size = ::flistxattr(fd, names.data(), names.size());
  if (size < 0 && errno == ERANGE) {
    names.resize(XATTR_LIST_MAX);
    size = ::flistxattr(fd, names.data(), names.size());
  }
  if (size < 0 && errno == ENOTSUP)
    return result;
  if (size < 0)
    fail("list the attributes of", path);
  for (const char *at = names.data(), *end = at + size; at < end; at += std::char_traits<char>::length(at) + 1) {
    if (!is_kept(at))
      continue;
    auto length = ::fgetxattr(fd, at, nullptr, 0);
    std::string value(length > 0 ? static_cast<size_t>(length) : 0, '\0');
    if (length > 0)
      length = ::fgetxattr(fd, at, value.data(), value.size());
    if (length < 0 && (errno == ENODATA || is_privileged(at)))
      continue;
    if (length < 0)
      fail("read an attribute of", path);
    value.resize(static_cast<size_t>(length));
    result.emplace(at, std::move(value));
  }
  return result;
}

std::string read_target(int directory, const std::string& name, const std::string& path) {
  std::string target(PATH_MAX, '\0');
  auto size = ::readlinkat(directory, name.c_str(), target.data(), target.size());
  if (size < 0)
    fail("read the link", path);
  target.resize(static_cast<size_t>(size));
  return target;
}

bool put_back(int fd, const file_metadata& x, const std::string& path) {
  struct stat st {};
  if (::fstat(fd, &st) != 0)
    fail("look at", path);
  bool differed = false;
  if (st.st_uid != x.owner || st.st_gid != x.group) {
    differed = true;
    if (::fchown(fd, x.owner, x.group) != 0)
      fail("give its owner back to", path);
  }
  if (put_attributes_back(fd, x, path)) // changing the owner may have taken some away
    differed = true;
  if (::fstat(fd, &st) != 0) // owner and ACL change the mode
    fail("look at", path);
  if ((st.st_mode & permission_bits) != x.mode) {
    differed = true;
    if (::fchmod(fd, x.mode) != 0)
      fail("set the mode of", path);
  }
  if (modified_of(st) != x.modified) {
    differed = true;
    struct timespec times[2]{{0, UTIME_OMIT}, {x.modified.seconds, x.modified.nanoseconds}};
    if (::futimens(fd, times) != 0)
      fail("set the time of", path);
  }
  return differed;
}

bool put_back_unopened(int directory, const std::string& name, const file_metadata& x, const std::string& path) {
  auto st = look_at(directory, name, path);
  if (!st)
    fail("look at", path, ENOENT);
  bool differed = false;
  if (st->st_uid != x.owner || st->st_gid != x.group) {
    differed = true;
    if (::fchownat(directory, name.c_str(), x.owner, x.group, AT_SYMLINK_NOFOLLOW) != 0)
      fail("give its owner back to", path);
  }
  if (!S_ISLNK(st->st_mode) && (differed || (st->st_mode & permission_bits) != x.mode)) {
    differed = true;
    descriptor place{::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    auto link = "/proc/self/fd/" + std::to_string(place.get());
    if (!place || ::chmod(link.c_str(), x.mode) != 0)
      fail("set the mode of", path);
  }
  if (modified_of(*st) != x.modified) {
    differed = true;
    struct timespec times[2]{{0, UTIME_OMIT}, {x.modified.seconds, x.modified.nanoseconds}};
    if (::utimensat(directory, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
      fail("set the time of", path);
  }
  return differed;
}

descriptor open_file(int directory, const std::string& name) {
  return descriptor{::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
}

descriptor open_file_by_force(int directory, const std::string& name) {
  auto file = open_file(directory, name);
  if (!file && errno == EACCES && add_owner_permissions(directory, name, S_IRUSR))
    file = open_file(directory, name);
  return file;
}

descriptor open_writable_directory(int directory, const std::string& name) {
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  descriptor result{::openat(directory, name.c_str(), flags)};
  struct stat st {};
  auto open_to_us =
    result && ::fstat(result.get(), &st) == 0 && (::geteuid() == 0 || (st.st_mode & S_IRWXU) == S_IRWXU);
  if (open_to_us || (!result && errno != EACCES))
    return result;
  if (result && ::geteuid() != st.st_uid) // another's directory: its group or others may be allowed
    return result;
  if (!add_owner_permissions(directory, name, S_IRWXU))
    return result;
  return descriptor{::openat(directory, name.c_str(), flags)};
}

} // namespace overwatch::snapshots
