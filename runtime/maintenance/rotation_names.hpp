#pragma once

#include <optional>
#include <string>
#include <vector>

namespace overwatch::maintenance {

/// The name of a rotated file: `site.log.3.zst`.
struct rotated_name {
  std::string base; ///< `site.log`
  unsigned number = 0;
  std::string ending; ///< `.zst`, `.gz` or nothing

  std::string text() const { return base + "." + std::to_string(number) + ending; }
};

/// Nothing for a name that is no rotated file's.
std::optional<rotated_name> parse_rotated(const std::string& name);

/// A step on the way to a free `base.1`: a rename, or a removal when `to` is empty.
struct rotation_step {
  std::string from;
  std::string to;
};

/// What makes `base.1` free when a directory has `names`: every number grows by one, and what would be above
/// `max_files` goes. In an order in which no step meets a file that another one has still to move.
std::vector<rotation_step> make_room(const std::string& base, const std::vector<std::string>& names,
                                     unsigned max_files);

} // namespace overwatch::maintenance
