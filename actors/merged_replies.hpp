#pragma once

#include "messages/actors.hpp"

/// How the answers of several nodes or partitions become one. Each adds `one` to `all`.
namespace overwatch {

void add_pools(pools_reply& all, pools_reply&& one);
void add_workers(workers_reply& all, workers_reply&& one);
void add_lines(log_page& all, log_page&& one);

/// The keys are in the log of all nodes, the files and what the handler captured on the node that ran the attempt.
void add_snapshot(snapshot_record& all, snapshot_record&& one);

/// Newest first, at most `limit`. Nothing older is shown than what every page has reached.
void add_tasks(task_page& all, task_page&& one, uint32_t limit);

void add_stats(stats_reply& all, stats_reply&& one);

} // namespace overwatch
