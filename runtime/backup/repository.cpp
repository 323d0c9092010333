#include "runtime/backup/repository.hpp"

#include "runtime/backup/failure.hpp"
#include "runtime/snapshots/places.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdio>

namespace overwatch::backup {

namespace {

namespace json = boost::json;

constexpr const char* settings_name = "repository.json";
constexpr const char* lock_name = "lock";
constexpr const char* reports_name = "reports";
constexpr const char* damaged_name = "damaged";
constexpr std::string_view format_name = "overwatch backup";
constexpr int64_t format_version = 1;
constexpr std::string_view manifest_ending = ".manifest";
constexpr size_t salt_bytes = 32;
constexpr size_t owner_bytes = 512;

const std::vector<std::string>& own_names() {
  static const std::vector<std::string> result{"aside", "backups", "lock", "packs", "reports"};
  return result;
}

std::string hex_hash(std::string_view text) {
  auto hash = hash_of(text);
  return to_hex(hash.data(), hash.size());
}

/// One line of JSON, and its hash in a line of its own.
std::string settings_text(const std::optional<std::string>& secret) {
  auto salt = random_bytes(salt_bytes);
  json::object fields{{"format", format_name}, {"version", format_version}, {"sealed", secret.has_value()}};
  if (secret) {
    fields["salt"] = to_hex(reinterpret_cast<const uint8_t*>(salt.data()), salt.size());
    fields["key_check"] = vault{*secret, salt}.key_check();
  }
  auto line = json::serialize(fields);
  return line + "\n" + hex_hash(line) + "\n";
}

std::string text_field(const json::object& fields, std::string_view name) {
  const auto* found = fields.if_contains(name);
  return found != nullptr && found->is_string() ? std::string{found->get_string()} : std::string{};
}

} // namespace

repository::repository(const repository_access& access) : path_{access.path} {
  open_directory(access.create);
  if (!access.unlocked)
    lock(access);
  auto settings = read_file(top_.get(), settings_name, path_ + "/" + settings_name);
  if (!settings && access.create) {
    make();
    aside_ = make_directory(top_.get(), "aside", aside_path());
    settings = settings_text(access.secret);
    write_file_durably(top_.get(), settings_name, aside_.get(), *settings, path_ + "/" + settings_name);
  }
  if (!settings)
    throw backup_failed{"'" + path_ + "' is no backup repository: it has no " + settings_name +
                        "; name the destination of an earlier backup"};
  read_settings(access, *settings);
  auto open = [&](const std::string& name) {
    if (access.exclusive)
      return make_directory(top_.get(), name, path_ + "/" + name);
    descriptor result{::openat(top_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!result)
      fail("open", path_ + "/" + name);
    return result;
  };
  packs_ = open("packs");
  backups_ = open("backups");
  aside_ = open("aside");
  if (access.exclusive)
    remove_leftovers();
}

void repository::open_directory(bool create) {
  if (create && ::mkdir(path_.c_str(), 0700) != 0 && errno != EEXIST)
    fail("create the repository", path_);
  top_ = snapshots::open_directory(path_, O_RDONLY);
  if (!top_)
    fail("open the repository", path_);
}

/// The kernel gives the lock back when its owner dies, so that the text in it may be of an owner that is gone.
void repository::lock(const repository_access& access) {
  auto shared_only = !access.exclusive;
  lock_ = descriptor{::openat(top_.get(), lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!lock_ && shared_only) // a repository that may only be read
    lock_ = descriptor{::openat(top_.get(), lock_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!lock_ && shared_only && (errno == EROFS || errno == EACCES || errno == ENOENT))
    return; // nobody can write to it
  if (!lock_)
    fail("lock the repository", path_);
  while (::flock(lock_.get(), (access.exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    if (errno == EINTR)
      continue;
    if (errno != EWOULDBLOCK)
      fail("lock the repository", path_);
    std::string owner(owner_bytes, '\0');
    auto size = ::pread(lock_.get(), owner.data(), owner.size(), 0);
    owner.resize(size > 0 ? static_cast<size_t>(size) : 0);
    throw backup_failed{"the repository '" + path_ + "' is in use by " +
                          (owner.empty() ? "somebody who reads it (verify, restore or list)" : owner) +
                          "; try again when that has ended, or cancel it",
                        true};
  }
  auto emptied = ::ftruncate(lock_.get(), 0) == 0; // not where it may only be read
  if (access.exclusive && emptied)
    write_all(lock_.get(), access.purpose, path_ + "/" + lock_name);
}

/// A kill before the settings are there leaves directories without content, which the next run takes over.
void repository::make() const {
  for (const auto& name : names_in(top_.get(), path_))
    if (std::find(own_names().begin(), own_names().end(), name) == own_names().end())
      throw backup_failed{"'" + path_ + "' is neither empty nor a backup repository (it has '" + name +
                          "'); name an empty or new directory"};
  for (const auto* name : {"packs", "backups"}) {
    auto directory = make_directory(top_.get(), name, path_ + "/" + name);
    if (!backup::names_in(directory.get(), path_).empty())
      throw backup_failed{"'" + path_ + "' was a backup repository, but its " + settings_name +
                          " is gone: put it back, or name an empty directory"};
  }
}

void repository::read_settings(const repository_access& access, const std::string& text) {
  auto end = text.find('\n');
  auto line = text.substr(0, end);
  boost::system::error_code error;
  auto parsed = json::parse(line, error);
  if (end == std::string::npos || text.substr(end + 1) != hex_hash(line) + "\n" || error || !parsed.is_object())
    throw repository_damaged{"'" + path_ + "/" + settings_name +
                             "' is damaged: its hash differs; put it back from a copy"};
  const auto& fields = parsed.get_object();
  const auto* version = fields.if_contains("version");
  if (text_field(fields, "format") != format_name || version == nullptr || !version->is_int64() ||
      version->get_int64() > format_version)
    throw backup_failed{"'" + path_ + "' is of a format that this version does not know"};
  const auto* sealed = fields.if_contains("sealed");
  if (sealed == nullptr || !sealed->is_bool() || !sealed->get_bool()) {
    if (access.secret)
      throw backup_failed{"'" + path_ +
                          "' is not encrypted, but a key file is named; leave key_file out, or name another "
                          "destination for an encrypted repository"};
    return;
  }
  if (!access.secret)
    throw backup_failed{"'" + path_ + "' is encrypted: name its key file in key_file"};
  secret_ = vault{*access.secret, from_hex(text_field(fields, "salt")).value_or("")};
  if (secret_.key_check() != text_field(fields, "key_check"))
    throw backup_failed{"the key file does not fit the repository '" + path_ + "': name the one it was made with"};
}

/// Under the exclusive lock, so whoever wrote them is dead.
void repository::remove_leftovers() const {
  for (const auto& name : names_in(aside_.get(), aside_path()))
    if (::unlinkat(aside_.get(), name.c_str(), 0) != 0)
      fail("remove", aside_path() + "/" + name);
}

std::vector<std::string> repository::backups() const {
  std::vector<std::string> result;
  for (const auto& name : names_in(backups_.get(), path_ + "/backups")) {
    auto size = name.size() - std::min(name.size(), manifest_ending.size());
    if (name.substr(size) == manifest_ending && is_backup_id(name.substr(0, size)))
      result.push_back(name.substr(0, size));
  }
  return result;
}

manifest repository::read_backup(const std::string& id) const {
  auto wanted = id;
  if (id == "latest") {
    auto all = backups();
    if (all.empty())
      throw backup_failed{"the repository '" + path_ + "' has no backup yet"};
    wanted = all.back();
  }
  auto name = wanted + std::string{manifest_ending};
  auto bytes = is_backup_id(wanted) ? read_file(backups_.get(), name, path_ + "/backups/" + name) : std::nullopt;
  if (!bytes)
    throw backup_failed{"the repository '" + path_ + "' has no backup '" + wanted +
                        "'; the action list names those it has, and \"latest\" is the newest"};
  return manifest_from(*bytes, wanted, secret_);
}

void repository::write_backup(const manifest& x) const {
  auto name = x.id + std::string{manifest_ending};
  write_file_durably(backups_.get(), name, aside_.get(), to_bytes(x, secret_), path_ + "/backups/" + name);
}

void repository::remove_backup(const std::string& id) const {
  auto name = id + std::string{manifest_ending};
  if (::unlinkat(backups_.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    fail("remove", path_ + "/backups/" + name);
  sync_directory(backups_.get(), path_ + "/backups");
}

void repository::remove_pack(const std::string& name) const {
  if (::unlinkat(packs_.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    fail("remove", packs_path() + "/" + name);
}

void repository::set_aside_pack(const std::string& name) const {
  auto path = path_ + "/" + damaged_name;
  auto directory = make_directory(top_.get(), damaged_name, path);
  if (::renameat(packs_.get(), name.c_str(), directory.get(), name.c_str()) != 0)
    fail("set aside", path + "/" + name);
}

descriptor repository::create_report(const std::string& name, std::string& path) const {
  ::mkdirat(top_.get(), reports_name, 0700);
  descriptor directory{::openat(top_.get(), reports_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!directory)
    return {};
  auto all = names_in(directory.get(), path_ + "/" + reports_name); // they begin with the time
  for (size_t i = 0; i + max_reports <= all.size(); ++i)
    ::unlinkat(directory.get(), all[i].c_str(), 0);
  path = path_ + "/" + reports_name + "/" + name;
  return descriptor{
    ::openat(directory.get(), name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
}

uint64_t repository::free_bytes() const {
  struct statvfs st {};
  if (::fstatvfs(top_.get(), &st) != 0)
    fail("look at the free space of", path_);
  return static_cast<uint64_t>(st.f_bavail) * st.f_frsize;
}

} // namespace overwatch::backup
