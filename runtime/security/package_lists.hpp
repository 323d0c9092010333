#pragma once

#include "runtime/security/tree.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

/// What dpkg says of the files that it installed.
namespace overwatch::security {

/// The same path on a system where /bin, /sbin and /lib* are links into /usr.
std::string merged_path(std::string_view path);

/// Where files of packages were moved to: every second line of three in dpkg's diversions.
std::vector<std::string> parse_diversions(std::string_view text);

/// Takes the paths that belong to a package out of `paths`, reading the lists one after the other. False when there is
/// no database of packages. `tick` is called for each list and may throw.
/// `below`: the directory of a system within the tree, whose packages are asked; its files are all of `paths`.
bool strike_packaged(const tree& root, std::unordered_set<std::string>& paths, const std::function<void()>& tick,
                     const std::string& below = {});

/// Calls `take(path, md5)` for every file of every package.
void for_each_package_digest(const tree& root,
                             const std::function<void(std::string_view path, std::string_view md5)>& take,
                             const std::function<void()>& tick);

} // namespace overwatch::security
