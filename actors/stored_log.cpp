#include "actors/stored_log.hpp"

#include "actors/keys.hpp"
#include "actors/log_codec.hpp"

#include <algorithm>
#include <string>

namespace overwatch {

caf::error unreadable(partition_id partition, const char* what) {
  return make_error(ec::internal, "partition " + std::to_string(partition) + " of the store is damaged: " + what);
}

caf::expected<stored_log> read_log(const store& db, partition_id partition) {
  stored_log result;
  log_hard_state hard_state;
  if (auto record = db.get(key_space::log, keys::hard_state(partition)))
    if (!decode_hard_state(*record, hard_state))
      return unreadable(partition, "its term");
  log_snapshot snapshot;
  if (auto record = db.get(key_space::log, keys::log_snapshot(partition)))
    if (!decode_snapshot(*record, snapshot))
      return unreadable(partition, "its position");
  result.term = std::max(hard_state.term, snapshot.term);
  result.last = snapshot.index;
  result.members = snapshot.configuration.members;
  auto error = each_entry(db, partition, 0, [&](const log_append& x) -> caf::error {
    result.term = std::max(result.term, x.term);
    result.last = std::max(result.last, x.index);
    if (x.kind == entry_kind::configuration && x.index > snapshot.configuration.index)
      if (!decode_members(x.bytes, result.members))
        return unreadable(partition, "its members");
    return {};
  });
  if (error)
    return error;
  return result;
}

} // namespace overwatch
