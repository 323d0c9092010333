#include "tests/simulation/faulty_store.hpp"

#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "messages/codec.hpp"

#include <algorithm>

namespace overwatch::simulation {

void faulty_store::lose_power() {
  if (std::exchange(dead_, true))
    return;
  left_ = content_->lose_unsynced(test::memory_store::survival::some, random_.number(0, UINT32_MAX));
}

void faulty_store::start_anew() {
  if (left_)
    content_ = std::move(left_);
  dead_ = false;
}

// A position that is one too low: its entry is applied again after a restart.
write_batch faulty_store::mistaken(const write_batch& batch) const {
  auto result = batch;
  auto& changes = result.changes;
  auto is_key = [](const auto& x, const std::string& key) { return x.what == write_batch::kind::put && x.key == key; };
  if (fault_ == mutation::forget_vote)
    changes.erase(std::remove_if(changes.begin(), changes.end(),
                                 [&](const auto& x) { return is_key(x, keys::hard_state(control_partition)); }),
                  changes.end());
  if (fault_ == mutation::apply_twice)
    for (auto& x : changes)
      if (is_key(x, keys::meta(control_partition))) {
        partition_totals totals;
        invariant(decode(x.value, totals), "the totals are readable");
        totals.applied -= totals.applied > 0 ? 1 : 0;
        x.value = encode(totals);
      }
  return result;
}

store_result faulty_store::write(const write_batch& batch, bool sync) {
  if (dead_)
    return store_result::done; // nobody hears of it any more
  auto begins_badly = happens(faults.refuse_one_in);
  auto is_unknown = happens(faults.unknown_one_in);
  auto dies = happens(faults.die_one_in);
  auto dies_before = dies && random_.one_in(2);
  if (dies_before)
    lose_power();
  auto result = store_result::no_space;
  if (!dies_before && !begins_badly)
    result = content_->write(fault_ == mutation::none ? batch : mistaken(batch), sync && fault_ != mutation::skip_sync);
  if (dies) {
    lose_power();
    die();
  }
  return is_unknown ? store_result::no_space : result;
}

store_result faulty_store::checkpoint() {
  if (dead_ || happens(faults.refuse_one_in))
    return store_result::no_space;
  return content_->checkpoint();
}

} // namespace overwatch::simulation
