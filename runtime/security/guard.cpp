#include "runtime/security/guard.hpp"

namespace overwatch::security {

std::string weakness_of(const std::string& path, const struct stat& status, const account_book& accounts,
                        const std::set<uint32_t>& trusted) {
  if (trusted.count(status.st_uid) == 0)
    return path + " belongs to " + accounts.user_name(status.st_uid);
  if (S_ISLNK(status.st_mode) || S_ISCHR(status.st_mode))
    return {};
  if (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0)
    return {};
  if ((status.st_mode & S_IWOTH) != 0)
    return path + " is writable by everyone";
  if ((status.st_mode & S_IWGRP) != 0 && status.st_gid != 0 && !accounts.only_has(status.st_gid, trusted))
    return path + " is writable by the group " + accounts.group_name(status.st_gid);
  return {};
}

std::string changeable_by_others(const tree& root, const account_book& accounts, std::string_view path,
                                 std::set<uint32_t> trusted) {
  trusted.insert({0, root.owner()});
  std::string result;
  auto found = root.locate(path, true, [&](const std::string& step, const struct stat& status) {
    if (result.empty())
      result = weakness_of(step, status, accounts, trusted);
  });
  return found.error == 0 ? result : std::string{};
}

} // namespace overwatch::security
