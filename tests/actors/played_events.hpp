#pragma once

#include "actors/event_hub.hpp"
#include "tests/support/deterministic_node.hpp"

namespace overwatch::test {

inline task_change change_of(uint64_t n, change_kind kind, task_status status = task_status::queued) {
  auto spec = std::make_shared<task_spec>();
  spec->id = {n, 1};
  spec->name = "task";
  task_change x;
  x.kind = kind;
  x.spec = spec;
  x.state.status = status;
  return x;
}

inline std::shared_ptr<applied_entry> entry_of(partition_id partition, uint64_t index,
                                               std::vector<task_change> changes) {
  auto entry = std::make_shared<applied_entry>();
  entry->partition = partition;
  entry->index = index;
  entry->changes = std::move(changes);
  return entry;
}

/// Progress of a task, at a time.
inline event progress_of(const std::string& message, std::chrono::microseconds at = {}) {
  event x;
  x.kind = event_kind::task_progress;
  x.spec = change_of(1, change_kind::started).spec;
  x.message = message;
  x.time = timestamp{at};
  return x;
}

inline std::vector<uint64_t> indexes(const event_batch& batch) {
  std::vector<uint64_t> result;
  for (const auto& x : batch.events)
    result.push_back(x.cursor.index);
  return result;
}

inline std::vector<event_kind> kinds(const event_batch& batch) {
  std::vector<event_kind> result;
  for (const auto& x : batch.events)
    result.push_back(x.kind);
  return result;
}

inline std::vector<std::string> messages(const event_batch& batch) {
  std::vector<std::string> result;
  for (const auto& x : batch.events)
    result.push_back(x.message);
  return result;
}

/// Cursors as text, with `gap` before those of gaps.
inline std::vector<std::string> cursors(const event_batch& batch) {
  std::vector<std::string> result;
  for (const auto& x : batch.events)
    result.push_back((x.kind == event_kind::gap ? "gap " : "") + to_string(x.cursor));
  return result;
}

inline event_request events_after(const std::string& position, uint32_t limit = 256) {
  event_request x;
  x.after = parse_event_position(position);
  EXPECT_TRUE(x.after) << position;
  x.limit = limit;
  return x;
}

} // namespace overwatch::test
