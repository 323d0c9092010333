#pragma once

#include "runtime/handlers/owned_fd.hpp"
#include "runtime/handlers/process.hpp"

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace overwatch {

/// A user of this machine.
struct user_identity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
  std::string home;
};

/// The user `name`, or (empty) the one that this process runs as; nothing when there is none.
std::optional<user_identity> find_user(const std::string& name);

/// Everything that the new process needs between fork and exec, made before the fork: there, in a copy of
/// a process with many threads, only async-signal-safe calls are allowed.
struct launch_plan {
  struct limit {
    int resource;
    rlimit value;
  };

  std::string program;   ///< a path
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string directory;
  bool switch_user = false;
  user_identity identity; ///< when `switch_user`
  std::vector<limit> limits;
  int standard[3] = {-1, -1, -1}; ///< all above 2
};

/// The limits of `options` as far as this process may set them.
std::vector<launch_plan::limit> limits_of(const process_options& options);

/// The path of `name`: itself when it holds a slash, else the first program of that name in `path`
/// (directories with colons between). Empty when there is none.
std::string find_program(const std::string& name, const std::string& path);

/// Starts the program. Empty, or a sentence that says which step failed.
std::string launch(const launch_plan& plan, pid_t& pid);

} // namespace overwatch
