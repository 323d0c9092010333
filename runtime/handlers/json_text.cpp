#include "runtime/handlers/json_text.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace overwatch {

namespace {

void append(std::string& out, const boost::json::value& value);

void append(std::string& out, double x) {
  char text[32];
  auto size = std::abs(x) < 1e15 ? std::to_chars(text, text + sizeof(text), x, std::chars_format::fixed)
                                 : std::to_chars(text, text + sizeof(text), x);
  if (std::isfinite(x) && size.ec == std::errc{})
    out.append(text, size.ptr);
  else
    out += boost::json::serialize(boost::json::value(x)); // more digits than fit
}

void append(std::string& out, const boost::json::object& object) {
  out += '{';
  for (const auto& [key, value] : object) {
    if (out.back() != '{')
      out += ',';
    out += boost::json::serialize(key);
    out += ':';
    append(out, value);
  }
  out += '}';
}

void append(std::string& out, const boost::json::array& array) {
  out += '[';
  for (const auto& value : array) {
    if (out.back() != '[')
      out += ',';
    append(out, value);
  }
  out += ']';
}

void append(std::string& out, const boost::json::value& value) {
  if (const auto* object = value.if_object())
    append(out, *object);
  else if (const auto* array = value.if_array())
    append(out, *array);
  else if (value.is_double())
    append(out, value.get_double());
  else
    out += boost::json::serialize(value);
}

} // namespace

std::string json_text(const boost::json::value& value) {
  std::string out;
  append(out, value);
  return out;
}

double rounded(double x, int digits) {
  auto factor = std::pow(10.0, digits);
  auto result = std::round(x * factor) / factor;
  return std::isfinite(result) ? result : 0.0;
}

std::string iso_time(timestamp time) {
  auto micros = time.time_since_epoch().count();
  auto seconds = static_cast<std::time_t>(micros / 1'000'000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  auto size = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + size, sizeof(text) - size, ".%06dZ", static_cast<int>(micros % 1'000'000));
  return text;
}

std::string parse_payload(std::string_view text, boost::json::object& payload) {
  payload.clear();
  if (text.empty())
    return {};
  boost::json::error_code error;
  auto value = boost::json::parse({text.data(), text.size()}, error);
  if (error)
    return "the payload is not JSON: " + error.message();
  if (!value.is_object())
    return "the payload must be a JSON object";
  payload = std::move(value.get_object());
  return {};
}

std::string read_number(const boost::json::object& object, std::string_view key, std::string_view path, double low,
                        double high, double& x) {
  const auto* value = object.if_contains({key.data(), key.size()});
  if (value == nullptr)
    return {};
  auto allowed = "must be a number from " + json_text(low) + " to " + json_text(high);
  boost::json::error_code error;
  if (!value->is_number())
    return "payload." + std::string{path} + " is " + json_text(*value).substr(0, 64) + ": it " + allowed;
  auto number = value->to_number<double>(error);
  if (error || !(number >= low && number <= high))
    return "payload." + std::string{path} + " is " + json_text(*value).substr(0, 64) + ": it " + allowed;
  x = number;
  return {};
}

} // namespace overwatch
