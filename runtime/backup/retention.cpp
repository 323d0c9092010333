#include "runtime/backup/retention.hpp"

#include <algorithm>
#include <ctime>
#include <functional>
#include <numeric>

namespace overwatch::backup {

namespace {

constexpr int64_t day_seconds = 86'400;
constexpr int64_t first_monday = 4; // 1970-01-05, in days

int64_t floor_of(int64_t x, int64_t by) { return x / by - (x % by < 0 ? 1 : 0); }

int64_t day_of(timestamp time) {
  return floor_of(std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(), day_seconds);
}

int64_t week_of(timestamp time) { return floor_of(day_of(time) - first_monday, 7); }

int64_t month_of(timestamp time) {
  auto seconds = static_cast<std::time_t>(day_of(time) * day_seconds);
  struct tm parts {};
  ::gmtime_r(&seconds, &parts);
  return parts.tm_year * int64_t{12} + parts.tm_mon;
}

} // namespace

std::vector<bool> kept_by(const keep_rules& rules, const std::vector<timestamp>& times) {
  std::vector<bool> result(times.size(), !rules.any());
  std::vector<size_t> newest_first(times.size());
  std::iota(newest_first.begin(), newest_first.end(), size_t{0});
  std::stable_sort(newest_first.begin(), newest_first.end(), [&](size_t x, size_t y) { return times[x] > times[y]; });
  for (size_t i = 0; i < newest_first.size() && i < rules.last; ++i)
    result[newest_first[i]] = true;
  const auto keep = [&](uint32_t count, int64_t (*period_of)(timestamp)) {
    uint32_t kept = 0;
    int64_t period_before = 0;
    for (auto i : newest_first) {
      auto period = period_of(times[i]);
      if (kept > 0 && period == period_before)
        continue;
      if (kept == count)
        break;
      result[i] = true;
      period_before = period;
      ++kept;
    }
  };
  keep(rules.daily, day_of);
  keep(rules.weekly, week_of);
  keep(rules.monthly, month_of);
  return result;
}

} // namespace overwatch::backup
