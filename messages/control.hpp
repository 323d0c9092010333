#pragma once

#include "messages/error_code.hpp"
#include "messages/inspect_std.hpp"
#include "messages/requests.hpp"
#include "messages/task.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

/// What clients may do to one task beside cancelling it, its rollback snapshot, and the resources of nodes.
namespace overwatch {

/// Changes an unfinished task; fields that are not set stay. A running attempt goes on with what it was started
/// with, but for the deadline. `conflict` when it has ended.
struct patch_request {
  task_id id;
  std::optional<priority> importance;
  std::optional<std::optional<timestamp>> scheduled_at; ///< none inside: now; refused once it has started
  std::optional<std::optional<timestamp>> deadline;     ///< none inside: no deadline
  std::optional<std::vector<std::string>> tags;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, patch_request& x) {
  return f(x.id, x.importance, x.scheduled_at, x.deadline, x.tags);
}

/// Undoes a completed task whose snapshot is kept. Answers with the task once that is done. `conflict` when there is
/// nothing to undo, or when it overlaps with what runs.
struct rollback_request {
  task_id id;
  std::string by;
  std::string reason;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, rollback_request& x) { return f(x.id, x.by, x.reason); }

enum class snapshot_entry_kind : uint8_t { absent, file, directory, link, special };
inline constexpr std::array<std::string_view, 5> snapshot_entry_kind_names{"absent", "file", "directory", "link",
                                                                           "special"};
inline std::string_view name_of(snapshot_entry_kind x) { return snapshot_entry_kind_names[static_cast<size_t>(x)]; }

struct snapshot_entry {
  std::string path;
  snapshot_entry_kind kind = snapshot_entry_kind::file;
  uint64_t bytes = 0;
  uint32_t mode = 0; ///< permission bits
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, snapshot_entry& x) { return f(x.path, x.kind, x.bytes, x.mode); }

struct captured_key {
  std::string key;
  uint64_t version = 0;
  uint64_t bytes = 0;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, captured_key& x) { return f(x.key, x.version, x.bytes); }

/// What was captured before the newest attempt of a task.
struct snapshot_record {
  task_id id;
  uint32_t attempt = 0;
  bool stored = false;           ///< false: none is kept (any more)
  std::optional<timestamp> kept_until;
  uint64_t entries = 0;          ///< of files
  uint64_t bytes = 0;
  std::vector<snapshot_entry> files; ///< at most `max_snapshot_entries`
  std::vector<captured_key> keys;    ///< likewise
  bool truncated = false;
  bool handler_state = false;    ///< the handler's own hook captured something
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, snapshot_record& x) {
  return f(x.id, x.attempt, x.stored, x.kept_until, x.entries, x.bytes, x.files, x.keys, x.truncated, x.handler_state);
}

inline constexpr size_t max_snapshot_entries = 10'000;

struct get_snapshot_request {
  task_id id;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, get_snapshot_request& x) { return f(x.id); }

/// What a node has for tasks that ask for resources, and how much of it they hold.
struct node_resources {
  std::string node;
  double cpus = 0;            ///< cores that the node may use, with the limits of its control groups; may be fractional
  uint64_t memory_mb = 0;     ///< MiB, likewise
  double cpu_held = 0;        ///< sum of the shares of running attempts, 0 to 1
  uint64_t memory_mb_held = 0;
  double io_held = 0;
  std::optional<task_id> reserved_for; ///< a task that waited too long: nothing else takes resources before it
  std::map<std::string, std::string> labels{};
  uint32_t running = 0;                ///< attempts that it starts and runs
  bool present = true;                 ///< false: it is away
  bool draining = false;               ///< nothing starts there
  std::optional<timestamp> drain_until{}; ///< when what still runs there goes back to the queue; none: never
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_resources& x) {
  return f(x.node, x.cpus, x.memory_mb, x.cpu_held, x.memory_mb_held, x.io_held, x.reserved_for, x.labels, x.running,
           x.present, x.draining, x.drain_until);
}

struct resources_request {};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, resources_request&) { return f(); }

struct resources_reply {
  std::vector<node_resources> nodes;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, resources_reply& x) { return f(x.nodes); }

} // namespace overwatch
