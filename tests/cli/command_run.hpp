#pragma once

#include "runtime/cli/cli.hpp"

#include <map>
#include <string>
#include <vector>

namespace overwatch::cli {

/// What a command line did.
struct command_run {
  int code = 0;
  std::string out;
  std::string err;
};

struct run_options {
  std::string input;
  bool terminal = false;
  size_t width = 0;
  cli_hooks hooks; ///< none: `start` must not be reached
  std::map<std::string, std::string> environment; ///< the variables of Overwatch that are set; no others are
};

/// Runs `overwatch` with these arguments in this process.
command_run run_command(const std::vector<std::string>& arguments, const run_options& options = {});

} // namespace overwatch::cli
