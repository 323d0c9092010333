#include "runtime/backup/file_bytes.hpp"

#include "runtime/backup/failure.hpp"
#include "runtime/snapshots/places.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>

namespace overwatch::backup {

void write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR)
      fail("write", path);
    bytes.remove_prefix(written > 0 ? static_cast<size_t>(written) : 0);
  }
}

bool read_exactly(int fd, char* bytes, size_t size, uint64_t offset, const std::string& path) {
  for (size_t done = 0; done < size;) {
    auto got = ::pread(fd, bytes + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno != EINTR)
      fail("read", path);
    if (got == 0)
      return false;
    done += got > 0 ? static_cast<size_t>(got) : 0;
  }
  return true;
}

uint64_t size_of(int fd, const std::string& path) {
  struct stat st {};
  if (::fstat(fd, &st) != 0)
    fail("look at", path);
  return static_cast<uint64_t>(st.st_size);
}

void write_file_durably(int directory, const std::string& name, int aside, std::string_view bytes,
                        const std::string& path) {
  descriptor file{::openat(aside, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file)
    fail("create", path);
  write_all(file.get(), bytes, path);
  if (::fsync(file.get()) != 0 || ::renameat(aside, name.c_str(), directory, name.c_str()) != 0)
    fail("write", path);
  sync_directory(directory, path);
}

std::optional<std::string> read_file(int directory, const std::string& name, const std::string& path) {
  descriptor file{::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!file && errno == ENOENT)
    return std::nullopt;
  if (!file)
    fail("read", path);
  std::string bytes(size_of(file.get(), path), '\0');
  if (!read_exactly(file.get(), bytes.data(), bytes.size(), 0, path))
    fail("read", path, EIO);
  return bytes;
}

descriptor make_directory(int parent, const std::string& name, const std::string& path) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST)
    fail("create", path);
  descriptor result{::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!result)
    fail("open", path);
  return result;
}

void sync_directory(int directory, const std::string& path) {
  if (::fsync(directory) != 0)
    fail("write", path);
}

std::vector<std::string> names_in(int directory, const std::string& path) {
  try {
    return snapshots::names_in(directory, path);
  } catch (const std::exception& error) {
    throw backup_failed{error.what(), true};
  }
}

void append_u32(std::string& out, uint32_t x) {
  for (int i = 0; i < 4; ++i)
    out.push_back(static_cast<char>(x >> 8 * i));
}

uint32_t read_u32(std::string_view bytes) {
  uint32_t result = 0;
  for (size_t i = 0; i < 4; ++i)
    result |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << 8 * i;
  return result;
}

} // namespace overwatch::backup
