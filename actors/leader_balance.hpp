#pragma once

#include "messages/task_id.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace overwatch {

struct leader_move {
  partition_id partition = 0;
  std::string to; ///< name of the node
};

/// The leadership that `own` should hand over so that the nodes that are up lead equally many partitions, but for one;
/// nothing when it leads no more than that. `leaders`: the node that leads each partition; `up`: those that may lead;
/// when `own` is not among them it leads nothing in the end. The control partition stays where it is as long as another
/// one will do: what there is once in a cluster moves with it.
std::optional<leader_move> next_leader_move(const std::map<partition_id, std::string>& leaders,
                                            const std::set<std::string>& up, const std::string& own);

} // namespace overwatch
