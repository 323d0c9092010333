#pragma once

#include "messages/error_code.hpp"
#include "messages/task.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch {

/// What stood at a path when it was captured. A socket is noted, but neither kept nor restored.
enum class captured_kind : uint8_t { absent, file, directory, symlink, fifo, device, socket };

inline constexpr std::array<std::string_view, 7> captured_kind_names{"absent", "file",   "directory", "symlink",
                                                                     "fifo",   "device", "socket"};
inline std::string_view name_of(captured_kind x) { return captured_kind_names[static_cast<size_t>(x)]; }

struct captured_entry {
  std::string path; ///< absolute
  captured_kind kind = captured_kind::absent;
  uint64_t size = 0; ///< of a file's content, in bytes
  uint32_t mode = 0; ///< permission bits
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, captured_entry& x) {
  return f(x.path, x.kind, x.size, x.mode);
}

/// Asked between two entries and between two blocks of a long file; true ends the operation with a failure.
using stop_check = std::function<bool()>;

struct capture_scope {
  std::vector<std::string> paths;        ///< absolute; files, whole trees, links, or nothing yet
  std::optional<std::string> hook_state; ///< kept with the capture, returned by `restore`
};

struct capture_result {
  failure error;
  bool retryable = false; ///< of an error: it may go away by itself
  uint64_t entries = 0;
  uint64_t bytes = 0;
  std::vector<std::string> notes; ///< what was left out, in sentences; at most 100
};

/// What a restore did to how many entries.
struct restore_counts {
  uint64_t unchanged = 0;
  uint64_t rewritten = 0; ///< content, kind, link or metadata put back
  uint64_t removed = 0;   ///< had appeared
  uint64_t recreated = 0; ///< had vanished
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, restore_counts& x) {
  return f(x.unchanged, x.rewritten, x.removed, x.recreated);
}

struct restore_result {
  failure error;
  bool found = false;
  restore_counts counts;
  std::optional<std::string> hook_state;
};

struct snapshot_description {
  failure error; ///< `not_found` when there is no such snapshot
  std::vector<captured_entry> entries;
  bool truncated = false; ///< there are more entries than were asked for
  uint64_t total_entries = 0;
  uint64_t total_bytes = 0;
  std::vector<std::string> notes;
  timestamp captured_at;
  bool hook_state = false; ///< the handler's hook has captured something too
};

struct stored_snapshot {
  std::string name;
  std::optional<timestamp> keep_until;
};

/// Captured files and trees on this node, each under a name of [a-z0-9-]. Thread-safe; two operations on one name at a
/// time are the caller's mistake. All of it blocks: to be called on threads of its own. Nothing throws.
class file_snapshots {
public:
  virtual ~file_snapshots() = default;

  /// Captures what stands at the paths now. Durable when it returns; an incomplete one leaves nothing that counts.
  /// A capture that exists under the name already is left as it is, and answered.
  virtual capture_result capture(const std::string& name, const capture_scope& scope, const stop_check& stop) = 0;

  /// Makes the paths what they were: again and again with the same end, also after a crash in the middle.
  virtual restore_result restore(const std::string& name, const stop_check& stop) = 0;

  /// Forgets a capture; one that is not there is no error.
  virtual failure drop(const std::string& name) = 0;

  /// Remembers durably until when a capture is kept.
  virtual failure keep(const std::string& name, timestamp until) = 0;

  virtual snapshot_description describe(const std::string& name, size_t max_entries) = 0;

  /// The complete captures whose names begin with `prefix`, by name.
  virtual std::vector<stored_snapshot> list(const std::string& prefix) = 0;

  /// Removes what crashes have left: parts of captures and of drops.
  virtual failure remove_leftovers() = 0;
};

/// What a handler adds to the snapshots of its tasks, for what is neither key nor file. Both are called on a thread of
/// their own; an exception becomes a failure of the capture or the restore.
struct snapshot_hooks {
  /// Called before the files are captured; what it returns is kept with them. May be empty.
  std::function<std::string(const task_spec&, const std::string& payload)> snapshot;

  /// Called after the files were restored, maybe several times with the same `state`.
  std::function<void(const task_spec&, const std::string& payload, const std::string& state)> restore;
};

} // namespace overwatch
