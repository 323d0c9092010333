#pragma once

#include "runtime/replication/raft_log.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/log_checker.hpp"
#include "tests/simulation/network.hpp"

#include <map>
#include <memory>
#include <optional>

namespace overwatch::simulation {

/// Mistakes that a driver can make, so that the simulation can show that it would notice. `accept_stale` is one of
/// whole nodes, as `unheard_share`, `forget_slot`, `split_slots` and `hasty_gate`: who closes one is answered before
/// all partitions have it. `sleep_on`: followers are not told that a connection failed. `lease_asleep`: a leader that
/// sleeps is taken for one with a lease.
enum class mutation {
  none, skip_sync, forget_vote, acknowledge_early, apply_twice, accept_stale, unheard_share, forget_slot, split_slots,
  hasty_gate, sleep_on, lease_asleep
};

/// What a node keeps: what `actors/keys.hpp` keeps in RocksDB, in the same bytes.
struct log_disk {
  std::string hard_state;
  std::string snapshot;
  std::map<uint64_t, std::string> entries;
  applied_state state; ///< written without sync, behind the entries
};

/// What the nodes of a simulated cluster share.
struct world {
  explicit world(uint64_t seed) : random{seed} {}

  chance random;
  virtual_time time;
  log_checker checker;
  mutation fault = mutation::none;
  bool clocks_jump = false; ///< then nobody can have a lease
  uint64_t next_value = 1;
  uint64_t snapshots_installed = 0;
};

/// A node with one replica of a log: the shortest driver of `replicated_log` that keeps to its contract.
class log_node {
public:
  log_node(world& all, network& net, member_id id, std::vector<log_member> initial_members);

  void start();
  void crash();
  void deliver(const std::string& bytes);
  void propose();
  void check_lease() const;
  void reach(member_id id, bool in_reach);
  void wake(); ///< before it is asked for something

  bool is_up() const { return log_ != nullptr; }
  bool leads() const { return is_up() && log_->leads(); }
  bool sleeps() const { return is_up() && log_->sleeps(); }
  /// A lone voter that just started: after a crash now it would begin the same term again, which nobody has heard of.
  bool begins() const { return leads() && hard_states_on_their_way_ > 0; }
  uint64_t life() const { return life_; } ///< how often it crashed
  member_id id() const { return options_.id; }
  const applied_state& state() const { return state_; }
  replicated_log& log() { return *log_; }
  void drive(log_update update);
  void jump_clock(milliseconds by);
  void set_clock_rate(int percent) { clock_.set_rate(percent, world_.time.now()); }

private:
  struct pending {
    uint64_t term = 0;
    uint64_t value = 0;
  };

  milliseconds local_time() const { return clock_.read(world_.time.now()); }
  void store(log_update& update);
  void send(std::vector<log_message> messages);
  void hard_state_durable();
  void install(const log_snapshot& snapshot);
  void apply(uint64_t commit_index);
  void acknowledge(const log_append& x);
  void flush_or_snapshot();
  void ship(member_id to);
  void take_shipped(const std::string& bytes);
  void plan_tick();
  std::vector<log_append> read_entries(uint64_t first, uint64_t last, size_t max_bytes) const;

  world& world_;
  network& net_;
  raft_log_options options_;
  node_clock clock_;
  disk<log_disk> disk_;

  // Gone in a crash.
  std::unique_ptr<raft_log> log_;
  applied_state state_;
  std::map<uint64_t, log_append> unapplied_;
  std::map<uint64_t, pending> pending_;
  unsigned hard_states_on_their_way_ = 0;
  std::vector<std::pair<unsigned, log_message>> held_; ///< messages, each with the hard states that it waits for
  std::optional<applied_state> received_;              ///< the state of the snapshot that is being installed
  uint64_t snapshot_index_ = 0;
  bool snapshot_under_way_ = false;
  milliseconds next_tick_{0};
  uint64_t life_ = 0;
};

} // namespace overwatch::simulation
