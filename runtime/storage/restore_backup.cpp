#include "messages/error_code.hpp"
#include "runtime/storage/backup_directory.hpp"
#include "runtime/storage/backup_engine.hpp"
#include "runtime/storage/data_directory.hpp"
#include "runtime/storage/rocks_store.hpp"
#include "runtime/storage/store_backup.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fs = std::filesystem;

namespace overwatch {

namespace {

// While it is there no node starts: without FORMAT, a strange name makes a directory none of a node's.
constexpr const char* mark_name = "RESTORE-INCOMPLETE";

// A data directory inside, in which the store is prepared.
constexpr const char* workshop_name = "aside";

constexpr uint64_t reserve_bytes = 64ULL << 20;

caf::error refused(const fs::path& target, const std::string& why) {
  return make_error(ec::conflict,
                    "nothing was restored: " + target.string() + " " + why +
                      ". A restore needs an empty directory: choose another one with --data-dir",
                    "node.data_dir");
}

/// A data directory while it is made; takes back what it did unless it is told that all is done.
class unfinished_directory {
public:
  explicit unfinished_directory(fs::path path) : path_{std::move(path)} {}
  unfinished_directory(const unfinished_directory&) = delete;
  unfinished_directory& operator=(const unfinished_directory&) = delete;
  ~unfinished_directory() {
    if (begun_ && !done_)
      clear();
    if (lock_ >= 0)
      ::close(lock_);
    if (begun_ && !done_ && created_)
      ::rmdir(path_.c_str());
  }

  caf::error begin() {
    std::error_code failed;
    created_ = !fs::exists(path_, failed);
    if (created_)
      fs::create_directories(path_.parent_path(), failed);
    if (created_ && ::mkdir(path_.c_str(), 0700) != 0)
      return refused(path_, std::string{"cannot be created: "} + std::strerror(errno));
    if (!fs::is_directory(path_, failed))
      return refused(path_, "is not a directory");
    bool interrupted = fs::exists(path_ / mark_name, failed);
    for (const auto& entry : fs::directory_iterator{path_, failed})
      if (auto name = entry.path().filename().string(); !interrupted && name != "lost+found")
        return refused(path_, "is not empty (it has \"" + name + "\")");
    if (failed)
      return refused(path_, "cannot be read: " + failed.message());
    lock_ = ::open((path_ / mark_name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_ < 0)
      return refused(path_, std::string{"cannot be written to: "} + std::strerror(errno));
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0)
      return refused(path_, "is being restored already");
    begun_ = true;
    if (interrupted)
      clear_all_but_mark();
    if (!sync_directory(path_))
      return refused(path_, std::string{"cannot be made durable: "} + std::strerror(errno));
    return caf::none;
  }

  /// A data directory of its own, in which RocksDB puts the store.
  fs::path workshop() const { return path_ / workshop_name; }

  /// The store is in the workshop as it was: opens it there for the one who prepares it.
  caf::error prepare(uint32_t format, const std::function<caf::error(store&)>& prepare) const {
    auto text = "overwatch-store " + std::to_string(format) + "\n";
    auto file = workshop() / "FORMAT";
    int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    if (fd >= 0)
      ::close(fd);
    if (!written)
      return cannot_finish();
    if (!prepare)
      return caf::none;
    auto opened = open_rocks_store(workshop().string(), {});
    return opened ? prepare(**opened) : opened.error();
  }

  /// Takes the store out of the workshop. With FORMAT a node may start, so that is the last thing but one.
  caf::error finish() {
    auto moved = [](const fs::path& from, const fs::path& to) { return ::rename(from.c_str(), to.c_str()) == 0; };
    std::error_code ignored;
    if (!moved(workshop() / "rocks", path_ / "rocks.new") || !moved(workshop() / "FORMAT", path_ / "FORMAT.new"))
      return cannot_finish();
    fs::remove_all(workshop(), ignored);
    if (!moved(path_ / "FORMAT.new", path_ / "FORMAT") || !moved(path_ / "rocks.new", path_ / "rocks")
        || ::unlink((path_ / mark_name).c_str()) != 0 || !sync_directory(path_))
      return cannot_finish();
    done_ = true;
    return caf::none;
  }

private:
  caf::error cannot_finish() const {
    return make_error(ec::internal, "cannot finish " + path_.string() + ": " + std::strerror(errno));
  }

  // Only a directory that was empty, or an earlier restore's, gets here.
  void clear_all_but_mark() const {
    std::error_code ignored;
    std::vector<fs::path> entries;
    for (const auto& entry : fs::directory_iterator{path_, ignored})
      if (auto name = entry.path().filename().string(); name != mark_name && name != "lost+found")
        entries.push_back(entry.path());
    for (const auto& entry : entries)
      fs::remove_all(entry, ignored);
  }

  void clear() const {
    clear_all_but_mark();
    ::unlink((path_ / mark_name).c_str());
  }

  fs::path path_;
  int lock_ = -1;
  bool created_ = false;
  bool begun_ = false;
  bool done_ = false;
};

caf::error restore_node_files(const backup_directory& directory, const backup_record& record, const fs::path& target) {
  for (const auto& file : record.files) {
    auto copy = directory.files_path(record.backup.id) / file.name;
    auto bytes = content_of(copy);
    if (!bytes || bytes->size() != file.size || checksum_of(*bytes) != file.checksum)
      return make_error(ec::internal, "the file " + copy.string() + " is damaged or missing");
    if (auto error = copy_small_file(copy, target / file.name))
      return error;
  }
  return caf::none;
}

caf::expected<backup_record> find_record(const backup_directory& directory, const std::string& path,
                                         std::optional<uint32_t> id) {
  auto ids = directory.ids();
  if (ids.empty())
    return make_error(ec::not_found, "there is no complete backup in " + path);
  auto record = directory.read(id.value_or(ids.back()));
  if (!record)
    return record.error();
  auto list = content_of(directory.list_path(record->backup.id));
  if (!list || checksum_of(*list) != record->list_checksum)
    return make_error(ec::internal, "backup " + std::to_string(record->backup.id) +
                                      " is damaged: the list of its files. Restore another one with --backup");
  if (record->store_format > storage_format)
    return make_error(ec::invalid, "backup " + std::to_string(record->backup.id) +
                                     " was made by a newer Overwatch: install that version");
  return record;
}

} // namespace

caf::expected<store_backup> restore_store_backup(const std::string& path, std::optional<uint32_t> id,
                                                 const std::string& data_directory, const backup_watch& watch,
                                                 const std::function<caf::error(store&)>& prepare) {
  auto directory = backup_directory::open(path, backup_directory::purpose::read);
  if (!directory)
    return directory.error();
  auto record = find_record(**directory, path, id);
  if (!record)
    return record.error();
  const auto& backup = record->backup;
  auto target = fs::absolute(data_directory).lexically_normal();
  unfinished_directory unfinished{target};
  if (auto error = unfinished.begin())
    return error;
  std::error_code failed;
  if (auto space = fs::space(target, failed); !failed && space.available < backup.bytes + reserve_bytes)
    return make_error(ec::no_space, "nothing was restored: " + std::to_string((backup.bytes + reserve_bytes) >> 20) +
                                      " MiB are needed, and the disk of " + target.string() + " has only " +
                                      std::to_string(space.available >> 20) + " MiB");
  auto opened = open_engine_reader((*directory)->engine_path(), watch, backup.bytes);
  if (!opened.status.ok())
    return backup_failed("the backups in " + path + " cannot be opened", opened.status);
  if (!fs::create_directory(unfinished.workshop(), failed))
    return refused(target, "cannot be written to: " + failed.message());
  auto fresh = (unfinished.workshop() / "rocks").string();
  if (auto status = opened.engine->RestoreDBFromBackup(backup.id, fresh, fresh); !status.ok())
    return backup_failed("nothing was restored", status);
  if (auto error = restore_node_files(**directory, *record, target))
    return error;
  if (auto error = unfinished.prepare(record->store_format, prepare))
    return error;
  if (auto error = unfinished.finish())
    return error;
  return backup;
}

} // namespace overwatch
