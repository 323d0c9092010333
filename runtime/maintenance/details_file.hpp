#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <fstream>
#include <string>

namespace overwatch::maintenance {

/// The long list of what a task did: a file with one JSON object a line, `<directory>/<task id>.jsonl`. It is made with
/// the first line. What cannot be written (a full disk) is counted, not an error: the work is more important.
class details_file {
public:
  static constexpr uint64_t max_lines = 200'000;
  static constexpr size_t kept_files = 20; ///< the newest ones; older ones are removed with `remove_old`

  details_file(std::string directory, std::string name) : directory_{std::move(directory)}, name_{std::move(name)} {}

  void add(const boost::json::object& line);

  /// Where the lines are; empty when there are none.
  std::string path() const { return lines_ == 0 ? std::string{} : directory_ + "/" + name_; }
  uint64_t lines() const { return lines_; }
  uint64_t dropped() const { return dropped_; }
  void flush() { out_.flush(); }

private:
  std::string directory_;
  std::string name_;
  std::ofstream out_;
  bool failed_ = false;
  uint64_t lines_ = 0;
  uint64_t dropped_ = 0;
};

/// Removes all but the newest `kept_files - 1` files of earlier tasks.
struct removed_details {
  uint64_t files = 0;
  uint64_t bytes = 0;
};
removed_details remove_old_details(const std::string& directory, bool dry_run);

} // namespace overwatch::maintenance
