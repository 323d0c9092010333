#pragma once

#include <string>
#include <string_view>
#include <vector>

/// What a backup takes and what it leaves out.
namespace overwatch::backup {

/// True when the text has a character that glob(7) gives a meaning.
bool is_glob(std::string_view text);

struct source_list {
  std::vector<std::string>
    paths; ///< absolute, resolved but for the last name, none inside another, in the order of a walk
  std::vector<std::string> missing; ///< as they were given
};

/// Expands globs and resolves what is given. A symbolic link that is named itself stays a link.
source_list resolve_sources(const std::vector<std::string>& given);

/// The path with its directory resolved; empty when that does not exist.
std::string resolved_parent(const std::string& path);

/// Patterns of fnmatch(3). One with a slash is for whole paths (`*` matches no slash, `**` does); others are for the
/// name of a file or directory anywhere. What ends with a slash matches directories only.
class pattern_list {
public:
  explicit pattern_list(const std::vector<std::string>& patterns);

  bool matches(const std::string& path, const std::string& name, bool is_directory) const;

  /// The path or a directory above it matches.
  bool matches_at_or_above(const std::string& path) const;

  bool empty() const { return patterns_.empty(); }

private:
  struct pattern {
    std::string text;
    bool whole_path = false;
    bool directories_only = false;
    bool over_slashes = false;
  };
  std::vector<pattern> patterns_;
};

} // namespace overwatch::backup
