#include "runtime/security/guard.hpp"
#include "runtime/security/lines.hpp"
#include "runtime/security/scan.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <map>

namespace overwatch::security {

namespace {

constexpr size_t database_bytes = 16 * 1024 * 1024;
constexpr uint32_t first_person = 1000; // Debian's first uid for people
constexpr uint32_t nobody = 65534;
constexpr int64_t day_s = 86'400;

int64_t seconds_of(timestamp time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

bool is_weak_hash(std::string_view hash) {
  if (begins_with(hash, "$1$") || begins_with(hash, "_"))
    return true;
  return hash.size() == 13 && hash.front() != '$'; // DES
}

void check_passwords(scan& s, const std::vector<shadow_entry>& shadow) {
  for (const auto& entry : shadow) {
    const auto* who = s.accounts.find(entry.name);
    if (who == nullptr || (who->password != "x" && !who->password.empty()))
      continue;
    if (entry.hash.empty() && who->password == "x")
      s.found.add_at(who->may_log_in() ? severity::high : severity::low, "account-without-password", entry.name,
                     "its shell is " + (who->shell.empty() ? "/bin/sh" : who->shell));
    else if (is_weak_hash(entry.hash))
      s.found.add("weak-password-hash", entry.name);
  }
}

void check_passwd(scan& s) {
  for (const auto& one : s.accounts.accounts()) {
    if (one.uid == 0 && one.name != "root")
      s.found.add("second-root", one.name, "its uid is 0");
    if (one.password.empty())
      s.found.add("account-without-password", one.name, "its field in /etc/passwd is empty");
    else if (one.password != "x" && one.password.front() != '*' && one.password.front() != '!')
      s.found.add("password-in-passwd", one.name);
  }
}

// The record of `uid`, which may be a hole far into the file.
std::string lastlog_record(int file, uint32_t uid) {
  std::string record(lastlog_record_bytes, '\0');
  auto count = ::pread(file, record.data(), record.size(), static_cast<off_t>(uid) * static_cast<off_t>(record.size()));
  record.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  return record;
}

bool may_be_stale(const account& one, const shadow_entry* entry, int64_t today) {
  if (one.uid < first_person || one.uid == nobody || !one.may_log_in())
    return false;
  return entry == nullptr || !entry->expires_day || *entry->expires_day > today;
}

void check_stale(scan& s, const std::vector<shadow_entry>& shadow) {
  auto place = s.root.locate("/var/log/lastlog");
  owned_fd file{place.error != 0 || !S_ISREG(place.status.st_mode)
                  ? -1
                  : ::openat(place.directory.get(), place.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!file) {
    s.found.partly_blind("when accounts were last used",
                         "/var/log/lastlog: " + error_sentence(place.error != 0 ? place.error : EACCES));
    return;
  }
  auto now_s = seconds_of(s.now);
  auto limit_s = std::chrono::seconds{s.config.security.stale_after}.count();
  std::map<std::string, const shadow_entry*> by_name;
  for (const auto& entry : shadow)
    by_name[entry.name] = &entry;
  for (const auto& one : s.accounts.accounts()) {
    auto known = by_name.find(one.name);
    const auto* entry = known == by_name.end() ? nullptr : known->second;
    if (limit_s == 0 || !may_be_stale(one, entry, now_s / day_s))
      continue;
    auto last = last_login_of(lastlog_record(file.get(), one.uid));
    if (last && now_s - *last > limit_s)
      s.found.add("stale-account", one.name,
                  "the last login was " + std::to_string((now_s - *last) / day_s) + " days ago");
    else if (!last && entry != nullptr && entry->has_password() && entry->changed_day &&
             now_s - *entry->changed_day * day_s > limit_s)
      s.found.add("stale-account", one.name,
                  "it never logged in, and its password is " + std::to_string(now_s / day_s - *entry->changed_day) +
                    " days old");
  }
}

void check_authorized_keys(scan& s) {
  uint64_t unseen = 0;
  for (const auto& one : s.accounts.accounts()) {
    if (!one.may_log_in() || one.home.empty() || one.home.front() != '/' || one.home == "/")
      continue;
    auto path = normal_path(one.home) + "/.ssh/authorized_keys";
    auto found = s.root.locate(path);
    if (found.error == EACCES || found.error == EPERM)
      ++unseen;
    else if (auto weakness = changeable_by_others(s.root, s.accounts, path, {one.uid}); !weakness.empty())
      s.found.add("authorized-keys-writable", path, weakness);
  }
  if (unseen > 0)
    s.found.partly_blind("who could change authorized_keys of " + std::to_string(unseen) + " accounts",
                         error_sentence(EACCES));
}

} // namespace

void check_accounts(scan& s) {
  if (s.accounts.error() != 0)
    return s.found.cannot_look("accounts", "/etc/passwd: " + error_sentence(s.accounts.error()));
  check_passwd(s);
  auto text = s.root.read("/etc/shadow", database_bytes);
  if (text.error != 0)
    s.found.partly_blind("passwords of accounts", "/etc/shadow: " + error_sentence(text.error));
  auto shadow = parse_shadow(text.text);
  check_passwords(s, shadow);
  check_stale(s, shadow);
  check_authorized_keys(s);
  for (const auto* path : {"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"})
    if (auto weakness = changeable_by_others(s.root, s.accounts, path); !weakness.empty())
      s.found.add("account-file-writable", path, weakness);
}

} // namespace overwatch::security
