#pragma once

#include "tests/simulation/played_clients.hpp"

namespace overwatch::simulation {

/// What a run did, to show that it did something.
struct cluster_report {
  uint64_t nodes = 0;
  uint64_t steps = 0; ///< messages that actors got
  uint64_t frames = 0;
  uint64_t entries = 0;
  uint64_t tasks = 0;
  uint64_t attempts = 0;
  uint64_t crashes = 0;
  uint64_t cuts = 0;
  uint64_t answered = 0;
  uint64_t refused = 0;
  uint64_t current_reads = 0;
  uint64_t disk_faults = 0;
  uint64_t closed_gates = 0;
  uint64_t slots = 0;    ///< of schedules, that were accounted for
  uint64_t changes = 0;  ///< of members and leaders, asked for
  uint64_t lost_disks = 0;
  uint64_t sleeps = 0;   ///< of groups
  uint64_t digest = 0;   ///< of the history
};

std::string to_string(const cluster_report& x);

/// A cluster of whole nodes with clients, in one thread. All that happens follows from the seed.
class node_cluster {
public:
  explicit node_cluster(uint64_t seed, mutation fault = mutation::none);

  /// It forms, then everything goes wrong for a while, then all heals. Throws `broken_rule`.
  cluster_report run();

private:
  void make_nodes();
  void advance(); ///< one step
  void something_happens();
  void fail_network();
  void crash_or_start();
  void fail_disk();
  void disturb_clock();
  void change_members();
  void rest();
  void count_sleeps();
  void heal();
  bool is_formed() const;
  const replica_state* leading(partition_id partition) const;
  std::string unrest() const; ///< why it is not at rest; empty: it is
  std::string unrest_of(partition_id partition) const;
  void come_to_rest();
  void use_all_slots();
  void open_gates();
  std::vector<schedule_record> schedules() const;
  void look_at_schedules();
  void compare_states();
  void sleep_and_lose_a_leader();
  bool all_sleep() const;
  std::string describe() const;
  simulated_node& any_node();
  simulated_node* any_that_is_up();
  simulated_node* leader();

  simulated_node& add_node(const std::string& name, std::vector<std::string> known);
  bool may_lose_a_disk() const;
  void lose_disk();
  bool is_member(const std::string& node) const; ///< by what the control partition says

  node_world world_;
  played_clients clients_;
  std::map<std::string, std::unique_ptr<simulated_node>> nodes_;
  std::set<std::string> founders_; ///< `cluster.nodes`
  uint64_t heal_one_in_ = 200;
  milliseconds faulty_{0};
  milliseconds resting_until_{0}; ///< nobody asks for anything before
  milliseconds gates_opened_{0};     ///< the last time
  std::set<std::pair<std::string, partition_id>> asleep_; ///< leaders
  cluster_report report_;
};

} // namespace overwatch::simulation
