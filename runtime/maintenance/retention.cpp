#include "runtime/maintenance/retention.hpp"

#include "actors/keys.hpp"
#include "runtime/handlers/json_text.hpp"
#include "runtime/maintenance/details_file.hpp"

namespace overwatch::maintenance {

namespace {

constexpr uint64_t max_counted_tasks = 1'000'000;
constexpr uint64_t tasks_per_look = 10'000;

// The `f` keys sort by the time at which tasks finished; ids, which sort by time too, stand behind it.
boost::json::object look_at_tasks(const retention_sources& sources, const action_environment& environment,
                                  action_result& result) {
  constexpr partition_id partition = 0;
  auto due = now() - sources.tasks_kept;
  auto prefix = keys::prefix(partition, 'f');
  auto overdue_end = keys::finished_at(partition, due);
  uint64_t finished = 0;
  uint64_t overdue = 0;
  for (auto i = sources.store->scan(key_space::state, prefix, keys::after_prefix(prefix));
       i->valid() && finished < max_counted_tasks; i->next()) {
    ++finished;
    overdue += sources.tasks_kept.count() > 0 && i->key() < overdue_end ? 1 : 0;
    if (finished % tasks_per_look == 0 && environment.stopping())
      throw stopped{};
  }
  if (overdue > 0)
    result.leave(std::to_string(overdue) + " finished tasks",
                 "past tasks.retention: the node removes them in the background, a page at a time, unless the setting "
                 "was raised since it started");
  return {{"finished", finished},
          {"overdue", overdue},
          {"counted_all", finished < max_counted_tasks},
          {"kept_s", sources.tasks_kept.count()}};
}

boost::json::object look_at_snapshots(file_snapshots& snapshots, action_result& result) {
  uint64_t expired = 0;
  auto all = snapshots.list("");
  for (const auto& x : all)
    expired += x.keep_until && *x.keep_until <= now() ? 1 : 0;
  if (expired > 0)
    result.leave(std::to_string(expired) + " file snapshots", "expired: the snapshotter drops them within a minute");
  return {{"stored", all.size()}, {"expired", expired}};
}

} // namespace

void keep_to_retention(const retention_sources& sources, const action_environment& environment, action_result& result) {
  if (sources.store != nullptr)
    result.details["tasks"] = look_at_tasks(sources, environment, result);
  if (sources.snapshots != nullptr)
    result.details["snapshots"] = look_at_snapshots(*sources.snapshots, result);
  auto removed = remove_old_details(sources.details_directory, environment.dry_run);
  result.removed += removed.files;
  result.freed_bytes += removed.bytes;
  result.details["reports_removed"] = removed.files;
}

} // namespace overwatch::maintenance
