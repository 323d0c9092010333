#include "runtime/storage/rocks_store.hpp"

#include "messages/error_code.hpp"
#include "runtime/storage/damage.hpp"
#include "runtime/storage/data_directory.hpp"
#include "runtime/storage/rocks_database.hpp"
#include "runtime/storage/storage_failed.hpp"

#include <filesystem>

namespace overwatch {

namespace {

caf::error damaged(const std::string& directory, const std::string& what) {
  return make_error(ec::internal, "the store in " + directory + " is damaged: " + what +
                                    ". Nothing was changed. Restore a backup, or start with another data directory"
                                    " (--data-dir); in a cluster, a node that starts with an empty one is filled"
                                    " from the other replicas");
}

/// Opening writes a little in any case; when there is no room for that, Debian's RocksDB ends the process with a
/// failed assertion instead of an error.
constexpr uintmax_t room_to_open = 4 * 1024 * 1024;

caf::error no_room(const std::string& directory) {
  return make_error(ec::no_space, "the disk of " + directory + " is full: free some space and start again");
}

bool has_room(const std::string& directory) {
  std::error_code failed;
  auto space = std::filesystem::space(directory, failed);
  return failed || space.available >= room_to_open;
}

caf::error not_opened(const std::string& directory, const rocksdb::Status& status) {
  if (is_no_space(status))
    return no_room(directory);
  return make_error(ec::internal, "the store in " + directory + " cannot be opened: " + status.ToString() +
                                    ". Check the disk and the owner of the files, or start with another data"
                                    " directory (--data-dir)");
}

} // namespace

caf::expected<std::unique_ptr<rocks_store>> open_rocks_store(const std::string& directory,
                                                             const rocks_store_options& options) {
  auto settings = make_rocks_settings(options);
  auto create = [&](const std::string& path) -> caf::error {
    if (auto parent = std::filesystem::path{path}.parent_path().string(); !has_room(parent))
      return no_room(parent);
    rocks_database fresh;
    auto status = fresh.open(settings, path, rocks_database::mode::create);
    if (status.ok())
      status = fresh.close();
    return status.ok() ? caf::error{} : not_opened(directory, status);
  };
  auto claimed = data_directory::claim(directory, create);
  if (!claimed)
    return claimed.error();
  // Looked for before the database is opened for writing: that would already drop, move and delete files.
  auto path = (*claimed)->database_path().string();
  if (auto damage = find_damage(settings, path))
    return damaged((*claimed)->path().string(), *damage);
  if (!has_room(path))
    return no_room((*claimed)->path().string());
  auto database = std::make_unique<rocks_database>();
  auto status = database->open(settings, path, rocks_database::mode::read_write);
  if (!status.ok())
    return not_opened((*claimed)->path().string(), status);
  auto claimed_path = (*claimed)->path().string();
  (*claimed)->announce();
  auto result = std::make_unique<rocks_store>(std::move(*claimed), std::move(database));
  if (auto error = result->complete_replacements())
    return describe(error).code == ec::no_space ? no_room(claimed_path)
                                                : damaged(claimed_path, describe(error).message);
  return result;
}

} // namespace overwatch
