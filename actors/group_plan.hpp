#pragma once

#include "actors/replicated_log.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace overwatch {

/// The address of a member in the log: its node's name, a space, host and port.
std::string member_address(const std::string& node, const std::string& address);
std::string node_of(const log_member& x);
std::string address_of(const log_member& x);

/// What the leader of a group knows when it looks after its members.
struct group_view {
  member_id self = 0;
  log_configuration configuration;
  std::vector<log_member_status> members;
  uint64_t commit_index = 0;
  log_time now{0};
  struct node {
    std::string name;
    std::string address;
    member_id member = 0;
    bool up = false;
  };
  std::vector<node> nodes;       ///< the peers that are known
  std::set<std::string> removed; ///< names that may not be members
};

struct group_change {
  enum class kind : uint8_t { add, promote, remove, transfer };
  kind what = kind::add;
  log_member member;
};

/// A learner becomes a voter when it lacks at most so many committed entries, and was heard lately.
inline constexpr uint64_t promotion_lag = 1'000;
inline constexpr log_time heard_lately{2'000};

/// The next thing to do so that the members are the nodes that belong to the cluster, or nothing. A member of a name
/// that another, living node has now is a disk that was lost: its successor catches up as a learner first, then the
/// old one goes, then the new one votes.
std::optional<group_change> next_group_change(const group_view& x);

} // namespace overwatch
