#include "tests/snapshots/random_tree.hpp"

#include "tests/snapshots/scratch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

namespace fs = std::filesystem;

namespace overwatch::test {

namespace {

std::vector<std::string> all_in(const std::string& path, bool directories_only) {
  std::vector<std::string> result;
  if (fs::is_directory(fs::symlink_status(path)))
    for (const auto& x : fs::recursive_directory_iterator{path, fs::directory_options::skip_permission_denied})
      if (!directories_only || fs::is_directory(x.symlink_status()))
        result.push_back(x.path().string());
  std::sort(result.begin(), result.end());
  return result;
}

void write_with_hole(const std::string& path, const std::string& content) {
  auto fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || ::pwrite(fd, content.data(), content.size(), 500'000) < 0 || ::ftruncate(fd, 1'000'000) != 0)
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
  if (!fs::is_directory(fs::symlink_status(fs::path{path}.parent_path())))
    return; // the whole tree is gone
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
    write_with_hole(path, content());
    break;
  default:
    write_file(path, content());
  }
}

void random_tree::build(unsigned entries) {
  make_directory(path_);
  for (unsigned i = 0; i < entries; ++i)
    create(any_directory() + "/" + new_name());
  for (unsigned i = 0; i < entries / 2; ++i) {
    auto path = any();
    if (below(2) == 0)
      set_modified(path, static_cast<int64_t>(below(2'000'000'000)), static_cast<int64_t>(below(1'000'000'000)));
    else
      change(path);
  }
}

void random_tree::overwrite_in_place(const std::string& path) {
  struct stat st {};
  auto fd = ::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return;
  ::fstat(fd, &st);
  auto bytes = content();
  if (S_ISREG(st.st_mode) && ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(below(1000))) >= 0
      && below(2) == 0) {
    struct timespec times[2]{{0, UTIME_OMIT}, st.st_mtim}; // as if nothing had happened
    ::futimens(fd, times);
  }
  ::close(fd);
}

/// Neither creates nor deletes.
void random_tree::change(const std::string& path) {
  auto is_link = fs::is_symlink(fs::symlink_status(path));
  switch (below(5)) {
  case 0:
    if (!is_link)
      ::chmod(path.c_str(), static_cast<mode_t>(below(010000)));
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
    if (exists(path))
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
      if (fs::is_regular_file(fs::symlink_status(path)) && ::truncate(path.c_str(), static_cast<off_t>(below(2000))) != 0)
        throw std::runtime_error{"cannot truncate " + path};
      break;
    default:
      overwrite_in_place(path);
    }
  }
}

} // namespace overwatch::test
