#pragma once

#include "config/loader.hpp"
#include "runtime/cli/console.hpp"

#include <functional>

namespace overwatch {

/// What the command line needs of the program around it.
struct cli_hooks {
  /// Runs a node with these settings until it ends and returns the exit status of the process. With `daemon`
  /// the process is already detached, `config.values.log.file` is set, and standard output and error go to
  /// that file. The node writes its process id to `<data_dir>/node.pid` before it answers `/health/ready`.
  std::function<int(const load_result& config, bool daemon)> start_node;
};

/// The whole of `main`: parses the command line, runs the command and returns the exit status (`exit_code`).
/// No thread may run yet: `start --daemon` forks.
int run_cli(int argc, const char* const* argv, const cli_hooks& hooks);

/// The same, reading from and writing to `console`.
int run_cli(int argc, const char* const* argv, const cli_hooks& hooks, cli::console& console);

} // namespace overwatch
