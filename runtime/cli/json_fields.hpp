#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

/// Reads JSON that a node answered, leniently: a newer node may say more, an older one less.
namespace overwatch::cli {

/// Nothing when `text` is not JSON.
std::optional<boost::json::value> parse_json(std::string_view text);

/// The member of an object; null when `value` is no object or has no such member.
const boost::json::value* find_field(const boost::json::value& value, std::string_view name);

/// The member as text for people: empty when it is absent or null.
std::string text_of(const boost::json::value& value, std::string_view name);

/// `value` itself as text for people: texts without quotes, null as nothing, numbers and the rest as JSON.
std::string text_of(const boost::json::value& value);

/// The member as a number; nothing when it is absent or none.
std::optional<double> number_of(const boost::json::value& value, std::string_view name);

/// The member as a count, 0 when it is absent.
uint64_t count_of(const boost::json::value& value, std::string_view name);

bool is_true(const boost::json::value& value, std::string_view name);

/// The array that `value` is, or its member `name`; an empty one when there is neither.
const boost::json::array& list_of(const boost::json::value& value, std::string_view name);

/// JSON over several lines, indented by two spaces from `indent` on.
std::string pretty(const boost::json::value& value, size_t indent = 0);

} // namespace overwatch::cli
