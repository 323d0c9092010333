#pragma once

#include "messages/time.hpp"

#include <cstdint>
#include <vector>

namespace overwatch::backup {

/// How many backups are kept. A number counts days, weeks or months that have a backup, not those that have none.
struct keep_rules {
  uint32_t last = 0;    ///< the newest
  uint32_t daily = 0;   ///< the newest of a day (UTC)
  uint32_t weekly = 0;  ///< the newest of a week, which begins on Monday
  uint32_t monthly = 0; ///< the newest of a month

  bool any() const { return last + daily + weekly + monthly > 0; }
};

/// Which backups to keep, in the order of `times` (any order). Without a rule all of them.
std::vector<bool> kept_by(const keep_rules& rules, const std::vector<timestamp>& times);

} // namespace overwatch::backup
