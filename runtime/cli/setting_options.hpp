#pragma once

#include "runtime/cli/command.hpp"

#include <map>
#include <memory>
#include <string>

namespace overwatch::cli {

/// What the command line says about a node's settings.
struct setting_options {
  std::string config_file;
  std::map<std::string, std::string> values; ///< option name -> text, only those that were given

  /// Defaults, file, environment and these, in that order.
  load_result load() const;
};

/// Adds `--config-file`, `--http`, `--caf` and one flag per option of the table in `config/options.hpp`.
std::shared_ptr<setting_options> add_setting_options(CLI::App* command);

/// Writes problems and warnings to standard error, one line each.
void report(const console& console, const load_result& loaded);

} // namespace overwatch::cli
