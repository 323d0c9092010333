#include "runtime/security/suppressions.hpp"

#include "runtime/handlers/json_text.hpp"
#include "runtime/security/lines.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace overwatch::security {

namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, const char* field) {
  const auto* value = object.if_contains(field);
  return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

bool covers(const suppressions::value_type& one, const std::string& id, timestamp now) {
  if (one.second.until && *one.second.until <= now)
    return false;
  return matches(one.first, id);
}

// Seconds since 1970: what the command line writes.
std::optional<timestamp> time_of(const json::value& value) {
  constexpr int64_t latest = 253'402'300'799; // the end of the year 9999
  json::error_code error;
  auto seconds = value.is_number() ? value.to_number<int64_t>(error) : -1;
  if (error || seconds < 0 || seconds > latest)
    return std::nullopt;
  return timestamp{std::chrono::seconds{seconds}};
}

} // namespace

std::string parse_suppressions(std::string_view text, suppressions& result) {
  json::object all;
  if (auto error = parse_payload(text, all); !error.empty())
    return std::string{"the key "} + suppressions_key + " is no JSON object: nothing is suppressed";
  std::string wrong;
  for (const auto& [id, value] : all) {
    const auto* entry = value.if_object();
    const auto* until = entry == nullptr ? nullptr : entry->if_contains("until");
    suppression one;
    if (until != nullptr && !until->is_null())
      one.until = time_of(*until);
    auto good = entry != nullptr && (until == nullptr || until->is_null() || one.until);
    if (!good) {
      wrong += (wrong.empty() ? "" : ", ") + std::string{id};
      continue;
    }
    one.reason = text_of(*entry, "reason");
    one.by = text_of(*entry, "by");
    result.emplace(id, std::move(one));
  }
  return wrong.empty() ? std::string{}
                       : std::string{"suppressions in the key "} + suppressions_key + " that cannot be read: " + wrong;
}

const suppressions::value_type* covering(const suppressions& all, const std::string& id, timestamp now) {
  if (auto exact = all.find(id); exact != all.end() && covers(*exact, id, now))
    return &*exact;
  auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return covers(one, id, now); });
  return found == all.end() ? nullptr : &*found;
}

} // namespace overwatch::security
