#include "runtime/storage/backup_directory.hpp"

#include "messages/error_code.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

namespace overwatch {

namespace {

constexpr const char* mark_name = "OVERWATCH-STORE-BACKUP";
constexpr const char* mark_text = "overwatch-store-backup 1\n";

caf::error unusable(const fs::path& path, const std::string& why) {
  return make_error(ec::invalid, "the backup directory " + path.string() + " cannot be used: " + why);
}

caf::error cannot(const std::string& verb, const fs::path& path, int error) {
  auto message = "cannot " + verb + " " + path.string() + ": " + std::strerror(error);
  return make_error(error == ENOSPC || error == EDQUOT ? ec::no_space : ec::internal, message);
}

/// Replaces a file, durably.
caf::error write_file(const fs::path& path, const std::string& bytes, mode_t mode) {
  auto temporary = path.string() + ".new";
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return cannot("write", temporary, errno);
  errno = ENOSPC; // a short write sets none
  bool written = ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
                 ::fchmod(fd, mode) == 0 && ::fsync(fd) == 0;
  int error = errno;
  ::close(fd);
  if (!written) {
    ::unlink(temporary.c_str());
    return cannot("write", temporary, error);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0 || !sync_directory(path.parent_path()))
    return cannot("write", path, errno);
  return caf::none;
}

caf::error prepare(const fs::path& path) {
  std::error_code failed;
  fs::create_directories(path, failed);
  if (failed)
    return unusable(path, failed.message());
  if (fs::exists(path / mark_name, failed))
    return caf::none;
  for (auto i = fs::directory_iterator{path, failed}; !failed && i != fs::directory_iterator{}; i.increment(failed))
    if (auto name = i->path().filename().string(); name != "lost+found" && name != std::string{mark_name} + ".new")
      return unusable(path, "it is not one of Overwatch's (there is no " + std::string{mark_name} +
                              " in it) and not empty. Choose an empty one");
  if (failed)
    return unusable(path, failed.message());
  ::chmod(path.c_str(), 0700); // what tasks contain is nobody else's
  return write_file(path / mark_name, mark_text, 0600);
}

} // namespace

bool sync_directory(const fs::path& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return false;
  bool done = ::fsync(fd) == 0;
  int error = errno;
  ::close(fd);
  errno = error;
  return done;
}

std::optional<std::string> content_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::string bytes{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
  return in.is_open() && !in.bad() ? std::optional{std::move(bytes)} : std::nullopt;
}

caf::error copy_small_file(const fs::path& from, const fs::path& to) {
  struct stat st {};
  auto bytes = content_of(from);
  if (!bytes || ::stat(from.c_str(), &st) != 0)
    return cannot("read", from, errno == 0 ? EIO : errno);
  std::error_code failed;
  fs::create_directories(to.parent_path(), failed);
  return write_file(to, *bytes, st.st_mode & 0777);
}

caf::expected<std::unique_ptr<backup_directory>> backup_directory::open(const std::string& given, purpose why) {
  auto path = fs::absolute(given).lexically_normal();
  if (why == purpose::write)
    if (auto error = prepare(path))
      return error;
  if (content_of(path / mark_name) != std::string{mark_text})
    return unusable(path,
                    std::string{"there are no backups of a node's store in it, or a newer Overwatch made them ("} +
                      mark_name + " is missing or different)");
  auto lock_path = path / "lock";
  int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0 && errno == EROFS)
    lock = ::open(lock_path.c_str(), O_RDONLY | O_CLOEXEC); // a read-only copy is enough to restore from
  if (lock < 0)
    return cannot("open", lock_path, errno);
  if (::flock(lock, (why == purpose::write ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    ::close(lock);
    return make_error(ec::conflict, "the backup directory " + path.string() +
                                      " is in use by another backup, check or restore: wait until that has ended");
  }
  std::unique_ptr<backup_directory> result{new backup_directory{path, lock}};
  std::error_code failed;
  if (why == purpose::write)
    fs::create_directories(path / "records", failed);
  return result;
}

backup_directory::~backup_directory() { ::close(lock_); }

std::vector<uint32_t> backup_directory::ids() const {
  std::vector<uint32_t> result;
  std::error_code failed;
  for (auto i = fs::directory_iterator{path_ / "records", failed}; !failed && i != fs::directory_iterator{};
       i.increment(failed)) {
    auto name = i->path().filename().string();
    if (!name.empty() && name.size() <= 9 && name.find_first_not_of("0123456789") == std::string::npos)
      result.push_back(static_cast<uint32_t>(std::stoul(name)));
  }
  std::sort(result.begin(), result.end());
  return result;
}

caf::expected<backup_record> backup_directory::read(uint32_t id) const {
  auto file = path_ / "records" / std::to_string(id);
  auto text = content_of(file);
  if (!text)
    return make_error(ec::not_found, "there is no backup " + std::to_string(id) + " in " + path_.string());
  auto record = parse_record(*text);
  if (!record || record->backup.id != id)
    return make_error(ec::internal, "the record " + file.string() + " is damaged");
  return std::move(*record);
}

caf::error backup_directory::write(const backup_record& x) const {
  return write_file(path_ / "records" / std::to_string(x.backup.id), to_text(x), 0600);
}

caf::error backup_directory::remove(uint32_t id) const {
  std::error_code failed;
  fs::remove(path_ / "records" / std::to_string(id), failed);
  if (failed || !sync_directory(path_ / "records"))
    return cannot("remove the record of backup " + std::to_string(id) + " from", path_,
                  failed ? failed.value() : errno);
  fs::remove_all(files_path(id), failed);
  return caf::none;
}

uint64_t backup_directory::free_bytes() const {
  std::error_code failed;
  auto space = fs::space(path_, failed);
  return failed ? 0 : space.available;
}

} // namespace overwatch
