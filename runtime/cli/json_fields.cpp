#include "runtime/cli/json_fields.hpp"

#include <boost/json.hpp>
#include <cmath>
#include <cstdio>

namespace overwatch::cli {

namespace {

// A node nests no deeper; the stack is bounded whatever answers.
constexpr size_t max_depth = 64;

// Boost.JSON writes 40.0 as 4E1.
std::string number_text(double number) {
  constexpr double exact = 9e15; // whole numbers below it have no other text
  char text[32];
  const bool whole = std::abs(number) < exact && number == std::floor(number);
  return {text, static_cast<size_t>(std::snprintf(text, sizeof(text), whole ? "%.0f" : "%.10g", number))};
}

std::string leaf_text(const boost::json::value& value) {
  return value.is_double() ? number_text(value.get_double()) : boost::json::serialize(value);
}

} // namespace

std::optional<boost::json::value> parse_json(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = max_depth;
  boost::json::error_code error;
  auto result = boost::json::parse({text.data(), text.size()}, error, {}, options);
  if (error)
    return std::nullopt;
  return result;
}

const boost::json::value* find_field(const boost::json::value& value, std::string_view name) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains({name.data(), name.size()});
}

std::string text_of(const boost::json::value& value) {
  if (value.is_null())
    return {};
  if (const auto* text = value.if_string())
    return {text->data(), text->size()};
  return leaf_text(value);
}

std::string text_of(const boost::json::value& value, std::string_view name) {
  const auto* field = find_field(value, name);
  return field == nullptr ? std::string{} : text_of(*field);
}

std::optional<double> number_of(const boost::json::value& value, std::string_view name) {
  const auto* field = find_field(value, name);
  if (field == nullptr || !field->is_number())
    return std::nullopt;
  return field->to_number<double>();
}

uint64_t count_of(const boost::json::value& value, std::string_view name) {
  const auto number = number_of(value, name);
  return number && *number > 0 ? static_cast<uint64_t>(*number) : 0;
}

bool is_true(const boost::json::value& value, std::string_view name) {
  const auto* field = find_field(value, name);
  return field != nullptr && field->is_bool() && field->get_bool();
}

const boost::json::array& list_of(const boost::json::value& value, std::string_view name) {
  static const boost::json::array none;
  const auto* list = value.is_array() ? &value : find_field(value, name);
  return list != nullptr && list->is_array() ? list->get_array() : none;
}

std::string pretty(const boost::json::value& value, size_t indent) {
  const std::string space(indent + 2, ' ');
  std::string result;
  const auto add = [&](const std::string& text) { result += (result.size() > 1 ? ",\n" : "\n") + space + text; };
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    result = "{";
    for (const auto& member : *object)
      add(boost::json::serialize(boost::json::string{member.key()}) + ": " + pretty(member.value(), indent + 2));
    return result + "\n" + std::string(indent, ' ') + "}";
  }
  if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    result = "[";
    for (const auto& entry : *array)
      add(pretty(entry, indent + 2));
    return result + "\n" + std::string(indent, ' ') + "]";
  }
  return leaf_text(value);
}

} // namespace overwatch::cli
