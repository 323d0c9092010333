#pragma once

#include "actors/membership.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include <set>

namespace overwatch::test {

/// The memberships of several nodes in one actor system on virtual time. All that one says to another passes a
/// forwarder, which a test can cut, each direction by itself.
class played_network : public ::testing::Test {
public:
  struct node {
    membership_options options;
    std::unique_ptr<memory_store> db = std::make_unique<memory_store>();
    membership_actor handle;
    caf::actor listener;
    caf::actor replica;
    std::vector<caf::actor> spawned;
    std::vector<identity_report> identities;
    std::vector<peer_report> reports;
    std::vector<log_delivery> delivered; ///< what its replica got
    uint32_t starts = 0;

    const node_identity& identity() const { return identities.back().identity; }
    /// The newest report of a peer; nullptr: none.
    const peer_report* last_report(const std::string& peer) const;
  };

  played_network();
  ~played_network() override;

  /// A node with an empty disk; `nodes` is its `cluster.nodes`.
  node& add(const std::string& name, const std::vector<std::string>& nodes);
  void start(const std::string& name);
  void kill(const std::string& name); ///< as kill -9: its peers get a DOWN
  void wipe(const std::string& name); ///< a new disk
  void cut(const std::string& from, const std::string& to) { cuts_.emplace(from, to); }
  void heal() { cuts_.clear(); }
  bool is_cut(const std::string& from, const std::string& to) const { return cuts_.count({from, to}) > 0; }

  void settle();
  void advance(milliseconds duration); ///< in small steps, so that timers that start timers are seen
  timestamp time() const;

  node& at(const std::string& name) { return *nodes_.at(name); }
  bool sees(const std::string& name, const std::string& peer) const; ///< up, by the newest report
  peers_reply status(const std::string& name);
  peer_status peer(const std::string& name, const std::string& other);
  void send_log(const std::string& from, const std::string& to, const std::string& bytes);

  /// A forwarder of what `from` says to `target`, which is the node `to`.
  caf::strong_actor_ptr forward(const std::string& from, const std::string& to, const caf::strong_actor_ptr& target);
  std::string owner(const caf::strong_actor_ptr& membership) const;

  std::map<std::string, uint32_t> dials; ///< by "from to"

protected:
  struct config : caf::actor_system_config {
    config();
  };
  config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& coordinator_;
  caf::scoped_actor self_{system_, true};
  std::map<std::string, std::unique_ptr<node>> nodes_;
  std::set<std::pair<std::string, std::string>> cuts_;
  std::vector<caf::actor> forwarders_;
};

} // namespace overwatch::test
