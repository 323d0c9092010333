#include "runtime/backup/backup_request.hpp"

#include "runtime/backup/failure.hpp"
#include "runtime/backup/file_bytes.hpp"
#include "runtime/handlers/json_text.hpp"
#include "runtime/snapshots/places.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>

namespace overwatch::backup {

namespace {

namespace json = boost::json;

constexpr size_t max_listed = 1000; // texts in one field
constexpr size_t min_key_bytes = 32;
constexpr size_t max_key_bytes = 64 << 10;
constexpr uint32_t max_kept = 100'000;
constexpr size_t shown_bytes = 64; // of a value in a sentence

/// Reads fields until one is wrong; the first error stays.
class field_reader {
public:
  explicit field_reader(const json::object& fields, std::string prefix = "payload.")
    : fields_{fields}, prefix_{std::move(prefix)} {}

  void text(std::string_view name, std::string& x) {
    if (const auto* value = find(name)) {
      if (value->is_string() && value->get_string().size() > 0 && value->get_string().find('\0') == std::string::npos)
        x = value->get_string();
      else
        wrong(name, *value, "must be a text that is not empty");
    }
  }

  void path(std::string_view name, std::string& x) {
    text(name, x);
    if (error_.empty() && find(name) != nullptr && x.front() != '/')
      wrong(name, *find(name), "must be an absolute path");
  }

  void texts(std::string_view name, std::vector<std::string>& x, bool absolute) {
    const auto* value = find(name);
    if (value == nullptr)
      return;
    auto good = value->is_array() && value->get_array().size() <= max_listed;
    x.clear();
    if (good)
      for (const auto& one : value->get_array()) {
        good = good && one.is_string() && !one.get_string().empty() && (!absolute || one.get_string().front() == '/') &&
               one.get_string().find('\0') == std::string::npos;
        if (good)
          x.emplace_back(one.get_string());
      }
    if (!good)
      wrong(name, *value,
            absolute ? "must be a list of absolute paths, 1000 at most"
                     : "must be a list of texts that are not empty, 1000 at most");
  }

  void flag(std::string_view name, bool& x) {
    if (const auto* value = find(name)) {
      if (value->is_bool())
        x = value->get_bool();
      else
        wrong(name, *value, "must be true or false");
    }
  }

  void number(std::string_view name, uint32_t low, uint32_t high, uint32_t& x) {
    if (const auto* value = find(name)) {
      json::error_code error;
      auto number = value->is_number() ? value->to_number<int64_t>(error) : -1;
      if (value->is_number() && !error && number >= low && number <= high)
        x = static_cast<uint32_t>(number);
      else
        wrong(name, *value, "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    }
  }

  /// The value of a field that is read in another way.
  const json::value* find(std::string_view name) {
    known_.insert(name);
    return error_.empty() ? fields_.if_contains({name.data(), name.size()}) : nullptr;
  }

  void wrong(std::string_view name, const json::value& value, const std::string& allowed) {
    if (error_.empty())
      error_ = prefix_ + std::string{name} + " is " + json_text(value).substr(0, shown_bytes) + ": it " + allowed;
  }

  /// The first error, also of a field that was never asked for.
  std::string error() const {
    if (!error_.empty())
      return error_;
    std::string names;
    for (auto name : known_)
      names += (names.empty() ? "" : ", ") + std::string{name};
    for (const auto& field : fields_)
      if (known_.count({field.key().data(), field.key().size()}) == 0)
        return prefix_ + std::string{field.key()} + " is unknown; the fields are " + names;
    return {};
  }

private:
  const json::object& fields_;
  std::string prefix_;
  std::set<std::string_view> known_;
  std::string error_;
};

/// It becomes an argument of pg_dump: nothing that would be more than a name there.
bool is_plain(std::string_view text) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:/-";
  return text.find_first_not_of(letters) == std::string_view::npos && (text.empty() || text.front() != '-');
}

std::string read_postgres(const json::value& value, std::vector<postgres_source>& result) {
  const std::string what = "payload.postgresql";
  if (!value.is_array() || value.get_array().size() > max_listed)
    return what + " must be a list of databases: names, or objects with database, host, port, user, system_user";
  result.clear();
  for (const auto& one : value.get_array()) {
    postgres_source x;
    if (one.is_string()) {
      x.database = one.get_string();
    } else if (one.is_object()) {
      field_reader in{one.get_object(), what + "[]."};
      in.text("database", x.database);
      in.text("host", x.host);
      in.text("user", x.user);
      in.text("system_user", x.system_user);
      in.number("port", 1, 65535, x.port);
      if (auto error = in.error(); !error.empty())
        return error;
    }
    for (const auto& text : {x.database, x.host, x.user, x.system_user})
      if (!is_plain(text))
        return what + " has '" + text.substr(0, shown_bytes) + "': letters, digits and _ . : / - are allowed";
    if (x.database.empty() || x.database.find('/') != std::string::npos)
      return what + " has " + json_text(one).substr(0, shown_bytes) + ": each must name a database";
    result.push_back(std::move(x));
  }
  return {};
}

std::string read_keep(const json::value& value, keep_rules& keep) {
  if (!value.is_object())
    return "payload.keep is " + json_text(value).substr(0, shown_bytes) +
           ": it must be an object with last, daily, weekly, monthly";
  keep = {};
  field_reader in{value.get_object(), "payload.keep."};
  in.number("last", 0, max_kept, keep.last);
  in.number("daily", 0, max_kept, keep.daily);
  in.number("weekly", 0, max_kept, keep.weekly);
  in.number("monthly", 0, max_kept, keep.monthly);
  return in.error();
}

void fill_from(const settings& config, backup_request& x) {
  const auto& from = config.backup;
  x.sources = from.sources;
  x.exclude = from.exclude;
  x.destination = from.destination;
  x.level = from.level;
  x.keep = {from.keep_last, from.keep_daily, from.keep_weekly, from.keep_monthly};
  for (const auto& database : from.postgresql)
    x.postgresql.push_back({database, {}, {}, {}, 0});
}

std::string missing_of(const backup_request& x) {
  if (x.destination.empty())
    return "payload.destination is missing, and backup.destination is not configured: name the directory of the "
           "repository in one of them, for example `overwatch start --backup-sources /etc --backup-destination "
           "/var/backups/overwatch`";
  if (x.what == action::create && x.sources.empty() && x.postgresql.empty())
    return "payload.sources is missing, and backup.sources is not configured: name what to back up in one of them, for "
           "example `overwatch start --backup-sources /etc --backup-destination /var/backups/overwatch`";
  if (x.what == action::restore && x.target.empty())
    return "payload.target is missing: name the directory below which files are restored";
  return {};
}

} // namespace

std::string parse_request(std::string_view payload, const settings& config, backup_request& request) {
  json::object fields;
  if (auto error = parse_payload(payload, fields); !error.empty())
    return error;
  fill_from(config, request);
  field_reader in{fields};
  std::string what{name_of(action::create)};
  in.text("action", what);
  auto found = std::find(action_names.begin(), action_names.end(), what);
  if (found == action_names.end())
    in.wrong("action", *fields.if_contains("action"), "must be create, list, verify, restore or prune");
  else
    request.what = static_cast<action>(found - action_names.begin());
  // Sources of its own leave nothing of the configured ones.
  auto own_sources = in.find("sources") != nullptr || in.find("postgresql") != nullptr;
  if (own_sources) {
    request.sources.clear();
    request.exclude.clear();
    request.postgresql.clear();
  }
  request.configured_sources = !own_sources;
  in.texts("sources", request.sources, true);
  in.texts("exclude", request.exclude, false);
  in.path("destination", request.destination);
  auto configured_place = request.destination == config.backup.destination;
  request.key_file = configured_place ? config.backup.key_file : "";
  in.path("key_file", request.key_file);
  in.number("level", 1, 19, request.level);
  if (!configured_place || own_sources)
    request.keep = {};
  if (const auto* keep = in.find("keep"))
    if (auto error = read_keep(*keep, request.keep); !error.empty())
      return error;
  if (const auto* databases = in.find("postgresql"))
    if (auto error = read_postgres(*databases, request.postgresql); !error.empty())
      return error;
  in.flag("one_file_system", request.one_file_system);
  in.flag("sqlite", request.sqlite);
  in.flag("check_space", request.check_space);
  request.backup = request.what == action::restore ? "latest" : "";
  in.text("backup", request.backup);
  in.path("target", request.target);
  in.texts("paths", request.paths, false);
  in.flag("overwrite", request.overwrite);
  in.texts("remove", request.remove, false);
  in.flag("dry_run", request.dry_run);
  in.flag("mend", request.mend);
  in.number("limit", 1, max_listed, request.limit);
  auto error = in.error();
  return error.empty() ? missing_of(request) : error;
}

place_guard::place_guard(const settings& config) {
  for (const auto& root : config.backup.roots) {
    std::unique_ptr<char, decltype(&std::free)> resolved{::realpath(root.c_str(), nullptr), &std::free};
    if (resolved)
      roots_.emplace_back(resolved.get());
  }
}

std::string place_guard::resolve(const std::string& path, std::string_view field) {
  std::unique_ptr<char, decltype(&std::free)> whole{::realpath(path.c_str(), nullptr), &std::free};
  auto result = whole ? std::string{whole.get()} : resolved_parent(path);
  auto name = snapshots::name_of(result);
  if (result.empty() || name == "." || name == "..")
    throw backup_failed{std::string{field} + " is '" + path +
                        "': the directory above it does not exist; create it, or "
                        "mount what belongs there"};
  return result;
}

void place_guard::check(const std::string& path, std::string_view field, const std::vector<std::string>& always) const {
  auto under = [&](const std::string& root) { return snapshots::is_within(path, root); };
  if (std::any_of(roots_.begin(), roots_.end(), under) || std::any_of(always.begin(), always.end(), under))
    return;
  std::string allowed;
  for (const auto& root : roots_)
    allowed += (allowed.empty() ? "" : ", ") + root;
  throw backup_failed{std::string{field} + " leads to '" + path +
                      "', where backup.roots does not allow it (it allows " + (allowed.empty() ? "nothing" : allowed) +
                      "): add the directory to backup.roots, for example `overwatch start --backup-roots /srv`"};
}

std::string read_key_file(const std::string& path) {
  descriptor file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  struct stat st {};
  if (!file || ::fstat(file.get(), &st) != 0)
    fail("read the key file", path);
  if (!S_ISREG(st.st_mode) || st.st_size < static_cast<off_t>(min_key_bytes) ||
      st.st_size > static_cast<off_t>(max_key_bytes))
    throw backup_failed{"the key file '" + path + "' must be a file of " + std::to_string(min_key_bytes) +
                        " bytes to 64 KiB: head -c 32 /dev/urandom > " + path};
  if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    throw backup_failed{"the key file '" + path + "' is open to others: chmod 600 " + path};
  std::string secret(static_cast<size_t>(st.st_size), '\0');
  if (!read_exactly(file.get(), secret.data(), secret.size(), 0, path))
    fail("read the key file", path, EIO);
  return secret;
}

} // namespace overwatch::backup
