#pragma once

#include "messages/time.hpp"

#include <boost/json.hpp>

#include <string>
#include <string_view>

namespace overwatch {

/// JSON as people write it: 12.5 where the library would write 1.25E1.
std::string json_text(const boost::json::value& value);

/// `x` with at most `digits` decimals; 0 when it is not finite.
double rounded(double x, int digits = 1);

/// UTC with microseconds: 2026-11-22T05:06:05.123456Z.
std::string iso_time(timestamp time);

/// Fills `payload` from a task's payload, where no text at all means an empty object. Empty, or a sentence
/// that says what is wrong.
std::string parse_payload(std::string_view text, boost::json::object& payload);

/// Fills `x` when `object` has `key`. Empty, or a sentence that names `path`, the value and what is allowed.
std::string read_number(const boost::json::object& object, std::string_view key, std::string_view path, double low,
                        double high, double& x);

} // namespace overwatch
