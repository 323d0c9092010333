#pragma once

#include "actors/founding.hpp"
#include "actors/link.hpp"
#include "actors/peer_rules.hpp"

#include <map>
#include <random>
#include <set>

namespace overwatch {

struct membership_options {
  std::string node;     ///< the own name
  std::string address;  ///< under which peers reach it: host:port
  std::string version;  ///< of the program
  std::string instance; ///< changes with every start
  node_identity identity;
  uint32_t partitions = 1; ///< of the cluster, if this node founds it
  std::vector<node_address> nodes; ///< `cluster.nodes`; empty: this node is alone until nodes are added
  uint64_t seed = 1;       ///< of the cluster id, sessions and jitter
  milliseconds dial_timeout{10'000};
  milliseconds hello_timeout{3'000};
  link_options link;
  std::function<timestamp()> clock = now;
};

/// Keeps one link per peer, dials, judges hellos and tells subscribers who is up. The peers are those that the configuration
/// or the replicated state names, and those that such a peer names in its hello. What was only heard is not passed on: a
/// name that nobody's configuration has any more does not live on among nodes. Decides once in the life of a data directory
/// which cluster that is in. Talks to other nodes; ends with the node's components, and its links with it.
class membership_state {
public:
  static inline const char* name = "membership";
  using pointer = membership_actor::stateful_pointer<membership_state>;

  /// `keeper` is used by a node that is in no cluster yet, and may be none for others.
  void set_up(pointer self, membership_options options, connector_actor connector, identity_keeper_actor keeper,
              identity_listener listener);

  void start();
  caf::result<hello> greeted(hello& x);
  caf::result<hello> news(hello& x);
  void subscribe(const caf::strong_actor_ptr& listener);
  void change_components(local_components x);
  void change_roster(const node_roster& x);
  void link_changed(const link_report& x);
  void measured(const link_stats& x);
  void settle(); ///< decides which cluster, unless that is settled
  void dial(const std::string& node, uint64_t number);
  peers_reply status() const;

private:
  static constexpr size_t max_refusals = 1'000; ///< more are answered, and not logged

  /// Who says that a node belongs, and where it is. What stands later counts more.
  enum class source : uint8_t { none, peers, state, configuration };

  struct peer {
    std::string address;
    source known_by = source::none; ///< none: it said hello by itself
    link_actor link;
    hello theirs;            ///< of the session, or of the last one
    uint64_t session = 0;    ///< 0: none
    uint64_t told = 0;       ///< the revision of ours that it knows
    bool up = false;
    uint32_t failures = 0;   ///< dials in a row that led to nothing
    uint64_t dial_number = 0;
    bool greeting = false;   ///< a hello to it is not answered yet
    timestamp since;
    std::string problem;
    link_stats stats;
  };

  void add_peer(const node_address& entry, source by);
  void learn(const hello& theirs);
  std::vector<node_address> roster() const;
  peer& peer_named(const std::string& node);
  peer* dialled(const std::string& node, uint64_t number);
  void schedule_dial(const std::string& node, milliseconds delay);
  void greet(const std::string& node, uint64_t number, const caf::strong_actor_ptr& there);
  void answered(const std::string& node, uint64_t number, uint64_t session, hello& theirs);
  void dial_failed(const std::string& node, uint64_t number, const failure& why);
  std::string judge(const hello& theirs) const;
  void begin_session(peer& x, hello theirs, uint64_t session);
  void end_session(const std::string& node, const std::string& reason);
  void session_ended(const std::string& node, const std::string& reason);
  void tell_news(const std::string& node);
  void take_news(peer& x, hello theirs);
  void report(const peer& x);
  peer_report report_of(const peer& x) const;
  hello own_hello(const peer& x, uint64_t session) const;
  void keep(const node_identity& next);
  void settled(const node_identity& x);
  void wait_for(const std::string& reason);

  pointer self_ = nullptr;
  membership_options options_;
  connector_actor connector_;
  identity_keeper_actor keeper_;
  identity_listener listener_;
  std::mt19937_64 random_;
  node_identity identity_;
  bool keeping_ = false; ///< a new identity is being stored
  std::string waiting_for_;
  local_components components_;
  uint64_t revision_ = 0; ///< of what a hello says of this node
  std::map<std::string, peer> peers_; ///< by name
  std::vector<peer_listener> subscribers_;
  std::set<std::string> told_to_go_; ///< names
  std::map<partition_id, std::vector<std::string>> members_; ///< of the groups here, by name
  std::set<std::string> removed_; ///< names that are refused: who was told to go and is in no group any more
  std::set<std::string> refusals_; ///< that were logged; at most `max_refusals`
};

membership_actor::behavior_type membership(membership_state::pointer self, membership_options options,
                                           connector_actor connector, identity_keeper_actor keeper,
                                           identity_listener listener);

} // namespace overwatch
