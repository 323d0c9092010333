#include "runtime/security/guard.hpp"
#include "runtime/security/lines.hpp"
#include "runtime/security/scan.hpp"
#include "runtime/security/sshd_config.hpp"

#include <fnmatch.h>

#include <array>

namespace overwatch::security {

namespace {

constexpr const char* config_path = "/etc/ssh/sshd_config";
constexpr uint64_t most_tries = 6; // what OpenSSH allows by itself

std::string place_of(std::string_view keyword, const sshd_setting& setting) {
  return std::string{keyword} + (setting.match.empty() ? "" : " (Match " + setting.match + ")");
}

// The last part of an Include's path may be a pattern.
std::vector<std::string> matching(const tree& root, const std::string& pattern) {
  auto slash = pattern.rfind('/');
  if (pattern.find_first_of("*?[", slash) == std::string::npos)
    return root.exists(pattern) ? std::vector<std::string>{pattern} : std::vector<std::string>{};
  std::vector<std::string> result;
  auto directory = pattern.substr(0, slash);
  for (const auto& name : root.list(directory).names)
    if (::fnmatch(pattern.c_str() + slash + 1, name.c_str(), FNM_PERIOD) == 0)
      result.push_back(directory + "/" + name);
  return result;
}

struct bad_value {
  const char* keyword;
  const char* shown;
  const char* preset;
  const char* bad;
  const char* rule;
};

// Values that are bad wherever they stand.
constexpr std::array<bad_value, 6> bad_values{{
  {"permitemptypasswords", "PermitEmptyPasswords", "no", "yes", "sshd-empty-passwords"},
  {"strictmodes", "StrictModes", "yes", "no", "sshd-strict-modes-off"},
  {"hostbasedauthentication", "HostbasedAuthentication", "no", "yes", "sshd-trusts-hosts"},
  {"ignorerhosts", "IgnoreRhosts", "yes", "no", "sshd-trusts-hosts"},
  {"permituserenvironment", "PermitUserEnvironment", "no", "yes", "sshd-user-environment"},
  {"x11forwarding", "X11Forwarding", "no", "yes", "sshd-x11-forwarding"},
}};

void judge_root_login(scan& s, const sshd_settings& settings) {
  auto passwords = lower(settings.value_of("passwordauthentication", "yes")) == "yes";
  for (const auto& setting : settings.all_of("permitrootlogin", "prohibit-password"))
    if (lower(setting.value) == "yes")
      s.found.add_at(passwords ? severity::high : severity::low, "sshd-root-login",
                     place_of("PermitRootLogin", setting),
                     passwords ? "PermitRootLogin yes, with passwords" : "PermitRootLogin yes, with keys only");
  for (const auto& setting : settings.all_of("passwordauthentication", "yes"))
    if (lower(setting.value) == "yes")
      s.found.add("sshd-passwords", place_of("PasswordAuthentication", setting));
}

void judge_rest(scan& s, const sshd_settings& settings) {
  for (const auto& one : bad_values)
    for (const auto& setting : settings.all_of(one.keyword, one.preset))
      if (lower(setting.value) == one.bad)
        s.found.add(one.rule, place_of(one.shown, setting), std::string{one.shown} + " " + setting.value);
  for (const auto& setting : settings.all_of("maxauthtries", "6"))
    if (number_of<uint64_t>(setting.value).value_or(0) > most_tries)
      s.found.add("sshd-many-tries", place_of("MaxAuthTries", setting), "MaxAuthTries " + setting.value);
  for (const auto* keyword : {"ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedalgorithms"})
    for (const auto& setting : settings.all_of(keyword, "")) {
      std::string names;
      for (const auto& name : weak_algorithms(setting.value))
        names += (names.empty() ? "" : ", ") + name;
      if (!names.empty())
        s.found.add("sshd-weak-algorithms", place_of(keyword, setting), names);
    }
}

} // namespace

void check_sshd(scan& s) {
  if (s.root.locate(config_path).error == ENOENT)
    return; // no server here
  sshd_files files;
  files.matching = [&](const std::string& pattern) { return matching(s.root, pattern); };
  files.read = [&](const std::string& path, std::string& text) {
    auto content = s.root.read(path);
    text = std::move(content.text);
    return content.error == 0;
  };
  auto settings = read_sshd_settings(config_path, files);
  if (settings.files.empty())
    return s.found.cannot_look("settings of the ssh server", std::string{config_path} + " cannot be read");
  for (const auto& path : settings.unreadable)
    s.found.partly_blind(path, "it is included by the ssh server's configuration and cannot be read");
  judge_root_login(s, settings);
  judge_rest(s, settings);
  for (const auto& path : settings.files)
    if (auto weakness = changeable_by_others(s.root, s.accounts, path); !weakness.empty())
      s.found.add("sshd-config-writable", path, weakness);
}

} // namespace overwatch::security
