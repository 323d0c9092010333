#include "tests/snapshots/random_tree.hpp"

#include "tests/snapshots/scratch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <vector>

namespace fs = std::filesystem;

namespace overwatch::test {

namespace {

/// 0 when nothing is there or it cannot be seen.
mode_t mode_of(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 ? st.st_mode : 0;
}

std::vector<std::string> all_in(const std::string& path, bool directories_only) {
  std::vector<std::string> result;
  std::error_code ignored;
  if (S_ISDIR(mode_of(path)))
    for (fs::recursive_directory_iterator i{path, fs::directory_options::skip_permission_denied, ignored}, end;
         i != end; i.increment(ignored))
      if (!directories_only || S_ISDIR(mode_of(i->path().string())))
        result.push_back(i->path().string());
  std::sort(result.begin(), result.end());
  return result;
}

/// Where this process may not write, nothing happens.
void try_to_write(const std::string& path, const std::string& content, off_t hole) {
  auto fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0644);
  if (fd < 0)
    return;
  auto size = hole * 2 + static_cast<off_t>(content.size());
  if (::pwrite(fd, content.data(), content.size(), hole) < 0 || ::ftruncate(fd, size) != 0)
    throw std::runtime_error{"cannot write " + path};
  ::close(fd);
}

} // namespace

std::string random_tree::content() {
  constexpr size_t sizes[]{0, 1, 10, 1000, 70'000, 200'000};
  std::string result(sizes[below(6)], '\0');
  for (auto& c : result)
    c = static_cast<char>('a' + below(4));
  return result;
}

std::string random_tree::new_name() { return "n" + std::to_string(++names_) + (below(8) == 0 ? " \n\xff" : ""); }

std::string random_tree::any_directory() {
  auto all = all_in(path_, true);
  return all.empty() || below(4) == 0 ? path_ : all[below(all.size())];
}

std::string random_tree::any() {
  auto all = all_in(path_, false);
  return all.empty() ? path_ : all[below(all.size())];
}

void random_tree::create(const std::string& path) {
  auto other = any();
  switch (below(9)) {
  case 0:
  case 1:
    ::mkdir(path.c_str(), 0755);
    break;
  case 2:
    ::symlink(other.c_str(), path.c_str());
    break;
  case 3:
    if (::link(other.c_str(), path.c_str()) != 0) // a directory has one name
      ::symlink("a", path.c_str());
    break;
  case 4:
    ::mkfifo(path.c_str(), 0600);
    break;
  case 5:
    try_to_write(path, content(), 500'000);
    break;
  default:
    try_to_write(path, content(), 0);
  }
}

void random_tree::build(unsigned entries) {
  always_allowed_ = ::geteuid() == 0 ? 0 : S_IRWXU; // what cannot be read cannot be captured
  make_directory(path_);
  for (unsigned i = 0; i < entries; ++i)
    create(any_directory() + "/" + new_name());
  for (unsigned i = 0; i < entries / 2; ++i) {
    change(any());
  }
  always_allowed_ = 0;
}

void random_tree::overwrite_in_place(const std::string& path) {
  struct stat st {};
  auto fd = ::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return;
  ::fstat(fd, &st);
  auto bytes = content();
  if (S_ISREG(st.st_mode) && ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(below(1000))) >= 0 &&
      below(2) == 0) {
    struct timespec times[2]{{0, UTIME_OMIT}, st.st_mtim}; // as if nothing had happened
    ::futimens(fd, times);
  }
  ::close(fd);
}

/// Neither creates nor deletes.
void random_tree::change(const std::string& path) {
  auto is_link = S_ISLNK(mode_of(path));
  switch (below(5)) {
  case 0:
    if (!is_link)
      ::chmod(path.c_str(), static_cast<mode_t>(below(010000)) | always_allowed_);
    break;
  case 1:
    if (::geteuid() == 0)
      ::lchown(path.c_str(), static_cast<uid_t>(below(5)), static_cast<gid_t>(below(5)));
    break;
  case 2:
    if (!is_link)
      ::setxattr(path.c_str(), "user.mark", "abcdef", 1 + below(6), 0);
    break;
  case 3:
    if (!is_link)
      ::removexattr(path.c_str(), "user.mark");
    break;
  default:
    if (mode_of(path) != 0)
      set_modified(path, static_cast<int64_t>(below(2'000'000'000)), static_cast<int64_t>(below(1'000'000'000)));
  }
}

void random_tree::damage(unsigned changes) {
  for (unsigned i = 0; i < changes; ++i) {
    auto path = any();
    switch (below(8)) {
    case 0:
      create(any_directory() + "/" + new_name());
      break;
    case 1:
      remove_all(path);
      break;
    case 2:
      ::rename(path.c_str(), (any_directory() + "/" + new_name()).c_str());
      break;
    case 3:
      ::rename(path.c_str(), any().c_str());
      break;
    case 4:
      if (path != path_) {
        remove_all(path);
        create(path);
      }
      break;
    case 5:
      change(path);
      break;
    case 6:
      if (S_ISREG(mode_of(path)) && ::truncate(path.c_str(), static_cast<off_t>(below(2000))) != 0 && errno != EACCES)
        throw std::runtime_error{"cannot truncate " + path};
      break;
    default:
      overwrite_in_place(path);
    }
  }
}

} // namespace overwatch::test
