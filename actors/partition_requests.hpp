#pragma once

#include "messages/inspect_std.hpp"
#include "messages/worker.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

/// What the partitions of a cluster ask of one another, through the routers of their nodes: the control partition has
/// its documents and settings mirrored into the others, and a partition asks what became of parents in another one.
namespace overwatch {

// -- the mirror ----------------------------------------------------------------

/// A position of the control partition's log that a mirror shows. Of one log the position alone would do; the epoch
/// tells the logs before and after a restored backup apart.
struct mirror_mark {
  uint64_t epoch = 0; ///< of the newest leadership at `position`
  uint64_t position = 0;
};
inline bool operator<(const mirror_mark& x, const mirror_mark& y) {
  return std::tie(x.epoch, x.position) < std::tie(y.epoch, y.position);
}
inline bool operator==(const mirror_mark& x, const mirror_mark& y) {
  return x.epoch == y.epoch && x.position == y.position;
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, mirror_mark& x) {
  return f(x.epoch, x.position);
}

enum class mirrored_kind : uint8_t { gate, node, setting };

struct mirrored_value {
  mirrored_kind kind = mirrored_kind::gate;
  std::string name;
  std::optional<std::string> value; ///< none: removed. Of a gate only what it is and whether it is open
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, mirrored_value& x) {
  return f(x.kind, x.name, x.value);
}

/// All that the others mirror.
struct control_state {
  mirror_mark mark;
  std::vector<mirrored_value> values;
};

/// In the log of another partition: what the control partition says. Ignored there when it is not newer than what that
/// partition has, so that what an earlier leader said does no harm when it comes late.
struct mirror_command {
  mirror_mark mark;
  std::optional<uint64_t> since; ///< `values` are those that changed behind this position; none: they are all there are
  std::vector<mirrored_value> values;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, mirror_command& x) {
  return f(x.mark, x.since, x.values);
}

struct mirror_request {
  partition_id partition = 0;
  mirror_command news;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, mirror_request& x) {
  return f(x.partition, x.news);
}

/// The partition has it, and durably.
struct mirror_reply {
  bool complete = true; ///< false: it does not have what was before `since`; it has to be told all
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, mirror_reply& x) {
  return f(x.complete);
}

// -- parents in other partitions -----------------------------------------------

inline constexpr size_t max_statuses = 1'000;                  ///< ids in one `statuses_request`
inline constexpr size_t max_statuses_bytes = 2 * 1024 * 1024;  ///< of results in its answer, but for the last one

/// Asks the partition what became of these tasks of its.
struct statuses_request {
  partition_id partition = 0;
  std::vector<task_id> ids;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, statuses_request& x) {
  return f(x.partition, x.ids);
}

/// What is in neither list is not finished, or found no room in this answer: it is asked for again.
struct statuses_reply {
  std::vector<parent_result> ended;
  std::vector<task_id> missing; ///< there are no such tasks
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, statuses_reply& x) {
  return f(x.ended, x.missing);
}

/// In the log: what the partitions of these tasks have answered. Settles the tasks here that wait for them.
struct parents_ended_command {
  std::vector<parent_result> ended;
  std::vector<task_id> missing;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, parents_ended_command& x) {
  return f(x.ended, x.missing);
}

} // namespace overwatch
