#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch {

/// A plain value on its way into or out of a chunk.
struct script_value {
  enum class kind : uint8_t { null, boolean, integer, number, text, list, object };

  script_value() = default;
  script_value(bool x) : is{kind::boolean}, boolean{x} {}
  script_value(int64_t x) : is{kind::integer}, integer{x} {}
  script_value(double x) : is{kind::number}, number{x} {}
  script_value(std::string x) : is{kind::text}, text{std::move(x)} {}
  script_value(std::string_view x) : script_value{std::string{x}} {}
  script_value(const char* x) : script_value{std::string{x}} {}

  static script_value make(kind x) {
    script_value result;
    result.is = x;
    return result;
  }

  kind is = kind::null;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0; ///< finite
  std::string text;
  std::vector<script_value> items;            ///< of a list
  std::map<std::string, script_value> fields; ///< of an object; a table without anything is one, too
};

/// Appends `x` as JSON. Text that is not UTF-8 is refused with its place: the result is empty, or a sentence.
std::string append_json(std::string& out, const script_value& x);

/// The same for a task: an empty table where a task has a list is an empty list.
std::string append_task_json(std::string& out, script_value x);

} // namespace overwatch
