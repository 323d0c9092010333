#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace overwatch {

/// A directory that looks like the root of a machine's file system.
class made_up_machine {
public:
  made_up_machine() {
    auto name = (std::filesystem::temp_directory_path() / "overwatch-test-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~made_up_machine() { std::filesystem::remove_all(root_); }
  made_up_machine(const made_up_machine&) = delete;
  made_up_machine& operator=(const made_up_machine&) = delete;

  std::string root() const { return root_.string(); }

  /// `file` is relative to the root.
  void write(const std::string& file, const std::string& text) {
    auto path = root_ / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << text;
  }

  /// Four cores, 8 GiB, and a version 2 group a/b for this process.
  void boot() {
    write("proc/stat", "cpu  100 0 0 900 0 0 0 0\ncpu0 1 0 0 1\ncpu1 1 0 0 1\ncpu2 1 0 0 1\ncpu3 1 0 0 1\nctxt 1\n");
    write("proc/meminfo", "MemTotal:  8388608 kB\nMemFree: 1 kB\nMemAvailable: 4194304 kB\n");
    write("proc/loadavg", "2.00 1.00 0.50 1/100 7\n");
    write("proc/self/mountinfo", "30 24 0:26 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
    write("proc/self/cgroup", "0::/a/b\n");
  }

private:
  std::filesystem::path root_;
};

} // namespace overwatch
