#include "tests/cluster/small_disk.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace overwatch {

small_disk::small_disk(unsigned megabytes) {
  auto size = "size=" + std::to_string(megabytes) + "m";
  if (::mount("overwatch-test", place_.path().c_str(), "tmpfs", 0, size.c_str()) != 0)
    throw std::runtime_error{std::string{"a small disk cannot be mounted here: "} + std::strerror(errno)};
}

small_disk::~small_disk() { ::umount2(place_.path().c_str(), MNT_DETACH); }

uint64_t small_disk::free_bytes() const {
  struct statvfs x {};
  if (::statvfs(place_.path().c_str(), &x) != 0)
    throw std::runtime_error{"the small disk is gone"};
  return uint64_t{x.f_bavail} * x.f_frsize;
}

void small_disk::fill(uint64_t left) {
  int fd = ::open(ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    throw std::runtime_error{"cannot write " + ballast()};
  constexpr uint64_t step = 64 * 1024;
  int error = 0;
  for (auto space = free_bytes(); space > left && error == 0; space = free_bytes()) {
    auto size = std::min(std::max(space - left, step) - step / 2, space);
    error = ::posix_fallocate(fd, ::lseek(fd, 0, SEEK_END), static_cast<off_t>(size));
  }
  ::close(fd);
  if (error != 0 && error != ENOSPC)
    throw std::runtime_error{std::string{"cannot fill the small disk: "} + std::strerror(error)};
}

void small_disk::free() {
  if (::unlink(ballast().c_str()) != 0)
    throw std::runtime_error{"cannot remove " + ballast()};
}

} // namespace overwatch
