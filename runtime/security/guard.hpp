#pragma once

#include "runtime/security/accounts.hpp"
#include "runtime/security/tree.hpp"

#include <set>
#include <string>
#include <string_view>

namespace overwatch::security {

/// Why somebody who is not in `trusted` could change what `path` names: its file, or any directory or link on the way
/// to it. Empty when nobody could, or when it does not exist. root and the owner of the tree are always trusted.
std::string changeable_by_others(const tree& root, const account_book& accounts, std::string_view path,
                                 std::set<uint32_t> trusted = {});

/// Of one step: empty, or "/srv/x is writable by everyone". Links count by their owner only; a sticky directory
/// protects what is in it.
std::string weakness_of(const std::string& path, const struct stat& status, const account_book& accounts,
                        const std::set<uint32_t>& trusted);

} // namespace overwatch::security
