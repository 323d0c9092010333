#pragma once

#include <string>
#include <string_view>
#include <vector>

/// What cron and systemd start by themselves.
namespace overwatch::security {

/// One line of a crontab that starts something.
struct cron_entry {
  std::string user; ///< empty in the crontab of one user
  std::string command;
};

/// `with_user`: lines name who runs them, as in /etc/crontab.
std::vector<cron_entry> parse_crontab(std::string_view text, bool with_user);

/// Absolute paths in a shell command that may be programs or their files, at most `max_programs`.
std::vector<std::string> programs_in(std::string_view command);
inline constexpr size_t max_programs = 50;

struct unit_programs {
  std::string user;                  ///< empty: root
  bool any_user = false;             ///< DynamicUser
  std::vector<std::string> programs; ///< absolute paths that it starts
};

/// A unit file of systemd, or a drop-in.
unit_programs parse_unit(std::string_view text);

} // namespace overwatch::security
