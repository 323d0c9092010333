#include "runtime/storage/data_directory.hpp"

#include "messages/error_code.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <poll.h>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vector>

namespace fs = std::filesystem;

namespace overwatch {

namespace {

constexpr std::string_view format_prefix = "overwatch-store ";

// A node that was killed while it started a command leaves a child that holds its lock until it runs the program.
constexpr int lock_attempts = 100;
constexpr int lock_pause_ms = 20;

/// Turns the version before its place into the next one: element 0 upgrades version 1 to 2, and so on. A step
/// may be interrupted and is then run again.
using upgrade_step = caf::error (*)(const fs::path& directory);
constexpr std::array<upgrade_step, storage_format - 1> upgrade_steps{};

std::string reason() { return std::strerror(errno); }

caf::error unusable(const fs::path& path, const std::string& why) {
  return make_error(ec::invalid,
                    "the data directory " + path.string() + " cannot be used: " + why +
                      ". Choose another one with --data-dir, or correct its owner and mode",
                    "node.data_dir");
}

caf::error write_failed(const fs::path& path, int error) {
  if (error == ENOSPC)
    return make_error(ec::no_space, "the disk of " + path.string() + " is full: free some space and start again");
  return unusable(path.parent_path(), "cannot write " + path.filename().string() + ": " + std::strerror(error));
}

/// 0, or an errno.
int sync_path(const fs::path& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return errno;
  int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

/// Replaces FORMAT, durably.
caf::error write_format(const fs::path& directory, uint32_t version) {
  auto text = std::string{format_prefix} + std::to_string(version) + "\n";
  auto temporary = directory / "FORMAT.new";
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    return write_failed(temporary, errno);
  errno = ENOSPC; // a short write sets none
  bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  int error = errno;
  ::close(fd);
  if (!written)
    return write_failed(temporary, error);
  if (::rename(temporary.c_str(), (directory / "FORMAT").c_str()) != 0)
    return write_failed(directory / "FORMAT", errno);
  if (int failed = sync_path(directory); failed != 0)
    return write_failed(directory / "FORMAT", failed);
  return caf::none;
}

/// The version in FORMAT; none when there is no store yet.
caf::expected<std::optional<uint32_t>> read_version(const fs::path& directory) {
  std::error_code failed;
  if (fs::exists(directory / "FORMAT", failed)) {
    std::ifstream file{directory / "FORMAT"};
    std::string line;
    std::getline(file, line);
    std::string_view text{line};
    bool ours = text.substr(0, format_prefix.size()) == format_prefix && text.size() > format_prefix.size() &&
                text.size() <= format_prefix.size() + 9 &&
                text.find_first_not_of("0123456789", format_prefix.size()) == std::string_view::npos;
    auto version = ours ? static_cast<uint32_t>(std::stoul(line.substr(format_prefix.size()))) : 0;
    if (version == 0)
      return make_error(ec::internal, "the file FORMAT in " + directory.string() + " is damaged: its line is not \"" +
                                        std::string{format_prefix} + "<version>\". Nothing was changed. Restore a " +
                                        "backup, or start with another data directory (--data-dir)");
    if (version > storage_format)
      return make_error(ec::invalid,
                        "the store in " + directory.string() + " has format " + std::to_string(version) +
                          ", written by a newer Overwatch; this one reads formats up to " +
                          std::to_string(storage_format) + ". Nothing was changed. Install the newer " +
                          "version, or choose another data directory with --data-dir",
                        "node.data_dir");
    return std::optional<uint32_t>{version};
  }
  for (auto i = fs::directory_iterator{directory, failed}; !failed && i != fs::directory_iterator{};
       i.increment(failed)) {
    auto name = i->path().filename().string();
    // What an interrupted first start leaves, what the process itself makes, and what a mount point has.
    if (name != "rocks.new" && name != "FORMAT.new" && name != "lost+found" && name.rfind("node.", 0) != 0)
      return unusable(directory,
                      "it is not a node's (there is no FORMAT in it) and not empty (it has \"" + name + "\")");
  }
  if (failed)
    return unusable(directory, failed.message());
  return std::optional<uint32_t>{};
}

/// Who wrote its process id and still runs; empty when nobody does.
std::string holder_of(int fd) {
  char text[32] = {};
  if (::pread(fd, text, sizeof(text) - 1, 0) <= 0)
    return {};
  auto pid = std::atoi(text);
  return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM) ? " (process " + std::to_string(pid) + ")" : std::string{};
}

} // namespace

caf::expected<std::unique_ptr<data_directory>> data_directory::claim(const std::string& path,
                                                                     const create_function& create) {
  auto directory = fs::absolute(path).lexically_normal();
  std::error_code failed;
  if (!fs::exists(directory, failed)) {
    fs::create_directories(directory.parent_path(), failed);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
      return unusable(directory, "it is missing and cannot be created: " + reason());
  }
  if (!fs::is_directory(directory, failed))
    return unusable(directory, "it is not a directory");
  // Looked at before the lock, so that what is not ours stays untouched; and again with it, because another node
  // may have been at work in between.
  if (auto version = read_version(directory); !version)
    return version.error();
  auto fd = lock(directory);
  if (!fd)
    return fd.error();
  std::unique_ptr<data_directory> result{new data_directory{directory, *fd}};
  auto version = read_version(directory);
  if (!version)
    return version.error();
  if (auto error = *version ? result->upgrade(**version) : result->make_store(create))
    return error;
  // A first start may have been interrupted just before this step.
  if (!fs::exists(result->database_path(), failed) && fs::exists(directory / "rocks.new", failed)) {
    if (::rename((directory / "rocks.new").c_str(), result->database_path().c_str()) != 0)
      return write_failed(result->database_path(), errno);
    if (int error = sync_path(directory); error != 0)
      return write_failed(result->database_path(), error);
  }
  return result;
}

data_directory::~data_directory() {
  if (announced_) [[maybe_unused]]
    auto ignored = ::ftruncate(lock_, 0);
  ::close(lock_);
}

caf::expected<int> data_directory::lock(const fs::path& path) {
  int fd = ::open((path / "node.pid").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return write_failed(path / "node.pid", errno);
  for (int i = 0; i < lock_attempts; ++i) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0)
      return fd;
    if (!holder_of(fd).empty())
      break;
    ::poll(nullptr, 0, lock_pause_ms);
  }
  auto error = make_error(ec::conflict,
                          "the data directory " + path.string() + " is in use by another node" + holder_of(fd) +
                            ". Stop that node, or choose another data directory " + "with --data-dir",
                          "node.data_dir");
  ::close(fd);
  return error;
}

void data_directory::announce() {
  auto text = std::to_string(::getpid()) + "\n";
  announced_ = true;
  // Best effort, for a message only: the lock is what counts.
  [[maybe_unused]] bool done = ::ftruncate(lock_, 0) == 0 && ::pwrite(lock_, text.data(), text.size(), 0) > 0;
}

caf::error data_directory::make_store(const create_function& create) const {
  auto fresh = path_ / "rocks.new";
  std::error_code failed;
  fs::remove_all(fresh, failed);
  if (failed)
    return write_failed(fresh, failed.value());
  if (auto error = create(fresh.string()))
    return error;
  // Once FORMAT is there, rocks.new is known to be complete.
  return write_format(path_, storage_format);
}

caf::error data_directory::upgrade(uint32_t version) const {
  for (; version < storage_format; ++version) {
    if (auto error = upgrade_steps[version - 1](path_))
      return error;
    if (auto error = write_format(path_, version + 1))
      return error;
  }
  return caf::none;
}

uint64_t data_directory::free_bytes() const {
  struct statvfs disk = {};
  if (::statvfs(path_.c_str(), &disk) != 0)
    return 0;
  return uint64_t{disk.f_bavail} * disk.f_frsize;
}

uint64_t data_directory::used_bytes() const {
  uint64_t result = 0;
  for (const auto& path : {database_path(), staging_path()}) {
    std::error_code failed;
    auto files = fs::recursive_directory_iterator{path, failed};
    for (; !failed && files != fs::recursive_directory_iterator{}; files.increment(failed)) {
      struct stat file = {}; // of a file that is deleted meanwhile nothing is counted
      if (::stat(files->path().c_str(), &file) == 0 && S_ISREG(file.st_mode))
        result += static_cast<uint64_t>(file.st_blocks) * 512;
    }
  }
  return result;
}

} // namespace overwatch
