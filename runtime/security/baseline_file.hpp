#pragma once

#include "runtime/security/digest.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace overwatch::security {

/// What is kept of one file, directory or link.
struct baseline_entry {
  char kind = 'f';   ///< f file, d directory, l link, o other
  uint32_t mode = 0; ///< permissions
  uint32_t uid = 0, gid = 0;
  uint64_t size = 0; ///< of a file
  std::string
    content; ///< SHA-256 of a file's content or of a link's target; "-": it could not be read, or there is none
  std::string path;
};

/// One line, without its end.
std::string line_of(const baseline_entry& x);
std::optional<baseline_entry> parse_baseline_line(std::string_view line);

/// What is different, as a sentence; empty: nothing. Content that could not be read then or now is not judged.
inline constexpr std::string_view content_changed = "the content changed"; ///< its first words
std::string difference_of(const baseline_entry& before, const baseline_entry& now);

/// The order of a sorted walk: a directory, what is in it, then its next neighbour.
bool comes_before(std::string_view x, std::string_view y);

/// Writes a baseline beside its place and moves it there when it is whole and on the disk.
class baseline_writer {
public:
  /// Throws std::system_error.
  explicit baseline_writer(const std::string& path);
  ~baseline_writer(); ///< removes what was not finished
  void add(const baseline_entry& x);
  void finish(); ///< throws std::system_error

private:
  void write(const std::string& line);

  std::string path_, unfinished_;
  std::FILE* file_;
  digest digest_;
  uint64_t count_ = 0;
};

/// Reads a baseline entry by entry.
class baseline_reader {
public:
  explicit baseline_reader(const std::string& path);
  ~baseline_reader();

  /// False when there is none.
  bool exists() const { return file_ != nullptr; }

  /// Reads all of it: false when it is cut off or was changed. Afterwards the first entry is the current one.
  bool verify();

  /// The number of entries; known after verify().
  uint64_t size() const { return size_; }

  const std::optional<baseline_entry>& current() const { return current_; } ///< nothing at the end
  void next();

private:
  bool read_line(std::string& line);

  std::FILE* file_;
  uint64_t size_ = 0;
  std::optional<baseline_entry> current_;
};

} // namespace overwatch::security
