#pragma once

#include "actors/change.hpp"

#include <string>
#include <vector>

namespace overwatch {

/// The results of the tasks that an attempt depends on, as a file for its program: a JSON array of `{name, id, status,
/// result}`. Removed with this object.
class parents_file {
public:
  /// Makes none when there are no parents. Readable only by `user` (empty: the node's own). Throws std::system_error.
  parents_file(const std::vector<parent_result>& parents, const std::string& user);
  ~parents_file();
  parents_file(const parents_file&) = delete;
  parents_file& operator=(const parents_file&) = delete;

  /// Empty: there is none.
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

} // namespace overwatch
