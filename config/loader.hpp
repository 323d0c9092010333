#pragma once

#include "config/settings.hpp"

#include <map>
#include <string>
#include <vector>

namespace overwatch {

/// A value that was refused, or doubtful, and where it comes from.
struct config_problem {
  std::string file;    ///< empty: not from a file; the message names the variable or flag then
  unsigned line = 0;   ///< from 1; 0: the file as a whole
  unsigned column = 0; ///< from 1, in bytes
  std::string message; ///< a sentence: what is wrong, what is allowed

  /// `file:line:column: message`, or the message alone.
  std::string to_string() const;
};

struct load_result {
  settings values;                      ///< options with problems keep what they had before
  std::vector<config_problem> problems; ///< empty: good. In the order file, environment, command line, cross checks
  std::vector<config_problem> warnings; ///< legal, and probably not meant
  std::map<std::string, std::string>
    sources; ///< option -> `default`, `file:line`, `environment NAME`, `command line --flag`

  bool ok() const { return problems.empty(); }
};

/// Defaults, then the file, then the environment, then the command line: later ones win.
/// @param file         empty: none
/// @param environment  all variables of the process; those of other programs are ignored
/// @param command_line option name (`http.port`) -> text; `http` and `caf` take ADDRESS:PORT and set both
load_result load_settings(const std::string& file, const std::map<std::string, std::string>& environment,
                          const std::map<std::string, std::string>& command_line);

/// The variables of this process, for `load_settings`.
std::map<std::string, std::string> process_environment();

} // namespace overwatch
