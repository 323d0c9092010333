#pragma once

#include "runtime/backup/chunk_table.hpp"
#include "runtime/backup/problem_list.hpp"
#include "runtime/backup/tree_stream.hpp"

#include <optional>

namespace overwatch::backup {

/// What the last backup has of each path. Read beside a walk, in the same order, so that little of it is in memory.
class earlier_backup {
public:
  /// None: nothing is known of any path.
  earlier_backup(const std::optional<manifest>& which, chunk_table& chunks);

  /// Paths are asked for in the order of `goes_before`. Valid until the next call.
  const entry* find(const std::string& path);

private:
  void advance();

  std::optional<tree_reader> reader_;
  entry current_;
  bool ended_ = true;
};

/// The newest backup of the same host that is best to compare with: of the same sources if there is one.
std::optional<manifest> choose_earlier(const repository& where, const std::string& host,
                                       const std::vector<std::string>& sources, problem_list& problems);

} // namespace overwatch::backup
