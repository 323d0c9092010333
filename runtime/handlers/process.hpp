#pragma once

#include "messages/time.hpp"
#include "runtime/handlers/owned_fd.hpp"
#include "runtime/handlers/process_tree.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch {

/// What a program gets. It gets nothing else: no descriptors beside the standard three, no signal handlers
/// or masks, no environment of the node's.
struct process_options {
  std::vector<std::string> argv; ///< argv[0] holds a slash or is looked up in PATH of `environment`
  std::map<std::string, std::string> environment;
  std::string directory; ///< empty: a new temporary one, removed afterwards
  std::string user;      ///< empty: the node's own; another one needs root
  std::string input;     ///< its standard input, a file that nobody else can open

  // Resource limits; 0: none. What is above the node's own hard limit is lowered to that, unless it is root.
  uint64_t cpu_seconds = 0;
  uint64_t memory_bytes = 0;
  uint64_t file_bytes = 0;
  uint64_t open_files = 0;
  uint64_t processes = 0;
};

/// How a program ended, and what it took, with the children that it waited for.
struct process_end {
  int exit_status = 0;  ///< when `signal` is 0
  int signal = 0;       ///< that ended it
  bool stopped = false; ///< it was told to stop before it ended
  size_t survivors = 0; ///< members that could not be killed within `process::kill_limit`
  double user_cpu_s = 0;
  double system_cpu_s = 0;
  double elapsed_s = 0;
  uint64_t peak_memory_bytes = 0; ///< of its largest process; 0: it ended before that could be seen, see README
  uint64_t read_bytes = 0;        ///< from storage
  uint64_t written_bytes = 0;     ///< to storage, also what is still on its way there

  bool succeeded() const { return signal == 0 && exit_status == 0; }
};

/// A program with its descendants: a session and process group of its own, and whoever left them but still
/// carries the mark in its environment (see `process_tree`). When the program itself ends, the others are
/// killed; so they are when this object dies. When the node dies, the kernel kills the program itself.
///
/// One owner, one thread: the kernel ties the program's life to the thread that called start().
class process {
public:
  /// Between SIGTERM and SIGKILL.
  static constexpr milliseconds term_grace{5000};
  /// How long the end of a killed member is waited for.
  static constexpr milliseconds kill_limit{2000};
  /// Name of the environment variable that marks members.
  static constexpr std::string_view mark_name = "OVERWATCH_ATTEMPT_TOKEN";

  enum class stream : uint8_t { output, error };

  /// Gets what the program wrote, in pieces of at most 64 KiB. What it does not take in time stays in a
  /// pipe, which holds the program up.
  using on_output = std::function<void(stream from, std::string_view bytes)>;

  process() = default;
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  /// Empty, or a sentence that says why the program could not be started. Called once.
  std::string start(const process_options& options);

  /// Feeds `output` until the program has ended. When `stop_fd` becomes readable, the program and its
  /// descendants get SIGTERM, and SIGKILL after `term_grace`. Called once, after a successful start().
  process_end run(int stop_fd, const on_output& output);

private:
  void drain(const on_output& output);
  void reap(process_end& end);

  process_tree tree_;
  owned_fd pidfd_;
  owned_fd streams_[2]; // reading ends, by `stream`
  uint64_t own_memory_bytes_ = 0; // the node's at the start: the kernel counts the copy as the program's
  std::string temporary_; // a directory to remove
};

} // namespace overwatch
