#pragma once

#include <cstdint>
#include <vector>

namespace overwatch {

/// Which entries a log has, and their terms: a few bytes for each term, none for an entry.
class entry_terms {
public:
  /// No entries, the next one comes after `index`, whose term is `term` (0 when it is not known).
  void reset(uint64_t index, uint64_t term);

  void append(uint64_t term); ///< terms never decrease
  void cut_from(uint64_t index);
  void cut_below(uint64_t first); ///< the term of the one before `first` stays known

  uint64_t first() const { return before_first_ + 1; }
  uint64_t last() const { return last_; }

  /// The term of an entry of the log, or of the position before; otherwise 0.
  uint64_t at(uint64_t index) const;

private:
  struct run {
    uint64_t first = 0;
    uint64_t term = 0;
  };

  uint64_t before_first_ = 0;
  uint64_t term_before_ = 0;
  uint64_t last_ = 0;
  std::vector<run> runs_;
};

} // namespace overwatch
