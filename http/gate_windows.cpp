#include "http/gate_windows.hpp"

#include "http/json_text.hpp"

#include <algorithm>

namespace overwatch::http {

namespace {

constexpr std::array<std::string_view, 7> day_names{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::string_view expected_days = "days like \"mon\" or \"mon-fri\", of mon, tue, wed, thu, fri, sat, sun";
constexpr uint16_t minutes_per_hour = 60;
constexpr size_t max_days_text_bytes = 256;

struct window_body {
  time_window window;
  bool has_from = false;
  bool has_to = false;
};

std::optional<size_t> parse_day(std::string_view text) {
  auto found = std::find(day_names.begin(), day_names.end(), text);
  if (found == day_names.end())
    return std::nullopt;
  return static_cast<size_t>(found - day_names.begin());
}

// The bits of `mon` or `fri-mon`; 0 when it is neither.
uint8_t parse_days(std::string_view text) {
  auto dash = text.find('-');
  auto first = parse_day(text.substr(0, dash));
  auto last = dash == std::string_view::npos ? first : parse_day(text.substr(dash + 1));
  if (!first || !last)
    return 0;
  uint8_t out = 0;
  for (auto day = *first;; day = (day + 1) % day_names.size()) {
    out = static_cast<uint8_t>(out | 1U << day);
    if (day == *last)
      return out;
  }
}

void read_day_text(const input& in, uint8_t& days) {
  std::string text;
  if (!read_text(in, 1, max_days_text_bytes, text))
    return;
  std::string_view left = text;
  while (true) {
    auto end = left.find(',');
    auto bits = parse_days(left.substr(0, end));
    if (bits == 0) {
      in.refuse(expected_days, {day_names.begin(), day_names.end()});
      return;
    }
    days = static_cast<uint8_t>(days | bits);
    if (end == std::string_view::npos)
      return;
    left.remove_prefix(end + 1);
  }
}

void read_days(const input& in, uint8_t& out) {
  uint8_t days = 0;
  auto before = in.errors.count();
  if (const auto* array = in.value.if_array(); array == nullptr)
    read_day_text(in, days);
  else if (array->empty() || array->size() > day_names.size())
    in.refuse("1 to 7 " + std::string{expected_days});
  else
    for (size_t i = 0; i < array->size(); ++i)
      read_day_text({(*array)[i], in.at.child(i), in.errors}, days);
  if (in.errors.count() == before)
    out = days;
}

std::optional<uint16_t> parse_clock(std::string_view text) {
  auto digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : 100; };
  if (text.size() != 5 || text[2] != ':')
    return std::nullopt;
  auto hours = digit(0) * 10 + digit(1);
  auto minutes = digit(3) * 10 + digit(4);
  if (hours > 23 || minutes > 59)
    return std::nullopt;
  return static_cast<uint16_t>(hours * minutes_per_hour + minutes);
}

void read_clock(const input& in, uint16_t& out) {
  const auto* text = in.value.if_string();
  auto minutes = text == nullptr ? std::nullopt : parse_clock({text->data(), text->size()});
  if (minutes)
    out = *minutes;
  else
    in.refuse("a time of day from \"00:00\" to \"23:59\"");
}

constexpr std::array<field_rule<window_body>, 3> window_rules{{
  {"days", [](const input& in, window_body& x) { read_days(in, x.window.days); }},
  {"from",
   [](const input& in, window_body& x) {
     x.has_from = true;
     read_clock(in, x.window.from);
   }},
  {"to",
   [](const input& in, window_body& x) {
     x.has_to = true;
     read_clock(in, x.window.to);
   }},
}};

std::string clock_text(uint16_t minutes) {
  std::string out = "00:00";
  out[0] = static_cast<char>('0' + minutes / minutes_per_hour / 10);
  out[1] = static_cast<char>('0' + minutes / minutes_per_hour % 10);
  out[3] = static_cast<char>('0' + minutes % minutes_per_hour / 10);
  out[4] = static_cast<char>('0' + minutes % 10);
  return out;
}

} // namespace

void read_windows(const input& in, std::vector<time_window>& out) {
  const auto* array = in.value.if_array();
  if (array == nullptr || array->size() > max_windows) {
    in.refuse("an array of at most " + std::to_string(max_windows) + " windows");
    return;
  }
  for (size_t i = 0; i < array->size(); ++i) {
    window_body body;
    auto at = in.at.child(i);
    if (!read_object({(*array)[i], at, in.errors}, window_rules, body))
      continue;
    if (!body.has_from)
      refuse_missing(at, in.errors, "from");
    if (!body.has_to)
      refuse_missing(at, in.errors, "to");
    out.push_back(body.window);
  }
}

void append_windows(std::string& out, const std::vector<time_window>& windows) {
  append_array(out, windows, [&](const time_window& x) {
    std::vector<std::string> days;
    for (size_t day = 0; day < day_names.size(); ++day)
      if ((x.days >> day & 1) != 0)
        days.emplace_back(day_names[day]);
    object_writer json{out};
    json.texts("days", days).text("from", clock_text(x.from)).text("to", clock_text(x.to)).close();
  });
}

} // namespace overwatch::http
