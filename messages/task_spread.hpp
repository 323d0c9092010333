#pragma once

#include "messages/task.hpp"

#include <vector>

namespace overwatch {

/// Whether a task shares something with tasks of any partition: a unique or concurrency key, exclusive names, a
/// snapshot scope, a rate, a cached result, resources of a node, a workflow. One scheduler has to see them all: the
/// control partition's.
bool shares_with_others(const task_spec& x);

/// The partition of a new task. What shares nothing goes to `spread`, which the caller changes from request to request.
/// A task with parents goes to the partition of the first, so that its start needs no news from elsewhere.
partition_id choose_partition(const task_spec& x, partition_id spread, uint32_t partitions);

} // namespace overwatch
