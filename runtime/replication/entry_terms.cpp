#include "runtime/replication/entry_terms.hpp"

#include "actors/invariant.hpp"

#include <algorithm>

namespace overwatch {

void entry_terms::reset(uint64_t index, uint64_t term) {
  before_first_ = index;
  term_before_ = term;
  last_ = index;
  runs_.clear();
}

void entry_terms::append(uint64_t term) {
  invariant(term > 0 && term >= (runs_.empty() ? term_before_ : runs_.back().term), "terms of a log never decrease");
  ++last_;
  if (runs_.empty() || runs_.back().term != term)
    runs_.push_back({last_, term});
}

void entry_terms::cut_from(uint64_t index) {
  invariant(index > before_first_ && index <= last_, "what is cut off the end of a log is in it");
  last_ = index - 1;
  while (!runs_.empty() && runs_.back().first > last_)
    runs_.pop_back();
}

void entry_terms::cut_below(uint64_t first) {
  invariant(first <= last_ + 1, "what is cut off the begin of a log is in it");
  if (first <= before_first_ + 1)
    return;
  term_before_ = at(first - 1);
  before_first_ = first - 1;
  auto next = std::upper_bound(runs_.begin(), runs_.end(), first, [](uint64_t i, const run& x) { return i < x.first; });
  if (first > last_)
    next = runs_.end();
  else
    --next; // the run that contains it
  runs_.erase(runs_.begin(), next);
  if (!runs_.empty())
    runs_.front().first = std::max(runs_.front().first, first);
}

uint64_t entry_terms::at(uint64_t index) const {
  if (index == before_first_)
    return term_before_;
  if (index < before_first_ || index > last_)
    return 0;
  auto next = std::upper_bound(runs_.begin(), runs_.end(), index, [](uint64_t i, const run& x) { return i < x.first; });
  return std::prev(next)->term;
}

} // namespace overwatch
