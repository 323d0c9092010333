#include "runtime/security/tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <system_error>

namespace overwatch::security {

namespace {

constexpr size_t max_open = 128; // directories on the way to one path
constexpr int as_path = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

struct closes_directory {
  void operator()(DIR* x) const { ::closedir(x); }
};

void put_in_front(std::deque<std::string>& steps, std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    auto end = std::min(path.find('/'), path.size());
    if (end > 0 && path.substr(0, end) != ".")
      parts.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  steps.insert(steps.begin(), parts.begin(), parts.end());
}

/// The directories from the root to where a resolution has come.
class way {
public:
  explicit way(int top) : top_{top} {}

  int last() const { return open_.empty() ? top_ : open_.back().get(); }
  void up() {
    if (open_.empty())
      return;
    open_.pop_back();
    path_.erase(path_.rfind('/'));
  }
  void to_root() {
    open_.clear();
    path_.clear();
  }
  // errno, or 0.
  int down(const std::string& name) {
    owned_fd next{::openat(last(), name.c_str(), as_path)};
    if (!next || open_.size() >= max_open)
      return next ? ELOOP : errno;
    open_.push_back(std::move(next));
    path_ += "/" + name;
    return 0;
  }
  std::string path_of(const std::string& name) const { return path_ + "/" + name; }
  std::string path() const { return path_.empty() ? "/" : path_; }

private:
  int top_;
  std::vector<owned_fd> open_;
  std::string path_;
};

located failed(int error) {
  located result;
  result.error = error;
  return result;
}

// A directory that was reached through `..` or is the root: it is its own "." .
located here(const way& at, const tree::on_step& step) {
  located result;
  result.directory = owned_fd{::fcntl(at.last(), F_DUPFD_CLOEXEC, 3)};
  result.name = ".";
  result.path = at.path();
  if (!result.directory || ::fstatat(at.last(), ".", &result.status, AT_SYMLINK_NOFOLLOW) != 0)
    return failed(errno);
  if (step)
    step(result.path, result.status);
  return result;
}

} // namespace

tree::tree(const std::string& root)
  : root_{normal_path(root)}, top_{::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)} {
  if (!top_)
    throw std::system_error{errno, std::generic_category(), root_};
  struct stat status {};
  if (::fstatat(top_.get(), ".", &status, 0) == 0)
    owner_ = status.st_uid;
}

located tree::locate(std::string_view path, bool follow_last, const on_step& step) const {
  std::deque<std::string> steps;
  put_in_front(steps, path);
  way at{top_.get()};
  if (step) {
    struct stat status {};
    if (::fstatat(top_.get(), ".", &status, 0) == 0 && !steps.empty())
      step("/", status);
  }
  for (int links = 0; !steps.empty();) {
    auto name = std::move(steps.front());
    steps.pop_front();
    if (name == "..") {
      at.up();
      continue;
    }
    struct stat status {};
    if (::fstatat(at.last(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0)
      return failed(errno);
    if (step)
      step(at.path_of(name), status);
    if (S_ISLNK(status.st_mode) && (follow_last || !steps.empty())) {
      auto target = link_at(at.last(), name.c_str());
      if (target.empty() || ++links > max_links)
        return failed(target.empty() ? ENOENT : ELOOP);
      if (target.front() == '/')
        at.to_root();
      put_in_front(steps, target);
      continue;
    }
    if (steps.empty()) {
      located result;
      result.directory = owned_fd{::fcntl(at.last(), F_DUPFD_CLOEXEC, 3)};
      result.path = at.path_of(name);
      result.name = std::move(name);
      result.status = status;
      return result.directory ? std::move(result) : failed(errno);
    }
    if (auto error = at.down(name))
      return failed(error);
  }
  return here(at, step);
}

file_text tree::read(std::string_view path, size_t limit) const {
  auto found = locate(path);
  if (found.error != 0) {
    file_text result;
    result.error = found.error;
    return result;
  }
  return read_at(found.directory.get(), found.name.c_str(), limit);
}

owned_fd tree::open_directory(std::string_view path) const {
  auto found = locate(path);
  if (found.error != 0) {
    errno = found.error;
    return {};
  }
  return owned_fd{::openat(found.directory.get(), found.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

name_list tree::list(std::string_view path) const {
  name_list result;
  auto directory = open_directory(path);
  auto copy = directory ? ::fcntl(directory.get(), F_DUPFD_CLOEXEC, 3) : -1;
  std::unique_ptr<DIR, closes_directory> entries{copy < 0 ? nullptr : ::fdopendir(copy)};
  if (!entries) {
    result.error = errno;
    if (copy >= 0)
      ::close(copy);
    return result;
  }
  while (const auto* entry = ::readdir(entries.get())) {
    std::string_view name = entry->d_name;
    if (name == "." || name == "..")
      continue;
    if (result.names.size() >= max_names) {
      result.cut = true;
      break;
    }
    result.names.emplace_back(name);
  }
  std::sort(result.names.begin(), result.names.end());
  return result;
}

file_text read_at(int directory, const char* name, size_t limit) {
  file_text result;
  struct stat status {};
  auto good = ::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0;
  if (good && !S_ISREG(status.st_mode)) { // opening a device may do something
    result.error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    return result;
  }
  owned_fd file{good ? ::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1};
  if (!file) {
    result.error = errno;
    return result;
  }
  constexpr size_t piece = 64 * 1024; // files in /proc do not say their size
  while (result.text.size() <= limit) {
    auto before = result.text.size();
    result.text.resize(before + piece);
    auto count = ::read(file.get(), result.text.data() + before, piece);
    result.text.resize(before + static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      result.error = errno;
    if (count <= 0)
      break;
  }
  result.cut = result.text.size() > limit;
  result.text.resize(std::min(result.text.size(), limit));
  return result;
}

std::string link_at(int directory, const char* name) {
  char target[PATH_MAX];
  auto size = ::readlinkat(directory, name, target, sizeof(target));
  return size > 0 ? std::string{target, static_cast<size_t>(size)} : std::string{};
}

std::string error_sentence(int error) { return std::generic_category().message(error); }

std::string normal_path(std::string_view path) {
  std::deque<std::string> parts;
  put_in_front(parts, path);
  std::vector<std::string> kept;
  for (auto& part : parts) {
    if (part != "..")
      kept.push_back(std::move(part));
    else if (!kept.empty())
      kept.pop_back();
  }
  std::string result;
  for (const auto& part : kept)
    result += "/" + part;
  return result.empty() ? "/" : result;
}

} // namespace overwatch::security
