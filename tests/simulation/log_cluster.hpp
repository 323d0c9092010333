#pragma once

#include "tests/simulation/log_node.hpp"

#include <map>
#include <memory>

namespace overwatch::simulation {

/// What a run did, to show that it did something.
struct run_report {
  uint64_t events = 0;
  uint64_t acknowledged = 0;
  uint64_t entries = 0;
  uint64_t terms = 0;
  uint64_t crashes = 0;
  uint64_t snapshots = 0; ///< installed
  uint64_t changes = 0;   ///< of members, accepted
  uint64_t messages = 0;
  uint64_t sleeps = 0;    ///< of a leader
};

std::string to_string(const run_report& x);

/// A cluster of nodes with one replicated log, in one thread. All that happens follows from the seed.
class log_cluster {
public:
  explicit log_cluster(uint64_t seed, mutation fault = mutation::none);

  /// Some seconds in which everything goes wrong, then some in which all heals. Throws `broken_rule`.
  run_report run();

private:
  log_node& add_node(std::vector<log_member> initial_members);
  log_node* leader();
  log_node& any_node();

  void something_happens();
  void fail_link();
  void crash_or_start();
  void disturb_clock();
  void change_members();
  void watch_links();
  void rest(milliseconds duration);
  void heal();
  bool has_converged();
  void converge();
  void pass_step();
  void sleep_and_lose_the_leader();
  bool all_sleep();
  std::string describe(); ///< all nodes, in a line each

  world world_;
  network network_;
  std::map<member_id, std::unique_ptr<log_node>> nodes_;
  member_id next_id_ = 1;

  struct link {
    uint64_t own_life = 0;
    uint64_t told = 0; ///< which life of the other one is known to be in reach; 0: none
  };
  std::map<std::pair<member_id, member_id>, link> links_; ///< as the first of the two sees them
  uint64_t notices_one_in_ = 5; ///< steps: each end of a link finds out by itself what becomes of it
  milliseconds resting_until_{0};                         ///< nobody proposes before
  std::set<member_id> asleep_;                            ///< leaders
  run_report report_;
};

} // namespace overwatch::simulation
