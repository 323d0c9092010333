#include "tests/simulation/small_log.hpp"

#include "runtime/replication/raft_log.hpp"

namespace overwatch::simulation {

namespace {

// Before that the group has its first members.
constexpr uint64_t formed = 10;

/// A log that says of what is proposed that it is committed: `mutation::acknowledge_early`.
class hasty_log final : public raft_log {
public:
  using raft_log::raft_log;

  std::optional<uint64_t> propose(std::string bytes, log_update& update) override {
    auto index = raft_log::propose(std::move(bytes), update);
    if (index && commit_index() > formed)
      update.commit_index = *index;
    return index;
  }
};

/// A follower that is not told that the connection with its leader failed: `mutation::sleep_on`.
class deaf_log final : public raft_log {
public:
  using raft_log::raft_log;

  log_update reach(log_time now, member_id id, bool in_reach) override {
    return in_reach || leads() ? raft_log::reach(now, id, in_reach) : log_update{};
  }
};

} // namespace

std::unique_ptr<replicated_log> make_small_log(log_setup x, unsigned seed, mutation fault) {
  raft_log_options options;
  options.id = x.self;
  options.initial_members = std::move(x.initial_members);
  options.seed = seed;
  options.read_entries = std::move(x.read_entries);
  options.election_timeout = log_time{600}; // as `make_raft_log` has it
  options.snapshot_timeout = log_time{10'000};
  options.max_inflight = 32;
  options.recent_bytes = 4'096;
  options.max_append_bytes = 2'048;
  options.max_append_burst = 8'192;
  if (fault != mutation::accept_stale) // that one is found where much happens
    options.quiet_after = log_time{300};
  if (fault == mutation::sleep_on)
    return std::make_unique<deaf_log>(std::move(options));
  if (fault == mutation::acknowledge_early)
    return std::make_unique<hasty_log>(std::move(options));
  return std::make_unique<raft_log>(std::move(options));
}

} // namespace overwatch::simulation
