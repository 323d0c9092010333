#include "runtime/replication/make_raft_log.hpp"

#include "runtime/replication/raft_log.hpp"

#include <random>

namespace overwatch {

std::unique_ptr<replicated_log> make_raft_log(log_setup x) {
  raft_log_options options;
  options.id = x.self;
  options.initial_members = std::move(x.initial_members);
  options.seed = std::random_device{}();
  options.read_entries = std::move(x.read_entries);
  options.election_timeout = log_time{600}; // fail-over takes two of them at most, and a request or two
  options.heartbeat = log_time{200};        // what an idle partition costs; two of them may be late
  return std::make_unique<raft_log>(std::move(options));
}

} // namespace overwatch
