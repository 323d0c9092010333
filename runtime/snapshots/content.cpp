#include "runtime/snapshots/content.hpp"

#include "runtime/snapshots/metadata.hpp"
#include "runtime/snapshots/trouble.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace overwatch::snapshots {

namespace {

/// Copied without asking whether to stop.
constexpr uint64_t block_bytes = 8 << 20;

/// Compared at once.
constexpr uint64_t compared_bytes = 256 << 10;

/// Reads until `size` bytes are there or the file ends.
size_t read_at(int fd, char* buffer, size_t size, uint64_t offset, const std::string& path) {
  size_t done = 0;
  while (done < size) {
    auto got = ::pread(fd, buffer + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      fail("read", path);
    if (got == 0)
      break;
    done += static_cast<size_t>(got);
  }
  return done;
}

void write_at(int fd, const char* buffer, size_t size, uint64_t offset, const std::string& path) {
  for (size_t done = 0; done < size;) {
    auto put = ::pwrite(fd, buffer + done, size - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno != EINTR)
      fail("write the copy of", path);
    done += put > 0 ? static_cast<size_t>(put) : 0;
  }
}

/// Copies through this process: where the kernel cannot, e.g. between two file systems.
void copy_by_hand(int from, uint64_t offset, int to, uint64_t target, uint64_t size, const std::string& path) {
  std::vector<char> buffer(std::min<uint64_t>(size, compared_bytes));
  for (uint64_t done = 0; done < size;) {
    auto wanted = std::min<uint64_t>(size - done, buffer.size());
    auto got = read_at(from, buffer.data(), wanted, offset + done, path);
    write_at(to, buffer.data(), got, target + done, path);
    if (got < wanted)
      return;
    done += got;
  }
}

void copy_block(int from, uint64_t offset, int to, uint64_t target, uint64_t size, const std::string& path) {
  for (uint64_t done = 0; done < size;) {
    auto in = static_cast<off64_t>(offset + done);
    auto out = static_cast<off64_t>(target + done);
    auto copied = ::copy_file_range(from, &in, to, &out, size - done, 0);
    if (copied < 0 && errno == EINTR)
      continue;
    if (copied < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
      fail("copy", path);
    if (copied < 0 || (copied == 0 && done == 0)) // not between these two; 0: some kernels on special file systems
      return copy_by_hand(from, offset + done, to, target + done, size - done, path);
    if (copied == 0)
      return;
    done += static_cast<uint64_t>(copied);
  }
}

} // namespace

void copy_content(int from, int to, uint64_t size, const std::string& path, const std::function<bool()>& stop) {
  if (::ioctl(to, FICLONE, from) == 0)
    return;
  for (uint64_t at = 0; at < size;) {
    auto data = ::lseek(from, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO)
      break; // a hole up to the end
    auto begin = data < 0 ? at : static_cast<uint64_t>(data);
    auto hole = data < 0 ? -1 : ::lseek(from, data, SEEK_HOLE);
    auto end = hole < 0 ? size : std::min(size, static_cast<uint64_t>(hole));
    for (at = begin; at < end; at += std::min(block_bytes, end - at)) {
      check_stopped(stop);
      copy_block(from, at, to, at, std::min(block_bytes, end - at), path);
    }
  }
  if (::ftruncate(to, static_cast<off_t>(size)) != 0)
    fail("write the copy of", path);
}

void copy_piece(int from, uint64_t offset, int to, uint64_t size, const std::string& path) {
  copy_by_hand(from, offset, to, 0, size, path);
}

void append_to_pack(int from, int pack, uint64_t offset, uint64_t size, const std::string& path) {
  copy_by_hand(from, 0, pack, offset, size, path);
}

bool same_content(int kept, uint64_t offset, int current, uint64_t size, const std::string& path,
                  const std::function<bool()>& stop) {
  std::vector<char> left(std::min(size, compared_bytes));
  std::vector<char> right(left.size());
  for (uint64_t at = 0; at < size;) {
    if (at % block_bytes == 0)
      check_stopped(stop);
    auto wanted = std::min<uint64_t>(size - at, left.size());
    auto a = read_at(kept, left.data(), wanted, offset + at, path);
    auto b = read_at(current, right.data(), wanted, at, path);
    if (a != wanted || b != wanted || std::memcmp(left.data(), right.data(), wanted) != 0)
      return false;
    at += wanted;
  }
  return true;
}

} // namespace overwatch::snapshots
