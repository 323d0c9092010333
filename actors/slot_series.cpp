#include "actors/slot_series.hpp"

#include <algorithm>

namespace overwatch {

namespace {

using std::chrono::microseconds;

constexpr auto instant = microseconds{1}; // the shortest time there is

/// Rounds down, also below zero.
int64_t floor_divide(microseconds x, microseconds by) {
  auto quotient = x / by;
  return x % by < microseconds{0} ? quotient - 1 : quotient;
}

} // namespace

caf::expected<slot_series> slot_series::make(const schedule_definition& x, timestamp created_at) {
  if (x.cron.empty() == (x.interval == milliseconds{0}))
    return make_error(
      ec::invalid,
      x.cron.empty() ? "a schedule needs `cron` or `interval`" : "give either `cron` or `interval`, not both", "/cron");
  if (x.ends_at && *x.ends_at <= x.starts_at.value_or(timestamp::min()))
    return make_error(ec::invalid, "must be after `starts_at`", "/ends_at");
  slot_series result;
  auto zone = time_zone::find(x.time_zone);
  if (!zone)
    return zone.error();
  result.zone_ = *zone;
  if (!x.cron.empty()) {
    auto cron = cron_schedule::parse(x.cron);
    if (!cron)
      return cron.error();
    result.cron_ = *cron;
  } else if (x.interval < min_schedule_interval || x.interval > max_schedule_interval) {
    return make_error(ec::invalid, "must be from 1 second to 10 years", "/interval");
  }
  result.interval_ = x.interval;
  result.origin_ = x.starts_at.value_or(created_at);
  result.starts_at_ = x.starts_at;
  result.ends_at_ = x.ends_at;
  return result;
}

std::optional<timestamp> slot_series::next(timestamp after) const {
  if (starts_at_)
    after = std::max(after, *starts_at_ - instant);
  std::optional<timestamp> result;
  if (cron_)
    result = cron_->next(after, *zone_);
  else
    result = std::max(origin_, origin_ + (floor_divide(after - origin_, interval_) + 1) * interval_);
  return result && ends_at_ && *result >= *ends_at_ ? std::nullopt : result;
}

std::vector<timestamp> slot_series::up_to(timestamp after, timestamp until, size_t limit) const {
  std::vector<timestamp> result;
  for (auto slot = next(after); slot && *slot <= until && result.size() < limit; slot = next(*slot))
    result.push_back(*slot);
  return result;
}

slot_series::passed slot_series::multiples_between(timestamp after, timestamp until, size_t limit) const {
  passed result;
  auto first = next(after);
  if (ends_at_)
    until = std::min(until, *ends_at_ - instant);
  if (!first || *first > until)
    return result;
  auto count = static_cast<uint64_t>((until - *first) / interval_) + 1;
  result.older = count > limit ? count - limit : 0;
  auto slot = *first + static_cast<int64_t>(result.older) * interval_;
  if (result.older > 0)
    result.last_of_older = slot - interval_;
  for (; slot <= until; slot += interval_)
    result.newest.push_back(slot);
  return result;
}

slot_series::passed slot_series::between(timestamp after, timestamp until, size_t limit) const {
  if (!cron_)
    return multiples_between(after, until, limit);
  auto slots = up_to(after, until, max_counted_slots);
  passed result;
  result.older = slots.size() > limit ? slots.size() - limit : 0;
  if (slots.size() == max_counted_slots) {
    // There may be many more, for example each second of a year: find the latest time that has enough after it.
    auto enough = slots.back() - instant;
    auto too_few = until;
    if (up_to(enough, until, limit + 1).size() <= limit)
      enough = after;
    while (too_few - enough > std::chrono::seconds{1}) {
      auto middle = enough + (too_few - enough) / 2;
      (up_to(middle, until, limit + 1).size() > limit ? enough : too_few) = middle;
    }
    slots = up_to(enough, until, limit + 2);
  }
  auto keep = std::min(limit, slots.size());
  result.newest.assign(slots.end() - static_cast<ptrdiff_t>(keep), slots.end());
  if (keep < slots.size())
    result.last_of_older = slots[slots.size() - keep - 1];
  return result;
}

} // namespace overwatch
