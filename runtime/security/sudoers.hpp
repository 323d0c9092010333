#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The files of sudo.
namespace overwatch::security {

/// What `who` may run, one command of a rule.
struct sudo_grant {
  std::string who;     ///< user, %group or alias as it is written
  std::string command; ///< with its arguments; aliases are resolved
  bool without_password = false;
};

struct sudoers_text {
  std::vector<sudo_grant> grants;
  std::vector<std::string> include_files;       ///< as they are written
  std::vector<std::string> include_directories; ///< likewise
  std::vector<std::string> without_password;    ///< lines `Defaults !authenticate`
};

/// Command aliases of all files that were read so far: they may be used in another file than their own.
using command_aliases = std::map<std::string, std::vector<std::string>>;

/// Lines that are none are left out; at most `max_grants` grants are kept.
sudoers_text parse_sudoers(std::string_view text, command_aliases& aliases);
inline constexpr size_t max_grants = 10'000;

/// True for names that sudo reads in an included directory.
bool is_sudoers_name(std::string_view name);

/// True for programs from which a shell or any file is within reach.
bool gives_a_shell(std::string_view program);

} // namespace overwatch::security
