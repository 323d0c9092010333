#include "runtime/security/guard.hpp"
#include "runtime/security/lines.hpp"
#include "runtime/security/scan.hpp"
#include "runtime/security/started_programs.hpp"

#include <set>

namespace overwatch::security {

namespace {

// `user` may change what it runs itself.
std::set<uint32_t> trusted_for(const scan& s, const std::string& user) {
  const auto* who = user.empty() ? nullptr : s.accounts.find(user);
  return who == nullptr ? std::set<uint32_t>{} : std::set<uint32_t>{who->uid};
}

// Only files that exist and are run or read: directories that a command names are its data.
std::string program_weakness(const scan& s, const std::string& program, const std::string& user) {
  auto place = s.root.locate(program);
  if (place.error != 0 || !S_ISREG(place.status.st_mode) || (place.status.st_mode & 0111) == 0)
    return {};
  return changeable_by_others(s.root, s.accounts, program, trusted_for(s, user));
}

void judge_crontab(scan& s, const std::string& path, const std::string& user, bool with_user) {
  s.stop_if_told();
  if (auto weakness = changeable_by_others(s.root, s.accounts, path, trusted_for(s, user)); !weakness.empty())
    s.found.add("cron-file-writable", path, weakness);
  auto text = s.root.read(path);
  if (text.error != 0) {
    s.found.partly_blind(path, error_sentence(text.error));
    return;
  }
  for (const auto& entry : parse_crontab(text.text, with_user))
    for (const auto& program : programs_in(entry.command))
      if (auto weakness = program_weakness(s, program, with_user ? entry.user : user); !weakness.empty())
        s.found.add("cron-program-writable", path + ": " + program, weakness);
}

void check_cron(scan& s) {
  for (const auto* file : {"/etc/crontab", "/etc/anacrontab"})
    if (s.root.exists(file))
      judge_crontab(s, file, {}, true);
  for (const auto& name : s.root.list("/etc/cron.d").names)
    if (name.find('.') == std::string::npos)
      judge_crontab(s, "/etc/cron.d/" + name, {}, true);
  for (const std::string directory : {"/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly"})
    for (const auto& name : s.root.list(directory).names)
      if (auto weakness = changeable_by_others(s.root, s.accounts, directory + "/" + name); !weakness.empty())
        s.found.add("cron-file-writable", directory + "/" + name, weakness);
  const std::string spool = "/var/spool/cron/crontabs";
  auto crontabs = s.root.list(spool);
  if (crontabs.error != 0 && crontabs.error != ENOENT)
    s.found.partly_blind("crontabs of accounts", spool + ": " + error_sentence(crontabs.error));
  for (const auto& name : crontabs.names)
    judge_crontab(s, spool + "/" + name, name, false);
}

void judge_unit(scan& s, const std::string& path, std::set<std::string>& seen) {
  s.stop_if_told();
  auto place = s.root.locate(path);
  if (place.error != 0 || !S_ISREG(place.status.st_mode) || !seen.insert(place.path).second)
    return;
  if (auto weakness = changeable_by_others(s.root, s.accounts, path); !weakness.empty())
    s.found.add("unit-file-writable", place.path, weakness);
  auto unit = parse_unit(s.root.read(path).text);
  if (unit.any_user)
    return;
  for (const auto& program : unit.programs)
    if (auto weakness = program_weakness(s, program, unit.user); !weakness.empty())
      s.found.add("unit-program-writable", place.path + ": " + program, weakness);
}

void check_units(scan& s) {
  std::set<std::string> seen; // links name one unit several times
  for (const std::string directory : {"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
                                      "/usr/lib/systemd/system", "/lib/systemd/system"}) {
    auto units = s.root.list(directory);
    if (units.error != 0 && units.error != ENOENT)
      s.found.partly_blind("units in " + directory, error_sentence(units.error));
    for (const auto& name : units.names) {
      auto path = directory + "/" + name;
      judge_unit(s, path, seen);
      if (ends_with(name, ".d"))
        for (const auto& part : s.root.list(path).names)
          if (ends_with(part, ".conf"))
            judge_unit(s, path + "/" + part, seen);
    }
  }
}

} // namespace

void check_startup(scan& s) {
  check_cron(s);
  check_units(s);
}

} // namespace overwatch::security
