#pragma once

#include "messages/time.hpp"

#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>

/// The process of a node on this machine, found by the file `node.pid` that it keeps in its data directory.
namespace overwatch::cli {

std::string pid_file_of(const std::string& data_dir);

/// The id in a pid file; nothing when there is none.
std::optional<pid_t> read_pid_file(const std::string& path);

enum class stop_result {
  stopped,
  not_running,  ///< no process has this id
  not_a_node,   ///< the id belongs to another program now
  not_allowed,  ///< it belongs to another user
  still_running ///< `limit` has passed
};

/// Sends SIGTERM to the process if it is an overwatch node, and waits until it is gone, at most `limit`.
/// `waiting` is called each second with the time so far. The process cannot be mistaken for a newer one with the same
/// id.
stop_result stop_process(pid_t pid, milliseconds limit, const std::function<void(milliseconds)>& waiting);

} // namespace overwatch::cli
