#pragma once

#include "config/loader.hpp"
#include "messages/error_code.hpp"
#include "messages/time.hpp"
#include "runtime/cli/console.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace overwatch {

/// A backup of a node's store.
struct node_backup {
  uint32_t id = 0;
  timestamp time;
  std::string node;
  uint64_t bytes = 0;
  uint64_t new_bytes = 0; ///< that no earlier one has
};

/// What the command line needs of the program around it.
struct cli_hooks {
  /// Runs a node with these settings until it ends and returns the exit status of the process. With `daemon`
  /// the process is already detached, `config.values.log.file` is set, and standard output and error go to
  /// that file. The node writes its process id to `<data_dir>/node.pid` before it answers `/health/ready`.
  std::function<int(const load_result& config, bool daemon)> start_node;

  /// The backups of a node's store in a directory, the oldest first.
  std::function<caf::expected<std::vector<node_backup>>(const std::string& from)> list_node_backups;

  /// Makes the data directory of a node from one of them, by default the newest. The directory is empty or missing.
  /// The node is in a cluster of its own then; without `new_cluster` the backup of one that had others is refused.
  std::function<caf::expected<node_backup>(const std::string& from, std::optional<uint32_t> id,
                                           const std::string& data_directory, bool new_cluster)>
    restore_node_backup;
};

/// The whole of `main`: parses the command line, runs the command and returns the exit status (`exit_code`).
/// No thread may run yet: `start --daemon` forks.
int run_cli(int argc, const char* const* argv, const cli_hooks& hooks);

/// The same, reading from and writing to `console`.
int run_cli(int argc, const char* const* argv, const cli_hooks& hooks, cli::console& console);

} // namespace overwatch
