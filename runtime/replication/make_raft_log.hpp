#pragma once

#include "actors/log_setup.hpp"

namespace overwatch {

/// The log of a node: Raft, with times for a cluster whose nodes answer within tens of milliseconds.
std::unique_ptr<replicated_log> make_raft_log(log_setup x);

} // namespace overwatch
