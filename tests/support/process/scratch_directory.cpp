#include "tests/support/process/scratch_directory.hpp"

#include <linux/magic.h>
#include <stdlib.h>
#include <sys/vfs.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace overwatch::support {

scratch_directory::scratch_directory(const std::string& parent) {
  struct statfs disk {};
  if (statfs(parent.c_str(), &disk) != 0)
    throw std::system_error{errno, std::generic_category(), "statfs " + parent};
  if (disk.f_type == TMPFS_MAGIC || disk.f_type == RAMFS_MAGIC)
    throw std::runtime_error{parent + " lies in memory; change to a directory on a disk"};
  auto pattern = std::filesystem::absolute(parent) / ".overwatch-scratch-XXXXXX";
  path_ = pattern.lexically_normal().string();
  if (mkdtemp(path_.data()) == nullptr)
    throw std::system_error{errno, std::generic_category(), "mkdtemp " + path_};
}

scratch_directory::~scratch_directory() {
  if (kept_)
    return;
  std::error_code ignored; // a destructor has nobody to tell
  std::filesystem::remove_all(path_, ignored);
}

} // namespace overwatch::support
