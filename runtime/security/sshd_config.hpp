#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// The configuration of OpenSSH's server.
namespace overwatch::security {

/// `Keyword arguments`.
struct sshd_line {
  std::string keyword; ///< in lower case
  std::vector<std::string> arguments;
};

/// Lines that say something; text in double quotes is one argument.
std::vector<sshd_line> parse_sshd_config(std::string_view text);

/// One setting where it counts.
struct sshd_setting {
  std::string value;
  std::string match; ///< the condition of its Match block; empty: it counts for everybody
};

/// What the server would use. The first value of a keyword counts, and inside Match blocks the first of each block.
struct sshd_settings {
  static constexpr size_t max_depth = 16; ///< of Include
  static constexpr size_t max_lines = 100'000;
  static constexpr size_t max_matches = 1000; ///< settings of one keyword

  std::vector<std::pair<std::string, sshd_setting>> values; ///< by keyword, in the order of the files
  std::vector<std::string> files;                           ///< that were read
  std::vector<std::string> unreadable;
  bool cut = false; ///< there were too many lines or levels

  /// For everybody: the first one, or `preset`.
  std::string value_of(std::string_view keyword, std::string_view preset) const;

  /// All that may count: for everybody (or `preset`), and in Match blocks.
  std::vector<sshd_setting> all_of(std::string_view keyword, std::string_view preset) const;
};

/// The files that a path or pattern of an Include names, and their texts.
struct sshd_files {
  std::function<std::vector<std::string>(const std::string& pattern)> matching;
  std::function<bool(const std::string& path, std::string& text)> read; ///< false: it cannot be read
};

sshd_settings read_sshd_settings(const std::string& path, const sshd_files& files);

/// The algorithms of a list (`Ciphers`, `MACs`, ...) that are broken or nearly so. A list that removes algorithms (`-`)
/// has none.
std::vector<std::string> weak_algorithms(std::string_view list);

} // namespace overwatch::security
