#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch {

/// Names a node for ever: a node that lost its disk comes back under a new id.
using member_id = uint64_t;

/// Time on the steady clock of one node. Only differences matter, and only between times of the same node.
using log_time = std::chrono::milliseconds;

/// What must be durable besides the entries.
struct log_hard_state {
  uint64_t term = 0;
  uint64_t vote = 0;
};

/// What an entry holds. The values are stored and sent: they do not change.
enum class entry_kind : uint8_t {
  command = 1,       ///< bytes of the one who proposed it
  barrier = 2,       ///< nothing: the begin of a leadership. Moves the applied position, changes no state
  configuration = 3, ///< the members from here on (`encode_members`). Moves the applied position as well
};

/// An entry of the log.
struct log_append {
  uint64_t index = 0;
  uint64_t term = 0;
  std::string bytes;
  entry_kind kind = entry_kind::command;
};

struct log_member {
  member_id id = 0;
  std::string address; ///< whatever its peers need to reach it; the log only carries it. At most `max_member_address`
  bool voter = false;  ///< otherwise a learner: it gets the log, and counts in no majority
};

/// The members, and the index of the entry that said so.
struct log_configuration {
  uint64_t index = 0;
  std::vector<log_member> members;
};

/// A position at which the state of the store stands for all entries up to it.
struct log_snapshot {
  uint64_t index = 0;
  uint64_t term = 0;
  log_configuration configuration; ///< as of `index`
};

inline constexpr size_t max_members = 64;
inline constexpr size_t max_member_address = 256;       ///< bytes
inline constexpr size_t max_entry_bytes = 32ULL << 20;  ///< a larger proposal ends the process
inline constexpr size_t max_message_bytes = 64ULL << 20; ///< a larger message is dropped, unread

/// What the store has.
struct log_start {
  log_hard_state hard_state;
  std::optional<log_snapshot> snapshot; ///< the newest that an update told to store
  /// All entries of the log, without a gap. Commands may come without their bytes. Those up to the snapshot may be
  /// there too; they let a member that is a little behind catch up without a snapshot.
  std::vector<log_append> entries;
  uint64_t applied = 0; ///< position of the state: what is applied was committed
};

struct log_message {
  member_id to = 0;
  std::string bytes;
};

/// What a step asks its driver to do. The order of the members is the order of the duties.
///
/// The driver makes everything of 1 to 4 durable with one synced batch per update, in the order of the updates. It may
/// go on stepping while batches are on their way. A storage error ends the process: nothing may be skipped.
struct log_update {
  /// 1. Store it. *No message of this or a later update leaves before it is durable.*
  std::optional<log_hard_state> hard_state;
  /// 2. Not 0: erase all entries from this index on. They were never committed; what was proposed there is lost.
  uint64_t cut_from = 0;
  /// 3. Store these behind what is left. Once they are durable call `persisted(append.back().index)`: exactly once
  ///    for every update that has some, in the order of the updates. Keep them until they are applied.
  std::vector<log_append> append;
  /// 4. Store it as the newest snapshot (`log_start::snapshot`), in one batch with the erasing of all entries below
  ///    `first_kept`. The state itself must be durable up to `snapshot->index` before.
  std::optional<log_snapshot> snapshot;
  uint64_t first_kept = 0;
  /// 5. Replace the state by the received one (see `receive_snapshot`): in one durable batch the state, the snapshot
  ///    record, and the erasing of *all* entries; then call `snapshot_installed`. Apply nothing meanwhile.
  std::optional<log_snapshot> install;
  /// 6. Send, each message once, in this order per member. May be lost, late or doubled on the way.
  std::vector<log_message> messages;
  /// 7. These members need a snapshot; told again at every heartbeat until they have one. Begin to ship one, unless
  ///    one is on its way already (see `snapshot_offer`).
  std::vector<member_id> send_snapshot;
  /// 8. Apply all entries up to it that are not applied yet, in order. 0: nothing new. Only here a proposal may be
  ///    acknowledged, and only if the entry at its index has the term in which it was proposed.
  uint64_t commit_index = 0;
  /// 9. The members of the newest configuration that is committed, when that is news.
  std::optional<log_configuration> configuration;
  /// 10. First the loss, then the gain: a leadership may end and begin anew in one step.
  bool lost_leadership = false; ///< what is proposed and not committed has an unknown outcome
  bool became_leader = false;   ///< propose something: until an entry of its own term is committed a leader can
                                ///< neither change members nor hold a lease
  bool leader_changed = false;  ///< `leader()` has a new answer
};

/// What becomes of a request to change the members.
enum class log_answer : uint8_t {
  accepted,       ///< under way. It happened when an update says so
  not_leader,     ///< ask `leader()`
  not_yet,        ///< another change is not committed, or this leader has not committed an entry of its term; try again
  bad_member,     ///< there is no such member, it is one already, or the log could not go on
  lags_behind,    ///< the member has to catch up first
  is_leader,      ///< it leads: transfer the leadership first
};

struct log_member_status {
  log_member member;
  uint64_t match_index = 0;             ///< entries up to it are durable there
  std::optional<log_time> last_contact; ///< an answer came
};

/// The seam to a replicated log: a step function without I/O, clock or threads. One per partition and node, driven by
/// its replica. Implementations are in `runtime/replication`.
///
/// A driver makes one, calls `start` once, and then any event in any order, from one thread. Every event returns (or
/// adds to) an update, which must be carried out before the next event's. Requests that add to an update the caller
/// gave leave it as it is when they are refused. An event that cannot be (a report of what was never asked for, a log
/// that contradicts itself) ends the process.
class replicated_log {
public:
  virtual ~replicated_log() = default;

  // -- events --------------------------------------------------------------------

  /// Continues from what is stored. What it says is committed may be applied already: skip that. A log whose only
  /// voter is this node leads when it returns.
  virtual log_update start(log_time now, const log_start& stored) = 0;

  /// Time passes. Call it when `next_timeout()` is reached; earlier or later does no harm.
  virtual log_update tick(log_time now) = 0;

  /// A message came from another member. Damaged, foreign or old ones change nothing.
  virtual log_update receive(log_time now, std::string_view message) = 0;

  /// Appends an entry; its index, or nothing: this replica does not lead (`leads()`), hands its leadership over, or
  /// has too much that is not committed.
  virtual std::optional<uint64_t> propose(std::string bytes, log_update& update) = 0;

  /// Everything up to the append that ends with `index` is durable: the oldest that was not reported yet.
  virtual log_update persisted(uint64_t index) = 0;

  // -- snapshots -----------------------------------------------------------------

  /// The state is durable up to `index`; entries below `first_kept` (at most index + 1) may go.
  /// The larger the distance, the further a member can fall behind and still catch up without a snapshot. The update
  /// has no `snapshot` when a newer one was received meanwhile.
  virtual log_update snapshot_taken(uint64_t index, uint64_t first_kept) = 0;

  /// For a driver that ships its state at the applied position `index` to a member: bytes to deliver with it. Nothing
  /// when this replica does not lead or `index` is not in the log any more: begin again.
  virtual std::optional<std::string> snapshot_offer(member_id to, uint64_t index) const = 0;

  /// The state of another member is here *completely and verified*, with the bytes of its `snapshot_offer`. When the
  /// update has `install`, it is needed: go on as described there. Otherwise throw it away.
  virtual log_update receive_snapshot(log_time now, std::string_view offer) = 0;

  /// What `install` asked for is durable.
  virtual log_update snapshot_installed() = 0;

  // -- sleep ---------------------------------------------------------------------

  /// The connection with a member works from now on, or does not any more. A group in which nothing happens falls
  /// asleep once it is known of all members that they are in reach: nobody sends or ticks, and instead of heartbeats
  /// each relies on its driver to tell when a connection fails, and when another process answers at its end. Members of
  /// which nothing is said are out of reach: their group does not sleep.
  virtual log_update reach(log_time now, member_id id, bool in_reach) = 0;

  /// Somebody is about to ask for something, or needs a lease: a log that sleeps wakes, and a leader asks the others at
  /// once. One that is awake stays so for a while.
  virtual log_update wake(log_time now) = 0;

  /// It has no timeout, refuses proposals and changes of members until it is woken, and soon has no lease any more.
  virtual bool sleeps() const = 0;

  // -- members -------------------------------------------------------------------

  /// Adds a learner: it gets the log from now on. `voter` is ignored; promote it when it has caught up.
  virtual log_answer add_member(const log_member& x, log_update& update) = 0;

  /// Makes a learner that has caught up a voter.
  virtual log_answer promote_member(member_id id, log_update& update) = 0;

  /// Removes a member: never the last voter, never the leader. Its id must not be used again.
  virtual log_answer remove_member(member_id id, log_update& update) = 0;

  /// Hands the leadership to a voter that has caught up. Proposals are refused until it is gone, or stays because
  /// the other did not take it within an election timeout.
  virtual log_answer transfer(member_id to, log_update& update) = 0;

  // -- what is -------------------------------------------------------------------

  virtual log_time next_timeout() const = 0; ///< `log_time::max()`: nothing is due
  virtual uint64_t term() const = 0;
  virtual bool leads() const = 0;
  virtual member_id leader() const = 0; ///< the one that is known; 0: none
  virtual uint64_t commit_index() const = 0;
  virtual uint64_t last_index() const = 0;

  /// The term of the entry at `index`, while that is in the log; otherwise 0.
  virtual uint64_t term_at(uint64_t index) const = 0;

  /// The members that count now, committed or not.
  virtual log_configuration configuration() const = 0;

  /// How far the others are, as the leader sees it; of a follower the members alone.
  virtual std::vector<log_member_status> members() const = 0;

  /// True while nobody else can have been elected: this replica leads, has committed an entry of its term, and a
  /// majority has promised to elect nobody until some time after `now`. What is applied up to `commit_index()` is
  /// current then. Holds as long as the clocks of the members run at most a quarter faster or slower than each other.
  virtual bool has_lease(log_time now) const = 0;
};

} // namespace overwatch
