#include "runtime/replication/single_log.hpp"

#include <algorithm>
#include <utility>

namespace overwatch {

log_update single_log::start(const log_hard_state& stored, uint64_t last_index, uint64_t last_term) {
  term_ = std::max(stored.term, last_term) + 1;
  last_index_ = last_index;
  log_update update;
  update.hard_state = log_hard_state{term_, stored.vote};
  update.commit_index = last_index;
  update.became_leader = true;
  return update;
}

std::optional<uint64_t> single_log::propose(std::string bytes, log_update& update) {
  ++last_index_;
  update.append.push_back({last_index_, term_, std::move(bytes)});
  return last_index_;
}

log_update single_log::persisted(uint64_t index) {
  log_update update;
  update.commit_index = index;
  return update;
}

} // namespace overwatch
