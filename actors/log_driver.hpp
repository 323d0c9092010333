#pragma once

#include "actors/log_setup.hpp"
#include "actors/state_interfaces.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>

namespace overwatch {

/// An entry that is committed, in the order of the log.
struct committed_entry {
  uint64_t index = 0;
  entry_kind kind = entry_kind::command;
  uint64_t proposal = 0; ///< the number under which it was proposed here; 0: elsewhere, or by the driver's owner
  command_batch batch;   ///< of a command
};

/// What a driver asks of its owner. Called in the order in which things happen.
struct log_driver_hooks {
  std::function<void(journal_write)> write; ///< answered with `written`
  std::function<void(committed_entry&)> apply;
  std::function<void(log_message&&)> send;
  std::function<void(member_id)> send_snapshot; ///< told again at every heartbeat while it is needed
  std::function<void()> install;           ///< see `log_driver::install_batch`
  std::function<void()> leadership_gained; ///< propose something
  std::function<void()> leadership_lost;   ///< what was proposed and not applied has an unknown outcome
  std::function<void()> group_changed;     ///< the leader that is known, or the committed members
};

/// The entries of a partition in the store, for `log_setup`. `db` must outlive the result.
std::function<std::vector<log_append>(uint64_t, uint64_t, size_t)> make_entry_reader(const store_reader& db,
                                                                                    partition_id partition);

/// Carries out what a replicated log asks for: stores, sends, applies, in the order that its contract demands (see
/// `replicated_log.hpp`). Plain calls on one thread; time and I/O are its owner's.
class log_driver {
public:
  log_driver(partition_id partition, std::unique_ptr<replicated_log> log, log_driver_hooks hooks);

  /// Continues from the store, whose state stands at `applied`.
  void start(const store_reader& db, uint64_t applied, log_time now);

  /// False when this replica cannot take proposals now; then `batch` is as it was.
  bool propose(uint64_t number, command_batch& batch);

  /// The write with this `journal_write::log_write` is durable.
  void written(uint64_t log_write);

  void tick(log_time now) { carry_out(log_->tick(now)); }
  void wake(log_time now) { carry_out(log_->wake(now)); }
  void reach(log_time now, member_id id, bool in_reach) { carry_out(log_->reach(now, id, in_reach)); }
  void receive(log_time now, std::string_view message) { carry_out(log_->receive(now, message)); }

  /// The state is durable up to `index`: entries below `first_kept` may go.
  void checkpointed(uint64_t index, uint64_t first_kept);

  log_answer add_member(const log_member& x);
  log_answer promote_member(member_id id);
  log_answer remove_member(member_id id);
  log_answer transfer(member_id to);

  // -- another member's state instead of the own one -----------------------------

  /// It is here and verified. True: it is needed, the driver applies nothing any more, and `hooks.install` will be
  /// called once the store holds all that was on its way.
  bool receive_snapshot(log_time now, std::string_view offer);

  /// What has to be written in one durable batch with the received state. Nothing else of this partition may be.
  write_batch install_batch() const;

  /// That is durable.
  void installed();

  bool installs() const { return installing_.has_value(); }

  const replicated_log& log() const { return *log_; }
  uint64_t bytes_since_checkpoint() const { return bytes_; }
  void checkpoint_asked_for() { bytes_ = 0; }

private:
  struct entry {
    entry_kind kind = entry_kind::command;
    uint64_t proposal = 0;
    std::optional<command_batch> batch; // of own proposals; others are decoded when they are applied
    std::string bytes;
  };
  struct write_on_its_way {
    uint64_t number = 0;
    uint64_t last_append = 0; // 0: none
    bool holds_back = false;  // a hard state is in it: messages wait for it
    std::vector<log_message> messages;
  };

  void carry_out(log_update update);
  void store(log_update& update);
  void send(std::vector<log_message> messages);
  void apply(uint64_t commit_index);
  void install_when_written();
  log_answer change_members(const std::function<log_answer(log_update&)>& change);

  partition_id partition_;
  std::unique_ptr<replicated_log> log_;
  log_driver_hooks hooks_;
  std::map<uint64_t, entry> unapplied_; // appended, not yet applied
  std::deque<write_on_its_way> writes_;
  uint64_t newest_write_ = 0;
  uint64_t applied_ = 0;
  uint64_t first_index_ = 1; // of the entries that are kept
  uint64_t bytes_ = 0;
  std::optional<log_snapshot> installing_;
};

} // namespace overwatch
