#pragma once

#include "actors/replicated_log.hpp"

#include <deque>

namespace overwatch {

/// The configurations of a log: the one before its first entry, and those in its entries.
class configuration_history {
public:
  void reset(log_configuration x) { all_.assign(1, std::move(x)); }
  void add(log_configuration x) { all_.push_back(std::move(x)); }

  void cut_from(uint64_t index) {
    while (!all_.empty() && all_.back().index >= index)
      all_.pop_back();
  }

  /// Forgets those that an entry up to `index` replaced.
  void cut_below(uint64_t index) {
    while (all_.size() > 1 && all_[1].index <= index)
      all_.pop_front();
  }

  /// The one that counts: the newest, committed or not.
  const log_configuration& newest() const { return all_.empty() ? none_ : all_.back(); }

  /// The one that counted at `index`.
  const log_configuration& at(uint64_t index) const {
    for (auto i = all_.rbegin(); i != all_.rend(); ++i)
      if (i->index <= index)
        return *i;
    return none_;
  }

private:
  std::deque<log_configuration> all_;
  log_configuration none_;
};

} // namespace overwatch
