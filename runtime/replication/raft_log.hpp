#pragma once

#include "actors/replicated_log.hpp"
#include "runtime/replication/configuration_history.hpp"
#include "runtime/replication/entry_terms.hpp"
#include "runtime/replication/raft_message.hpp"
#include "runtime/replication/recent_entries.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace overwatch {

struct raft_log_options {
  member_id id = 1; ///< this node
  /// Of a log that begins on empty nodes: the same on all of them, voters only. Empty: this node waits to be added.
  /// Without meaning where something is stored.
  std::vector<log_member> initial_members;
  log_time election_timeout{1000}; ///< a follower that hears nothing waits this long, up to twice as long
  log_time heartbeat{100};
  log_time quiet_after{2000};                         ///< a group in which nothing happens falls asleep
  log_time snapshot_timeout{60'000};                  ///< then a snapshot is asked for anew
  unsigned seed = 1;                                  ///< of the election timeouts; different on every node
  unsigned max_inflight = 256;                        ///< entries on their way to one member
  size_t max_uncommitted = 65'536;                    ///< own entries; then proposals are refused
  size_t max_uncommitted_bytes = 256ULL << 20;        ///< likewise
  size_t recent_bytes = 8ULL << 20;                   ///< of entries kept in memory for members
  size_t max_append_bytes = 1ULL << 20;               ///< of entries in one message; one entry is sent however large
  size_t max_append_burst = 16ULL << 20;              ///< to one member in one step; the rest is sent on its answer
  /// Entries from the store: `first` to `last` or the beginning of that, as many as fit `max_bytes`, but one at least.
  /// Asked only for entries that are durable here. What it does not find is sent later.
  std::function<std::vector<log_append>(uint64_t first, uint64_t last, size_t max_bytes)> read_entries;
};

/// The log of a partition whose replicas agree by Raft. The algorithm is C-Raft's, stepped through `raft_core.h`; what
/// is around it is ours: entries, messages, snapshots' positions, the lease, and what that library gets wrong
/// (README.md of this folder).
class raft_log : public replicated_log {
public:
  explicit raft_log(raft_log_options options);
  ~raft_log() override;

  log_update start(log_time now, const log_start& stored) override;
  log_update tick(log_time now) override;
  log_update receive(log_time now, std::string_view message) override;
  std::optional<uint64_t> propose(std::string bytes, log_update& update) override;
  log_update persisted(uint64_t index) override;

  log_update snapshot_taken(uint64_t index, uint64_t first_kept) override;
  std::optional<std::string> snapshot_offer(member_id to, uint64_t index) const override;
  log_update receive_snapshot(log_time now, std::string_view offer) override;
  log_update snapshot_installed() override;

  log_update reach(log_time now, member_id id, bool in_reach) override;
  log_update wake(log_time now) override;
  bool sleeps() const override { return asleep_since_.has_value(); }

  log_answer add_member(const log_member& x, log_update& update) override;
  log_answer promote_member(member_id id, log_update& update) override;
  log_answer remove_member(member_id id, log_update& update) override;
  log_answer transfer(member_id to, log_update& update) override;

  log_time next_timeout() const override;
  uint64_t term() const override;
  bool leads() const override;
  member_id leader() const override;
  uint64_t commit_index() const override { return reported_; }
  uint64_t last_index() const override { return terms_.last(); }
  uint64_t term_at(uint64_t index) const override { return terms_.at(index); }
  log_configuration configuration() const override { return history_.newest(); }
  std::vector<log_member_status> members() const override;
  bool has_lease(log_time now) const override;

private:
  struct role {
    bool leads = false;
    uint64_t term = 0;
    member_id leader = 0;
  };
  struct unreported { // an append that the driver makes durable
    uint64_t last = 0;
    uint64_t term = 0;
  };
  struct uncommitted { // a proposal of this leadership
    uint64_t index = 0;
    size_t bytes = 0;
  };
  struct contact { // what a leader knows of a member
    log_time heard{0};
    log_time promised{0}; ///< when it got an append, by our clock: until an election timeout later it elects nobody
  };

  struct question { // to a member: may all sleep?
    log_time at{0};
    bool agreed = false;
  };

  // start
  log_start complete(const log_start& stored, log_update& out) const;
  void restore(const log_start& stored);

  // every event
  role current_role() const;
  void advance(log_time now);
  uint64_t time() const { return static_cast<uint64_t>((now_ - slept_).count()); }
  void require(core_result result) const;
  void collect(const core_update& update, std::vector<log_append>* source, log_update& out);
  void take_entries(const core_update& update, std::vector<log_append>* source, log_update& out);
  void commit_configuration(uint64_t index, log_update& out);
  void settle(const role& before, size_t appended_before, log_update& out);
  void note_role(const role& before, log_update& out);

  // messages
  void receive_append(raft_envelope& x, log_update& out);
  void skip_committed(raft_envelope& x) const;
  bool receive_part(const raft_envelope& x, size_t first, size_t last, log_update& out);
  void send(const core_message& x, log_update& out);
  void send_append(const core_message& x, log_update& out);
  std::vector<log_append> entries_to_send(uint64_t first, uint64_t last) const;

  // sleep
  bool is_quiet() const;
  bool may_sleep() const;
  void ask_for_quiet(log_update& out);
  void ask_for_quiet(member_id id, log_update& out);
  void receive_quiet(const raft_envelope& x, log_update& out);
  void receive_agreement(const raft_envelope& x);
  bool disturbs(const raft_envelope& x) const;
  void fall_asleep();
  void wake_up(log_time passed, log_update& out);

  // members
  const log_member* find_member(member_id id) const;
  bool is_lone_voter() const;
  bool has_others() const;
  log_answer change_members(std::vector<log_member> members, log_update& out);
  std::optional<uint64_t> submit(log_append entry, log_update& out);

  raft_log_options options_;
  std::unique_ptr<raft_core, void (*)(raft_core*)> core_;
  log_time now_{0}; ///< never stands still: leases and promises count in it
  entry_terms terms_;
  recent_entries recent_;
  configuration_history history_;
  uint64_t snapshot_index_ = 0;
  uint64_t reported_ = 0; ///< the commit index that the driver knows
  std::optional<log_snapshot> installing_;
  std::deque<unreported> unreported_;
  std::deque<uncommitted> uncommitted_;
  size_t uncommitted_bytes_ = 0;

  log_time votes_from_{0}; ///< before it no vote is given: this node may have promised so before it restarted
  std::map<member_id, log_time> offered_; ///< since when it may take the current leadership, unless it answered later
  uint64_t disrupting_in_ = 0;  ///< the term for which a leader asked this node to take over
  std::map<member_id, contact> contacts_; ///< of the current leadership
  struct {
    member_id leader = 0;
    uint64_t term = 0;
    log_time sent_at{0};
  } heard_; ///< the newest append of a leader
  log_time heard_at_{0};

  std::set<member_id> in_reach_;
  log_time slept_{0};          ///< the library's clock is behind by it
  std::optional<log_time> asleep_since_;
  log_time busy_at_{0};        ///< something happened
  std::map<member_id, question> quiet_asked_; ///< of a leader that has sent nothing since
  log_time quiet_since_{0};    ///< of a follower that sleeps: when its leader asked, by the leader's clock
};

} // namespace overwatch
