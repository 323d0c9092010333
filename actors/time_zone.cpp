#include "actors/time_zone.hpp"

#include "messages/error_code.hpp"

#include <date/tz.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <vector>

namespace overwatch {

namespace {

constexpr size_t max_suggestions = 3;
constexpr size_t max_shown_bytes = 64;

std::string lower_case(std::string text) {
  for (auto& c : text)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// Letters to insert, delete or change.
size_t edit_distance(const std::string& x, const std::string& y) {
  std::vector<size_t> row(y.size() + 1);
  for (size_t j = 0; j <= y.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= x.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= y.size(); ++j) {
      auto above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (x[i - 1] == y[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[y.size()];
}

/// Zones whose name, or whose part after the last slash, is like `name`.
std::string suggestions(const std::string& name) {
  auto wanted = lower_case(name.substr(0, max_shown_bytes));
  std::vector<std::pair<size_t, std::string>> near;
  for (const auto& zone : date::get_tzdb().zones) {
    auto whole = lower_case(zone.name());
    auto city = whole.substr(whole.rfind('/') + 1); // npos + 1 is 0
    auto distance = std::min(edit_distance(wanted, whole), edit_distance(wanted, city));
    if (distance <= 1 + wanted.size() / 5)
      near.emplace_back(distance, zone.name());
  }
  std::sort(near.begin(), near.end());
  near.resize(std::min(near.size(), max_suggestions));
  std::string result;
  for (const auto& [distance, zone] : near)
    result += (result.empty() ? "" : ", ") + zone;
  return result;
}

} // namespace

caf::expected<time_zone> time_zone::find(const std::string& name) {
  try {
    const auto* zone = date::locate_zone(name);
    zone->get_info(std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>{}); // reads its file
    return time_zone{zone};
  } catch (const std::exception&) {
    std::string like;
    try {
      like = suggestions(name);
    } catch (const std::exception& fault) {
      return make_error(
        ec::unavailable,
        std::string{"the machine's time zone database (package tzdata) cannot be read: "} + fault.what(), "/time_zone");
    }
    return make_error(ec::invalid,
                      '"' + name.substr(0, max_shown_bytes) + "\" is not a time zone that this machine knows; " +
                        (like.empty() ? "give an IANA name, as Europe/Berlin or UTC" : "did you mean " + like + '?'),
                      "/time_zone");
  }
}

zone_period time_zone::at(std::chrono::seconds utc) const {
  auto info = zone_->get_info(std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>{utc});
  return {info.begin.time_since_epoch(), info.end.time_since_epoch(), info.offset};
}

} // namespace overwatch
