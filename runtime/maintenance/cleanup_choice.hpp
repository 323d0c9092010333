#pragma once

#include "config/settings.hpp"
#include "messages/time.hpp"

#include <queue>
#include <string>
#include <utility>
#include <vector>

namespace overwatch::maintenance {

/// What a rule looks at of a file.
struct seen_file {
  std::string path;  ///< below the rule's directory, without a slash in front
  uint64_t size = 0; ///< of its content, in bytes
  timestamp changed; ///< its content, last
};

/// True when the rule speaks of files with this path.
bool matches(const cleanup_rule& rule, const std::string& path);

/// The `count` newest of the files that it was shown, of two from the same instant the one whose path sorts first.
class newest_files {
public:
  explicit newest_files(size_t count) : count_{count} {}

  void add(const seen_file& file);

  /// True for the files that are kept. One that it was not shown counts as it would have: newer ones are kept.
  bool keeps(const seen_file& file) const;

private:
  using place = std::pair<timestamp, std::string>;
  struct newer {
    bool operator()(const place& x, const place& y) const;
  };

  size_t count_;
  std::priority_queue<place, std::vector<place>, newer> kept_; // the oldest on top
};

/// Whether a file that matches goes, and if not, why.
enum class choice : uint8_t { remove, too_young, too_small, among_newest };

choice choose(const cleanup_rule& rule, const seen_file& file, const newest_files& newest, timestamp now);

} // namespace overwatch::maintenance
