#include "runtime/security/accounts.hpp"

#include "runtime/security/lines.hpp"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace overwatch::security {

namespace {

constexpr size_t database_bytes = 16 * 1024 * 1024;
constexpr size_t max_asked = 1000; // ids that the machine's resolver is asked about

std::optional<int64_t> day_of(std::string_view text) { return number_of<int64_t>(text); }

std::string last_part(std::string_view path) { return std::string{path.substr(path.rfind('/') + 1)}; }

// The resolver may ask over the network; so what it said is kept.
template <class Entry, class Ask>
bool ask_once(std::map<uint32_t, bool>& asked, uint32_t id, Ask ask) {
  auto known = asked.find(id);
  if (known != asked.end())
    return known->second;
  if (asked.size() >= max_asked)
    return true;
  Entry entry{};
  Entry* found = nullptr;
  std::vector<char> buffer(64 * 1024);
  auto error = ask(id, &entry, buffer.data(), buffer.size(), &found);
  return asked[id] = found != nullptr || error != 0;
}

} // namespace

bool account::may_log_in() const {
  static const std::set<std::string> closed{"nologin", "false",    "true",      "sync",
                                            "halt",    "shutdown", "git-shell", "rssh"};
  return closed.count(last_part(shell)) == 0;
}

bool shadow_entry::has_password() const {
  return !hash.empty() && hash.front() != '!' && hash.front() != '*' && hash != "x";
}

std::vector<account> parse_passwd(std::string_view text) {
  std::vector<account> result;
  for_each_line(text, [&](std::string_view line) {
    auto fields = split(line, ':');
    if (fields.size() != 7 || fields[0].empty() || fields[0].front() == '#' || fields[0].front() == '+' ||
        fields[0].front() == '-')
      return;
    auto uid = number_of<uint32_t>(fields[2]);
    auto gid = number_of<uint32_t>(fields[3]);
    if (uid && gid)
      result.push_back({std::string{fields[0]}, std::string{fields[1]}, *uid, *gid, std::string{fields[5]},
                        std::string{trimmed(fields[6])}});
  });
  return result;
}

std::vector<group> parse_group(std::string_view text) {
  std::vector<group> result;
  for_each_line(text, [&](std::string_view line) {
    auto fields = split(line, ':');
    auto gid = fields.size() == 4 ? number_of<uint32_t>(fields[2]) : std::nullopt;
    if (!gid || fields[0].empty())
      return;
    group one{std::string{fields[0]}, *gid, {}};
    for (auto member : split(fields[3], ','))
      if (!trimmed(member).empty())
        one.members.emplace_back(trimmed(member));
    result.push_back(std::move(one));
  });
  return result;
}

std::vector<shadow_entry> parse_shadow(std::string_view text) {
  std::vector<shadow_entry> result;
  for_each_line(text, [&](std::string_view line) {
    auto fields = split(line, ':');
    if (fields.size() < 8 || fields[0].empty())
      return;
    result.push_back({std::string{fields[0]}, std::string{fields[1]}, day_of(fields[2]), day_of(fields[7])});
  });
  return result;
}

std::vector<id_range> parse_subordinate_ids(std::string_view text) {
  std::vector<id_range> result;
  for_each_line(text, [&](std::string_view line) {
    auto fields = split(line, ':');
    if (fields.size() != 3)
      return;
    auto first = number_of<uint32_t>(fields[1]);
    auto count = number_of<uint32_t>(fields[2]);
    if (first && count)
      result.push_back({*first, *count});
  });
  return result;
}

// A record is the time in 32 bits, 32 bytes of a terminal and 256 of a host.
std::optional<int64_t> last_login_of(std::string_view record) {
  int32_t seconds = 0;
  if (record.size() < lastlog_record_bytes)
    return std::nullopt;
  std::memcpy(&seconds, record.data(), sizeof(seconds));
  return seconds > 0 ? std::optional<int64_t>{seconds} : std::nullopt;
}

bool has_remote_source(std::string_view nsswitch, std::string_view database) {
  static constexpr std::array local{"files", "compat", "systemd", "db", "altfiles"};
  bool result = false;
  for_each_line(nsswitch, [&](std::string_view line) {
    line = line.substr(0, line.find('#'));
    auto colon = line.find(':');
    if (colon == std::string_view::npos || trimmed(line.substr(0, colon)) != database)
      return;
    for (auto word : words_of(line.substr(colon + 1)))
      result = result || (word.front() != '[' && word.back() != ']' && word.find('=') == std::string_view::npos &&
                          std::find(local.begin(), local.end(), word) == local.end());
  });
  return result;
}

account_book::account_book(const tree& root) : machine_{root.is_machine()} {
  auto passwd = root.read("/etc/passwd", database_bytes);
  error_ = passwd.error;
  accounts_ = parse_passwd(passwd.text);
  groups_ = parse_group(root.read("/etc/group", database_bytes).text);
  user_ranges_ = parse_subordinate_ids(root.read("/etc/subuid").text);
  group_ranges_ = parse_subordinate_ids(root.read("/etc/subgid").text);
  auto nsswitch = root.read("/etc/nsswitch.conf").text;
  remote_ = has_remote_source(nsswitch, "passwd") || has_remote_source(nsswitch, "group");
  for (const auto& one : accounts_)
    user_names_.emplace(one.uid, one.name);
  for (const auto& one : groups_)
    group_names_.emplace(one.gid, one.name);
}

const account* account_book::find(std::string_view name) const {
  auto found = std::find_if(accounts_.begin(), accounts_.end(), [&](const account& x) { return x.name == name; });
  return found == accounts_.end() ? nullptr : &*found;
}

bool account_book::in_ranges(const std::vector<id_range>& ranges, uint32_t id) const {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const id_range& x) { return id >= x.first && id - x.first < x.count; });
}

bool account_book::knows_user(uint32_t uid) const {
  if (error_ != 0 || user_names_.count(uid) > 0 || in_ranges(user_ranges_, uid))
    return true;
  if (!machine_)
    return remote_;
  return ask_once<passwd>(asked_users_, uid, ::getpwuid_r);
}

bool account_book::knows_group(uint32_t gid) const {
  if (groups_.empty() || group_names_.count(gid) > 0 || in_ranges(group_ranges_, gid))
    return true;
  if (!machine_)
    return remote_;
  return ask_once<::group>(asked_groups_, gid, ::getgrgid_r);
}

std::string account_book::user_name(uint32_t uid) const {
  auto found = user_names_.find(uid);
  return found == user_names_.end() ? std::to_string(uid) : found->second;
}

std::string account_book::group_name(uint32_t gid) const {
  auto found = group_names_.find(gid);
  return found == group_names_.end() ? std::to_string(gid) : found->second;
}

bool account_book::only_has(uint32_t gid, const std::set<uint32_t>& trusted) const {
  for (const auto& one : groups_)
    if (one.gid == gid)
      for (const auto& member : one.members)
        if (const auto* who = find(member); who == nullptr || trusted.count(who->uid) == 0)
          return false;
  return std::all_of(accounts_.begin(), accounts_.end(),
                     [&](const account& x) { return x.gid != gid || trusted.count(x.uid) > 0; });
}

} // namespace overwatch::security
