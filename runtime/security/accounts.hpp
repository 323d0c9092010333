#pragma once

#include "runtime/security/tree.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::security {

/// A line of /etc/passwd.
struct account {
  std::string name;
  std::string password; ///< "x": it is in /etc/shadow
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string home;
  std::string shell;

  /// Its shell lets somebody in.
  bool may_log_in() const;
};

/// A line of /etc/group.
struct group {
  std::string name;
  uint32_t gid = 0;
  std::vector<std::string> members;
};

/// A line of /etc/shadow. Days count from 1970.
struct shadow_entry {
  std::string name;
  std::string hash;
  std::optional<int64_t> changed_day;
  std::optional<int64_t> expires_day;

  bool has_password() const; ///< one that opens the account
};

/// A range of /etc/subuid: ids that an account may hand to its containers.
struct id_range {
  uint32_t first = 0;
  uint32_t count = 0;
};

// Lines that are none are left out.
std::vector<account> parse_passwd(std::string_view text);
std::vector<group> parse_group(std::string_view text);
std::vector<shadow_entry> parse_shadow(std::string_view text);
std::vector<id_range> parse_subordinate_ids(std::string_view text);

/// Seconds since 1970 of the last login in a record of /var/log/lastlog; nothing: never.
std::optional<int64_t> last_login_of(std::string_view lastlog_record);
inline constexpr size_t lastlog_record_bytes = 292;

/// True when /etc/nsswitch.conf takes `database` from elsewhere than files of this machine.
bool has_remote_source(std::string_view nsswitch, std::string_view database);

/// Who exists, as far as the files below a root say.
class account_book {
public:
  explicit account_book(const tree& root);

  int error() const { return error_; } ///< of /etc/passwd
  const std::vector<account>& accounts() const { return accounts_; }
  const account* find(std::string_view name) const;

  /// False for an id that no account or container has. For other sources of accounts (LDAP) the machine's resolver is
  /// asked, once for each id; in another root such ids count as known.
  bool knows_user(uint32_t uid) const;
  bool knows_group(uint32_t gid) const;

  /// The name, or the number.
  std::string user_name(uint32_t uid) const;
  std::string group_name(uint32_t gid) const;

  /// True when nobody but the accounts in `trusted` is in the group.
  bool only_has(uint32_t gid, const std::set<uint32_t>& trusted) const;

private:
  bool in_ranges(const std::vector<id_range>& ranges, uint32_t id) const;

  int error_ = 0;
  bool machine_ = false;
  bool remote_ = false;
  std::vector<account> accounts_;
  std::vector<group> groups_;
  std::map<uint32_t, std::string> user_names_, group_names_;
  std::vector<id_range> user_ranges_, group_ranges_;
  mutable std::map<uint32_t, bool> asked_users_, asked_groups_;
};

} // namespace overwatch::security
