#include "tests/snapshots/scratch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace fs = std::filesystem;

namespace overwatch::test {

namespace {

constexpr uid_t nobody = 65534;
constexpr const char* memory_directory = "/dev/shm";

void require(bool done, const std::string& what) {
  if (!done)
    throw std::runtime_error("cannot " + what);
}

/// Lets this process into every directory, so that it can empty them.
void open_directories(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(fs::symlink_status(path, ignored)))
    return;
  ::chmod(path.c_str(), S_IRWXU);
  for (const auto& x : fs::directory_iterator{path, ignored})
    open_directories(x.path());
}

} // namespace

scratch::scratch(place where) {
  auto in_memory = where == place::memory && ::access(memory_directory, W_OK | X_OK) == 0;
  auto parent = in_memory ? fs::path{memory_directory} : fs::temp_directory_path();
  path_ = (parent / "overwatch-snapshots-XXXXXX").string();
  require(::mkdtemp(path_.data()) != nullptr, "create " + path_);
  path_ = fs::canonical(path_).string();
  require(::chmod(path_.c_str(), 0755) == 0, "open " + path_);
  make_directory(data());
}

scratch::~scratch() {
  if (::geteuid() != 0)
    open_directories(path_);
  remove_all(path_);
}

capture_result SnapshotFixture::capture(const std::string& name, std::vector<std::string> paths) {
  auto result = store->capture(name, {std::move(paths), {}}, {});
  EXPECT_EQ(result.error.message, "");
  return result;
}

restore_result SnapshotFixture::restore(const std::string& name) {
  auto result = store->restore(name, {});
  EXPECT_EQ(result.error.message, "");
  EXPECT_TRUE(result.found);
  return result;
}

std::string SnapshotFixture::refusal(std::vector<std::string> paths) {
  return store->capture("refused", {std::move(paths), {}}, {}).error.message;
}

void SnapshotFixture::reopen(snapshot_store_options options) {
  store = std::make_unique<snapshot_store>(std::move(options));
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out << content;
  require(out.good(), "write " + path);
}

std::string read_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

void make_directory(const std::string& path) { fs::create_directories(path); }

void remove_all(const std::string& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

bool exists(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0;
}

void set_modified(const std::string& path, int64_t seconds, int64_t nanoseconds) {
  struct timespec times[2]{{0, UTIME_OMIT}, {seconds, nanoseconds}};
  require(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0, "set the time of " + path);
}

std::string run_as_nobody(const std::function<std::string()>& body) {
  int ends[2];
  require(::pipe(ends) == 0, "make a pipe");
  auto child = ::fork();
  require(child >= 0, "fork");
  if (child == 0) {
    std::string said = "cannot become nobody";
    try {
      if (::setgid(nobody) == 0 && ::setuid(nobody) == 0)
        said = body();
    } catch (const std::exception& error) {
      said = error.what();
    }
    auto written = ::write(ends[1], said.data(), said.size());
    ::_exit(written == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string result;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof(buffer))) > 0;)
    result.append(buffer, static_cast<size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0 ? result : "the child ended with status " + std::to_string(status);
}

} // namespace overwatch::test
