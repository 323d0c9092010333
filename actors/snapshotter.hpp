#pragma once

#include "actors/file_snapshots.hpp"
#include "actors/wire.hpp"
#include "messages/requests.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <deque>
#include <map>
#include <memory>

namespace overwatch {

// -- messages: those that may come from another node are in `actors/execution.hpp` ---

/// Captures files before an attempt. The snapshot is named after task and attempt; older ones of the task are
/// dropped once it is complete. Sent again for the same attempt, it finds what is there.
struct capture_request {
  task_id id;
  uint32_t attempt = 0;
  std::vector<std::string> files;
  submission task; ///< for the hooks of its type
};

struct capture_reply {
  failure error;
  bool retryable = false; ///< of an error: another attempt may succeed
  uint64_t entries = 0;
  uint64_t bytes = 0;
};

/// Tells the capture of a task to stop: it is answered with a failure. Does nothing to a restore.
struct stop_capture {
  task_id id;
};

/// Captures and restores the files of rollback scopes on this node.
using snapshotter_actor = caf::typed_actor<
  caf::replies_to<capture_request>::with<capture_reply>,
  caf::reacts_to<stop_capture>,
  caf::replies_to<restore_request>::with<restore_reply>,
  caf::reacts_to<release_snapshot>,
  caf::replies_to<describe_snapshot>::with<snapshot_files>,
  // For the garbage collection of a new leader.
  caf::replies_to<stored_snapshots_request>::with<stored_snapshots>,
  // Internal: drop captures that were kept for long enough.
  caf::reacts_to<caf::tick_atom>>;

// -- the actor -----------------------------------------------------------------

struct snapshotter_options {
  size_t max_copying = 2;             ///< captures and restores at once; each has a thread
  size_t max_waiting = 10'000;        ///< operations in the queue; more are refused
  size_t max_shown = 10'000;          ///< entries in a description
  milliseconds time_limit{3'600'000}; ///< of one operation, from its start
  milliseconds expiry_interval{60'000};
  std::map<std::string, snapshot_hooks> hooks; ///< by task type
  bool detached = true;               ///< false: operations run on the scheduler's threads (for tests)
  std::function<timestamp()> clock = now;
};

/// An operation of the snapshotter, and what came of it. Runs on a thread of its own.
struct snapshot_operation {
  std::function<void()> run;                  ///< blocks
  std::function<void()> reply;                ///< on the snapshotter, after `run`; may be empty
  std::function<void(const failure&)> refuse; ///< instead, when `run` was not begun or did not come back; likewise
};

/// Coordinates the operations and blocks nowhere: captures and restores run on a few threads, what is short (release,
/// describe, list) on one more; two operations on one task never run at the same time.
///
/// Owns its copying actors. One that does not come back in time keeps its thread, but loses its place: it is told to
/// stop, which it does before it touches the next entry.
class snapshotter_state {
public:
  static inline const char* name = "snapshotter";
  using pointer = snapshotter_actor::stateful_pointer<snapshotter_state>;

  /// Tells what runs to stop: a restore will be asked for again, an incomplete capture is garbage.
  ~snapshotter_state();

  void set_up(pointer self, std::shared_ptr<file_snapshots> files, snapshotter_options options);

  // One method per message; see `snapshotter_actor`.
  caf::result<capture_reply> capture(const capture_request& x);
  void stop(const stop_capture& x);
  caf::result<restore_reply> restore(const restore_request& x);
  void release(const release_snapshot& x);
  caf::result<snapshot_files> describe_files(const describe_snapshot& x);
  caf::result<stored_snapshots> list();
  void tick();

private:
  enum class lane : uint8_t { copying, brief };

  struct entry {
    lane where = lane::copying;
    bool is_capture = false;
    task_id id; // nil: of no task
    std::shared_ptr<std::atomic<bool>> stop;
    std::shared_ptr<snapshot_operation> what;
  };

  template <class Reply, class Run>
  caf::result<Reply> ask(lane where, bool is_capture, const task_id& id, Run run);
  void add(entry&& x);
  void start_waiting();
  void start(entry&& x);
  void finish(uint64_t number, const failure& late);

  pointer self_ = nullptr;
  std::shared_ptr<file_snapshots> files_;
  std::shared_ptr<const snapshotter_options> options_;
  std::deque<entry> waiting_;
  std::map<uint64_t, entry> running_;
  uint64_t next_number_ = 1;
};

snapshotter_actor::behavior_type snapshotter(snapshotter_state::pointer self, std::shared_ptr<file_snapshots> files,
                                             snapshotter_options options);

} // namespace overwatch

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::capture_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::capture_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::stop_capture)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<overwatch::snapshot_operation>)
