#pragma once

#include "runtime/replication/raft_core.h"
#include "runtime/replication/raft_message.hpp"

namespace overwatch {

/// Our values in the structs of `raft_core.h`, which borrow from it.
class core_values {
public:
  core_configuration configuration(const std::vector<log_member>& members);

  /// Of kind `configuration`: its bytes must be readable.
  core_entry entry(const log_append& x);

  core_snapshot snapshot(const log_snapshot& x);

private:
  std::vector<core_member> members_;
};

} // namespace overwatch
