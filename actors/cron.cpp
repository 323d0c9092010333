#include "actors/cron.hpp"

#include "messages/error_code.hpp"

#include <date/date.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

namespace overwatch {

namespace {

using std::chrono::seconds;

constexpr auto horizon = seconds{std::chrono::hours{24 * 365 * 50}};

/// The lowest bit of `mask` from bit `from` on, or -1.
int next_bit(uint64_t mask, int from) {
  auto rest = from > 63 ? 0 : mask >> from << from;
  return rest == 0 ? -1 : __builtin_ctzll(rest);
}

bool has_bit(uint64_t mask, unsigned bit) { return (mask >> bit & 1) != 0; }

unsigned days_in_month(int year, unsigned month) {
  auto last = date::year_month_day_last{date::year{year}, date::month_day_last{date::month{month}}};
  return static_cast<unsigned>(last.day());
}

seconds first_second_of(int year, unsigned month, unsigned day) {
  auto ymd = date::year_month_day{date::year{year}, date::month{month}, date::day{day}};
  return seconds{date::sys_days{ymd}.time_since_epoch()};
}

// -- parsing -------------------------------------------------------------------

struct field_rule {
  std::string_view name;
  int low;
  int high;
  std::string_view value_names; ///< three letters each, the first for `low`
};

constexpr field_rule second_rule{"second", 0, 59, {}};
constexpr field_rule minute_rule{"minute", 0, 59, {}};
constexpr field_rule hour_rule{"hour", 0, 23, {}};
constexpr field_rule day_rule{"day", 1, 31, {}};
constexpr field_rule month_rule{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"};
constexpr field_rule weekday_rule{"weekday", 0, 7, "sunmontuewedthufrisat"};

constexpr std::pair<std::string_view, std::string_view> shorthands[] = {
  {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"}};

constexpr size_t max_cron_bytes = 512;

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> result{{}};
  for (auto c : text) {
    if (separators.find(c) == std::string_view::npos)
      result.back() += c;
    else
      result.emplace_back();
  }
  return result;
}

std::vector<std::string> words_of(std::string_view text) {
  auto result = split(text, " \t");
  result.erase(std::remove(result.begin(), result.end(), ""), result.end());
  return result;
}

} // namespace

/// Reads one expression; the first fault found stays.
class cron_parser {
public:
  caf::expected<cron_schedule> parse(std::string text) {
    for (auto& c : text)
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    auto words = words_of(text);
    if (words.size() == 1 && words[0].front() == '@') {
      auto i =
        std::find_if(std::begin(shorthands), std::end(shorthands), [&](const auto& x) { return x.first == words[0]; });
      if (i == std::end(shorthands))
        return fault("\"" + words[0] +
                     "\" is not known; there are @yearly, @annually, @monthly, @weekly, @daily, "
                     "@midnight and @hourly");
      words = words_of(i->second);
    }
    if (words.size() != 5 && words.size() != 6)
      return fault("has " + std::to_string(words.size()) +
                   " fields; it takes 5 (minute hour day month weekday) or 6 (second "
                   "first), as \"30 4 * * mon-fri\"");
    size_t next = 0;
    read_field(second_rule, words.size() == 6 ? words[next++] : "0", result_.seconds_);
    read_field(minute_rule, words[next++], result_.minutes_);
    const auto& hours = words[next++];
    read_field(hour_rule, hours, result_.hours_);
    result_.fixed_hours_ = hours.find_first_of("*-/") == std::string::npos;
    const auto& days = words[next++];
    read_field(day_rule, days, result_.days_);
    read_field(month_rule, words[next++], result_.months_);
    const auto& weekdays = words[next++];
    read_field(weekday_rule, weekdays, result_.weekdays_);
    auto given = [](const std::string& field) { return field.front() != '*' && field.front() != '?'; };
    result_.one_of_days_ = given(days) && given(weekdays);
    result_.weekdays_ = (result_.weekdays_ | result_.weekdays_ >> 7) & 0x7F; // 7 is Sunday too
    if (!fault_.empty())
      return fault(fault_);
    if (!result_.ever_comes())
      return fault("\"" + text + "\" never comes: no month that it names has such a day");
    return result_;
  }

private:
  static caf::error fault(std::string message) { return make_error(ec::invalid, std::move(message), "/cron"); }

  void refuse(const field_rule& rule, const std::string& what) {
    if (fault_.empty())
      fault_ = "field \"" + std::string{rule.name} + "\": " + what;
  }

  void read_field(const field_rule& rule, const std::string& field, uint64_t& mask) {
    for (const auto& part : split(field, ","))
      if (!read_special(rule, part))
        read_part(rule, part, mask);
  }

  /// `L`, `L-2`, `5L` and `5#2`.
  bool read_special(const field_rule& rule, const std::string& part) {
    if (&rule == &day_rule && !part.empty() && part.front() == 'l') {
      auto before = part == "l" ? 0 : part.size() > 2 && part[1] == '-' ? number(rule, part.substr(2), 0, 30) : -1;
      if (before < 0)
        refuse(rule, '"' + part + "\" is not L (the last day) or L-1 to L-30");
      else
        result_.before_last_day_ |= uint64_t{1} << before;
      return true;
    }
    if (&rule != &weekday_rule)
      return false;
    if (part.size() > 1 && part.back() == 'l') {
      if (auto day = value(rule, part.substr(0, part.size() - 1)); day >= 0)
        result_.last_weekdays_ |= uint64_t{1} << day % 7;
      return true;
    }
    if (auto hash = part.find('#'); hash != std::string::npos) {
      auto day = value(rule, part.substr(0, hash));
      auto week = number(rule, part.substr(hash + 1), 1, 5);
      if (day >= 0 && week >= 1)
        result_.nth_weekdays_[static_cast<size_t>(week - 1)] |= uint64_t{1} << day % 7;
      return true;
    }
    return false;
  }

  /// `*`, `?`, a value or a range, with or without a step.
  void read_part(const field_rule& rule, const std::string& part, uint64_t& mask) {
    auto slash = part.find('/');
    auto range = part.substr(0, slash);
    auto step = slash == std::string::npos ? 1 : number(rule, part.substr(slash + 1), 1, rule.high);
    auto low = rule.low;
    auto high = &rule == &weekday_rule ? 6 : rule.high;
    if (range == "?" && &rule != &day_rule && &rule != &weekday_rule) {
      refuse(rule, "? stands only for days and weekdays; write *");
    } else if (range != "*" && range != "?") {
      auto dash = range.find('-');
      low = value(rule, range.substr(0, dash));
      if (dash != std::string::npos)
        high = value(rule, range.substr(dash + 1));
      else if (slash == std::string::npos)
        high = low;
      if (&rule == &weekday_rule && high == 0 && low > 0)
        high = 7; // fri-sun
    }
    if (low < 0 || high < 0 || step < 0)
      return;
    if (low > high)
      refuse(rule, '"' + range + "\" runs backwards; write it as two ranges with a comma between");
    for (auto i = low; i <= high; i += step)
      mask |= uint64_t{1} << i;
  }

  /// A name or a number; -1 when `text` is not a value of the field.
  int value(const field_rule& rule, const std::string& text) {
    for (size_t i = 0; i + 3 <= rule.value_names.size(); i += 3)
      if (rule.value_names.substr(i, 3) == text)
        return rule.low + static_cast<int>(i / 3);
    return number(rule, text, rule.low, rule.high);
  }

  int number(const field_rule& rule, const std::string& text, int low, int high) {
    auto digits = !text.empty() && text.size() <= 3 && text.find_first_not_of("0123456789") == std::string::npos;
    auto result = digits ? std::stoi(text) : -1;
    if (result >= low && result <= high)
      return result;
    refuse(rule, '"' + text + "\" is not a number from " + std::to_string(low) + " to " + std::to_string(high) +
                   (rule.value_names.empty() ? "" : " or a name of three letters"));
    return -1;
  }

  cron_schedule result_;
  std::string fault_;
};

caf::expected<cron_schedule> cron_schedule::parse(std::string_view text) {
  if (text.size() > max_cron_bytes)
    return make_error(ec::invalid,
                      "has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(max_cron_bytes) +
                        " are allowed",
                      "/cron");
  return cron_parser{}.parse(std::string{text});
}

// -- times ---------------------------------------------------------------------

uint32_t cron_schedule::days_of(int year, unsigned month) const {
  auto length = days_in_month(year, month);
  auto first = date::weekday{date::sys_days{date::year{year} / static_cast<int>(month) / 1}}.c_encoding();
  uint32_t result = 0;
  for (unsigned day = 1; day <= length; ++day) {
    auto weekday = (first + day - 1) % 7;
    auto by_day = has_bit(days_, day) || has_bit(before_last_day_, length - day);
    auto by_weekday = has_bit(weekdays_, weekday) || (day + 7 > length && has_bit(last_weekdays_, weekday)) ||
                      has_bit(nth_weekdays_[(day - 1) / 7], weekday);
    if (one_of_days_ ? by_day || by_weekday : by_day && by_weekday)
      result |= 1U << day;
  }
  return result;
}

bool cron_schedule::ever_comes() const {
  for (int year = 2000; year < 2400; ++year) // the calendar repeats itself then
    for (int month = next_bit(months_, 1); month > 0; month = next_bit(months_, month + 1))
      if (days_of(year, static_cast<unsigned>(month)) != 0)
        return true;
  return false;
}

std::optional<seconds> cron_schedule::next_time_of_day(seconds from) const {
  auto hour = static_cast<int>(from.count() / 3600);
  auto minute = static_cast<int>(from.count() / 60 % 60);
  auto second = next_bit(seconds_, static_cast<int>(from.count() % 60));
  if (second < 0)
    ++minute;
  if (second < 0 || !has_bit(minutes_, static_cast<unsigned>(minute)))
    second = next_bit(seconds_, 0);
  auto matching = next_bit(minutes_, minute);
  if (matching < 0)
    ++hour;
  if (matching < 0 || !has_bit(hours_, static_cast<unsigned>(hour))) {
    matching = next_bit(minutes_, 0);
    second = next_bit(seconds_, 0);
  }
  hour = next_bit(hours_, hour);
  if (hour < 0)
    return std::nullopt;
  return seconds{hour * 3600 + matching * 60 + second};
}

std::optional<seconds> cron_schedule::next_wall(seconds from, seconds end) const {
  auto start = date::floor<date::days>(from);
  auto ymd = date::year_month_day{date::sys_days{start}};
  auto year = static_cast<int>(ymd.year());
  auto month = static_cast<unsigned>(ymd.month());
  auto day = static_cast<int>(static_cast<unsigned>(ymd.day()));
  auto time = from - start;
  while (first_second_of(year, month, static_cast<unsigned>(day)) < end) {
    auto days = has_bit(months_, month) ? days_of(year, month) : 0;
    for (auto match = next_bit(days, day); match > 0; match = next_bit(days, match + 1)) {
      if (auto found = next_time_of_day(match == day ? time : seconds{0})) {
        auto result = first_second_of(year, month, static_cast<unsigned>(match)) + *found;
        return result < end ? std::optional{result} : std::nullopt;
      }
    }
    year += month == 12 ? 1 : 0;
    month = month == 12 ? 1 : month + 1;
    day = 1;
    time = seconds{0};
  }
  return std::nullopt;
}

// Goes from one change of the zone's offset to the next: between them wall time is UTC plus a constant.
std::optional<timestamp> cron_schedule::next(timestamp after, const time_zone& zone) const {
  auto from = date::floor<seconds>(after.time_since_epoch()) + seconds{1};
  auto last = from + horizon;
  while (from < last) {
    auto period = zone.at(from);
    auto wall = from + period.offset;
    if (fixed_hours_) {
      auto before = zone.at(period.begin - seconds{1});
      auto wall_before = period.begin + before.offset;          // where the wall clock was when the offset changed
      if (from == period.begin && next_wall(wall_before, wall)) // it jumped over a match
        return timestamp{from};
      wall = std::max(wall, wall_before); // what is shown a second time does not count again
    }
    auto end = std::min(period.end, last);
    if (auto match = next_wall(wall, end + period.offset))
      return timestamp{*match - period.offset};
    from = end;
  }
  return std::nullopt;
}

} // namespace overwatch
