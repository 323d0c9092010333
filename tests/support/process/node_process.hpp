#pragma once

#include "tests/support/process/reserved_port.hpp"
#include "tests/support/process/scratch_directory.hpp"

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace overwatch::support {

/// How a node is started; the configuration file is written from it.
struct node_options {
  std::string binary; ///< path of `overwatch`
  bool caf = false;   ///< also listen for CAF programs
  uint32_t max_concurrent_tasks = 4096;
  std::map<std::string, uint32_t> slots;                    ///< per task type
  std::map<std::string, std::vector<std::string>> commands; ///< named commands: argument vectors
  uint32_t max_lost = 100;                                  ///< a task that is unlucky in many kills shall still end
  std::string log_level = "warning";
  std::string more_config;              ///< sections for the configuration file, beside log, tasks and commands
  std::string data_dir;                 ///< empty: in the scratch directory
  std::vector<std::string> environment; ///< `NAME=value`, beside the owner's
  bool waits_for_others = false;        ///< `start` returns at once: it serves when other nodes are up
  std::string network;                  ///< path of a network namespace to run in; empty: the owner's
};

/// A node in a process of its own, with data directory, configuration and log in a scratch directory of its
/// own, on ports of its own. One thread starts and kills it. Ends with its owner: killed by the destructor,
/// and by the kernel when the owner's process dies.
class node_process {
public:
  /// How long a start (with recovery) and a stop may take.
  static constexpr std::chrono::seconds start_limit{120};
  static constexpr std::chrono::seconds stop_limit{60};

  /// Prepares files and ports; starts nothing. `parent` is where the scratch directory is made.
  explicit node_process(node_options options, const std::string& parent = ".");
  ~node_process();

  node_process(const node_process&) = delete;
  node_process& operator=(const node_process&) = delete;

  /// Starts it, on the data that are there, and returns when it serves requests. Throws std::runtime_error
  /// with the end of its log when it ends before or needs longer than `start_limit`.
  void start();

  /// SIGKILL; returns when it is gone.
  void kill();

  /// SIGSTOP: it does nothing until `thaw`.
  void freeze();
  void thaw();
  bool frozen() const { return frozen_; } ///< from any thread

  /// SIGTERM; returns when it is gone. Throws when it needs longer than `stop_limit` or does not exit with 0.
  void stop();

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  uint16_t http_port() const { return http_port_.number(); }
  uint16_t caf_port() const { return caf_port_ ? caf_port_->number() : 0; } ///< 0 when it was not asked for
  const std::string& network() const { return options_.network; }
  const std::string& directory() const { return directory_.path(); }
  const std::string& data_directory() const { return options_.data_dir; }

  /// The command line of `start`: to run it as a program that is expected to end.
  std::vector<std::string> command_line() const;

  /// Resident memory now.
  uint64_t resident_bytes() const;

  /// The end of its log.
  std::string log_tail() const;

private:
  void write_config() const;
  bool wait_for_end(std::chrono::milliseconds limit); // reaps it; false: it still runs

  node_options options_;
  scratch_directory directory_;
  reserved_port http_port_;
  std::optional<reserved_port> caf_port_;
  pid_t pid_ = -1;
  int pid_fd_ = -1; // readable when it has ended
  int status_ = 0;  // of waitpid
  std::atomic<bool> frozen_{false};
};

/// `binary` of a build whose test program is this process: the `overwatch` beside it in the build tree.
std::string built_node_binary();

} // namespace overwatch::support
