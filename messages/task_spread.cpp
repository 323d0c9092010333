#include "messages/task_spread.hpp"

namespace overwatch {

bool shares_with_others(const task_spec& x) {
  auto uses_resources = x.resources.cpu > 0 || x.resources.io > 0 || x.resources.memory_mb > 0;
  auto has_scope = !x.snapshot.files.empty() || !x.snapshot.keys.empty();
  return !x.unique_key.empty() || !x.concurrency.key.empty() || !x.resources.exclusive.empty() || uses_resources
         || has_scope || !x.rate.key.empty() || !x.cache.key.empty() || !x.workflow.is_nil();
}

partition_id choose_partition(const task_spec& x, partition_id spread, uint32_t partitions) {
  if (partitions <= 1 || shares_with_others(x))
    return control_partition;
  if (!x.depends_on.empty())
    return x.depends_on.front().partition() < partitions ? x.depends_on.front().partition() : control_partition;
  return spread;
}

} // namespace overwatch
