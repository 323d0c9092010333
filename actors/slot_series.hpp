#pragma once

#include "actors/cron.hpp"
#include "messages/schedule.hpp"

#include <caf/expected.hpp>

#include <vector>

namespace overwatch {

/// The slots of a schedule: the times at which a task is due.
class slot_series {
public:
  /// `invalid` names the field of the definition. `created_at` is where intervals without `starts_at` begin.
  static caf::expected<slot_series> make(const schedule_definition& x, timestamp created_at);

  std::optional<timestamp> next(timestamp after) const;

  struct passed {
    std::vector<timestamp> newest; ///< oldest first
    uint64_t older = 0;            ///< number of those before; at most `max_counted_slots` of cron
    std::optional<timestamp> last_of_older;
  };

  /// The slots in (after, until]: the newest `limit` of them.
  passed between(timestamp after, timestamp until, size_t limit) const;

private:
  slot_series() = default;

  passed multiples_between(timestamp after, timestamp until, size_t limit) const;
  std::vector<timestamp> up_to(timestamp after, timestamp until, size_t limit) const;

  std::optional<cron_schedule> cron_; ///< none: multiples of `interval_` after `origin_`
  std::optional<time_zone> zone_;
  std::chrono::microseconds interval_{0};
  timestamp origin_;
  std::optional<timestamp> starts_at_;
  std::optional<timestamp> ends_at_;
};

inline constexpr size_t max_counted_slots = 10'000;
inline constexpr auto min_schedule_interval = milliseconds{1'000};
inline constexpr auto max_schedule_interval = milliseconds{std::chrono::hours{24 * 3660}};

} // namespace overwatch
