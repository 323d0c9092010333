#pragma once

#include "runtime/backup/repository.hpp"

#include <array>

namespace overwatch::backup {

enum class problem_kind : uint8_t {
  unreadable, ///< is missing in the backup
  vanished,   ///< likewise: it was gone before it was read
  changed,    ///< while it was read
  note,       ///< left out on purpose, as the operator should know
  damaged,    ///< in the repository: a chunk, a pack or a file that needs them
  kept,       ///< by a restore: something else stood there
  failed,     ///< by a restore: could not be written
};

inline constexpr std::array<std::string_view, 7> problem_kind_names{"unreadable", "vanished", "changed", "note",
                                                                    "damaged",    "kept",     "failed"};
inline std::string_view name_of(problem_kind x) { return problem_kind_names[static_cast<size_t>(x)]; }

struct problem {
  problem_kind kind = problem_kind::note;
  std::string path;
  std::string reason;
};

/// What did not go as it should, of single files: the first hundred in memory, all of them in a report in the
/// repository when there are more.
class problem_list {
public:
  static constexpr size_t max_kept = 100;

  /// `name` is that of the report.
  problem_list(const repository& where, std::string name) : where_{where}, name_{std::move(name)} {}

  void add(problem_kind kind, const std::string& path, const std::string& reason);

  uint64_t count(problem_kind kind) const { return counts_[static_cast<size_t>(kind)]; }
  uint64_t total() const { return total_; }
  const std::vector<problem>& first() const { return first_; }

  /// Where all of them stand; empty when the first are all, or nothing could be written.
  const std::string& report() const { return report_; }

private:
  void write(const problem& x);

  const repository& where_;
  std::string name_;
  std::string report_;
  descriptor file_;
  std::vector<problem> first_;
  std::array<uint64_t, problem_kind_names.size()> counts_{};
  uint64_t total_ = 0;
};

} // namespace overwatch::backup
