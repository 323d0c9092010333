#include "runtime/maintenance/compact.hpp"

namespace overwatch::maintenance {

void compact_store(rocks_store* store, const action_environment& environment, action_result& result) {
  if (store == nullptr)
    return result.skip("store", "this handler runs without a node");
  auto before = store->used_bytes();
  result.details["before_bytes"] = before;
  if (environment.dry_run)
    return;
  auto began = std::chrono::steady_clock::now();
  auto end =
    store->compact([&] { return environment.stopping(); },
                   [&](const char* space, double share) {
                     auto seconds =
                       std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
                     environment.progress(share, std::string{space} + ", " + std::to_string(seconds.count()) + " s");
                   });
  auto after = store->used_bytes();
  result.details["after_bytes"] = after;
  result.freed_bytes = before > after ? before - after : 0;
  if (end == rocks_store::compaction::stopped)
    throw stopped{};
  if (end == rocks_store::compaction::no_space)
    result.skip("store", "the disk has no room for a second copy of a part of it while that is compacted");
}

} // namespace overwatch::maintenance
