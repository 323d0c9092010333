#include "http/time_text.hpp"

#include <charconv>
#include <cmath>

namespace overwatch::http {

namespace {

using std::chrono::microseconds;

constexpr int64_t microseconds_per_second = 1'000'000;
constexpr int64_t seconds_per_day = 86'400;
constexpr double longest_ms = 1e15; // 30,000 years: what is longer is a mistake

// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March.
int64_t days_of(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  auto era = year / 400;
  auto year_of_era = static_cast<unsigned>(year - era * 400);
  auto day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  auto day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<int64_t>(day_of_era) - 719'468;
}

struct date {
  int64_t year;
  unsigned month;
  unsigned day;
};

date date_of(int64_t days) {
  days += 719'468;
  auto era = (days >= 0 ? days : days - 146'096) / 146'097;
  auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  auto year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  auto day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  auto shifted_month = (5 * day_of_year + 2) / 153;
  auto day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  auto month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2), month, day};
}

unsigned days_in_month(int64_t year, unsigned month) {
  constexpr unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[month - 1];
}

void put_digits(char* at, uint64_t number, int digits) {
  for (int i = digits - 1; i >= 0; --i, number /= 10)
    at[i] = static_cast<char>('0' + number % 10);
}

// Takes fixed-width numbers and separators off the front of a text.
class scanner {
public:
  explicit scanner(std::string_view text) : rest_{text} {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  unsigned number(size_t digits) {
    unsigned result = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (i >= rest_.size() || rest_[i] < '0' || rest_[i] > '9') {
        ok_ = false;
        return 0;
      }
      result = result * 10 + static_cast<unsigned>(rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return result;
  }

  bool take(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos)
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(std::string_view any_of) { ok_ = take(any_of) && ok_; }

  // Digits after the decimal point, cut to microseconds.
  int64_t fraction() {
    int64_t result = 0;
    int64_t unit = microseconds_per_second / 10;
    size_t count = 0;
    for (; count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9'; ++count, unit /= 10)
      result += (rest_[count] - '0') * unit;
    ok_ = ok_ && count > 0;
    rest_.remove_prefix(count);
    return result;
  }

private:
  std::string_view rest_;
  bool ok_ = true;
};

// Seconds east of UTC; none given: 0.
int64_t scan_offset(scanner& in) {
  if (in.at_end() || in.take("Zz"))
    return 0;
  int64_t sign = in.take("-") ? -1 : 1;
  if (sign > 0)
    in.expect("+ "); // a plus in a query string arrives as a blank
  auto hours = in.number(2);
  in.take(":");
  auto minutes = in.number(2);
  if (hours > 23 || minutes > 59)
    in.expect(""); // fails
  return sign * static_cast<int64_t>(hours * 3600 + minutes * 60);
}

} // namespace

void append_time(std::string& out, timestamp time) {
  auto count = time.time_since_epoch().count();
  auto second = count / microseconds_per_second;
  auto fraction = count % microseconds_per_second;
  if (fraction < 0) {
    fraction += microseconds_per_second;
    --second;
  }
  auto day = second / seconds_per_day;
  auto second_of_day = second % seconds_per_day;
  if (second_of_day < 0) {
    second_of_day += seconds_per_day;
    --day;
  }
  auto [year, month, day_of_month] = date_of(day);
  char text[] = "0000-00-00T00:00:00.000000Z";
  put_digits(text, static_cast<uint64_t>(year), 4);
  put_digits(text + 5, month, 2);
  put_digits(text + 8, day_of_month, 2);
  put_digits(text + 11, static_cast<uint64_t>(second_of_day / 3600), 2);
  put_digits(text + 14, static_cast<uint64_t>(second_of_day / 60 % 60), 2);
  put_digits(text + 17, static_cast<uint64_t>(second_of_day % 60), 2);
  put_digits(text + 20, static_cast<uint64_t>(fraction), 6);
  out.append(text, sizeof(text) - 1);
}

std::string to_text(timestamp time) {
  std::string out;
  append_time(out, time);
  return out;
}

std::optional<timestamp> parse_time(std::string_view text, timestamp now) {
  if (text.size() > 1 && (text.front() == '+' || text.front() == '-' || text.front() == ' ')) {
    auto distance = parse_duration(text.substr(1));
    if (!distance || *distance > std::chrono::hours{24 * 366 * 100})
      return std::nullopt;
    return text.front() == '-' ? now - *distance : now + *distance;
  }
  scanner in{text};
  auto year = in.number(4);
  in.expect("-");
  auto month = in.number(2);
  in.expect("-");
  auto day = in.number(2);
  in.expect("Tt ");
  auto hour = in.number(2);
  in.expect(":");
  auto minute = in.number(2);
  in.expect(":");
  auto second = in.number(2);
  auto fraction = in.take(".,") ? in.fraction() : 0;
  auto offset = in.ok() ? scan_offset(in) : 0;
  if (!in.ok() || !in.at_end() || year < 1970 || month < 1 || month > 12 || day < 1 ||
      day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  auto seconds = days_of(year, month, day) * seconds_per_day + hour * 3600 + minute * 60 + second - offset;
  return timestamp{microseconds{seconds * microseconds_per_second + fraction}};
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0))
    return std::nullopt;
  std::string_view unit{end, static_cast<size_t>(text.data() + text.size() - end)};
  double scale = unit == "ms"                 ? 1
                 : unit == "s" || unit.empty() ? 1000
                 : unit == "m"                 ? 60e3
                 : unit == "h"                 ? 3600e3
                 : unit == "d"                 ? 86400e3
                                               : 0;
  if (scale == 0 || number * scale > longest_ms)
    return std::nullopt;
  return milliseconds{std::llround(number * scale)};
}

} // namespace overwatch::http
