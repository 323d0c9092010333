#pragma once

#include "messages/task_id.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace overwatch {

/// A file to which commands append a line at each start: what really ran, beyond doubt of the node's own word.
class run_record {
public:
  struct line {
    uint64_t offset = 0; ///< in the file
    task_id id;
    uint32_t attempt = 0;
  };

  explicit run_record(std::string path) : path_{std::move(path)} {}

  /// Argument vector of a command that records its start and ends.
  std::vector<std::string> recording_command() const;

  /// Likewise, but the first attempt of each task goes on until it is killed.
  std::vector<std::string> holding_command() const;

  /// Bytes so far: lines that are written from now on have at least this offset.
  uint64_t size() const;

  std::vector<line> lines() const;

private:
  std::string path_;
};

} // namespace overwatch
