#pragma once

#include "messages/time.hpp"

#include <boost/json.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reads requests: every value is checked against what is allowed there, and all that is wrong with a
/// document is reported together, each with its place as a JSON pointer.
namespace overwatch::http {

namespace json = boost::json;

/// Where a value is in its document: a chain on the stack that becomes text only when something is wrong.
class place {
public:
  enum class document : uint8_t { body, query };

  explicit place(document root = document::body) : root_{root} {}

  place child(std::string_view key) const { return place{this, key, 0, false}; }
  place child(size_t index) const { return place{this, {}, index, true}; }

  /// A JSON pointer (`/retry/max_attempts`) in a body; the bare name of a query parameter.
  std::string pointer() const;

  /// The same as a JSON array: `["body","retry","max_attempts"]`.
  std::string location() const;

private:
  place(const place* parent, std::string_view key, size_t index, bool is_index)
    : parent_{parent}, key_{key}, index_{index}, is_index_{is_index}, root_{parent->root_} {}

  const place* parent_ = nullptr;
  std::string_view key_;
  size_t index_ = 0;
  bool is_index_ = false;
  document root_;
};

/// One thing that is wrong with a request.
struct field_error {
  std::string field;    ///< JSON pointer or name of the parameter
  std::string location; ///< JSON array
  std::string kind;     ///< `missing`, `extra_forbidden`, `value_error`
  std::string message;  ///< a sentence without the field's name
  std::string value;    ///< JSON text, shortened; empty when there is none
  std::vector<std::string> allowed;
};

class error_list {
public:
  static constexpr size_t max_errors = 20; ///< more are counted, not kept

  void add(const place& at, std::string_view kind, std::string message, const json::value* value = nullptr,
           std::vector<std::string> allowed = {});

  bool empty() const { return errors_.empty(); }
  size_t count() const { return errors_.size() + dropped_; }
  const std::vector<field_error>& errors() const { return errors_; }

  /// One line: the first error with its field, and how many more there are.
  std::string summary() const;

private:
  std::vector<field_error> errors_;
  size_t dropped_ = 0;
};

/// A value, its place, and where to report.
struct input {
  const json::value& value;
  const place& at;
  error_list& errors;

  /// Reports `expected ..., got <value>`.
  void refuse(std::string_view expected, std::vector<std::string> allowed = {}) const;
};

/// What is wrong with the syntax of a text.
struct syntax_error {
  size_t position = 0; ///< byte, from 0
  std::string message; ///< a sentence with line and column
};

/// Parses `text` into `out`, with memory from `memory`. Nested at most 32 deep, UTF-8 without a byte order
/// mark. Of equal keys the last one wins.
std::optional<syntax_error> parse_json(std::string_view text, const json::storage_ptr& memory, json::value& out);

/// True when the whole text is one JSON value, within the limits of `parse_json`.
bool is_json(std::string_view text);

/// Each reader leaves `out` alone and reports when the value is not what is allowed.
bool read_text(const input& in, size_t min_bytes, size_t max_bytes, std::string& out);
bool read_integer(const input& in, int64_t min, int64_t max, int64_t& out);
bool read_number(const input& in, double min, double max, double& out);
bool read_boolean(const input& in, bool& out);
bool read_texts(const input& in, size_t max_entries, size_t max_bytes, std::vector<std::string>& out);
bool read_text_map(const input& in, size_t max_entries, size_t max_bytes, std::map<std::string, std::string>& out);
bool read_time(const input& in, timestamp now, timestamp& out);

/// A number of seconds or a text like `5m`.
bool read_duration(const input& in, milliseconds min, milliseconds max, milliseconds& out);

/// Appends the value as compact JSON; numbers that are not finite are reported.
void append_value(const input& in, std::string& out);

template <class Integer>
bool read_unsigned(const input& in, int64_t min, int64_t max, Integer& out) {
  int64_t number = 0;
  if (!read_integer(in, min, max, number))
    return false;
  out = static_cast<Integer>(number);
  return true;
}

/// The position of the value among `count` names, in any case.
bool find_name(const input& in, const std::string_view* names, size_t count, size_t& position);

/// One of `names`, in any case; the value is its position.
template <class Enum, size_t N>
bool read_name(const input& in, const std::array<std::string_view, N>& names, Enum& out) {
  size_t position = 0;
  if (!find_name(in, names.data(), N, position))
    return false;
  out = static_cast<Enum>(position);
  return true;
}

/// How one member of an object is read.
template <class Target>
struct field_rule {
  std::string_view name;
  void (*read)(const input& in, Target& target);
};

/// Reports that an object lacks a member.
void refuse_missing(const place& object, error_list& errors, std::string_view name);

/// Reports a member that no rule knows, with the nearest of the names that are allowed.
void refuse_unknown(const place& at, error_list& errors, std::string_view name, std::vector<std::string> allowed);

/// Reads an object by its rules; members without a rule are errors. False when it is no object.
template <class Target, size_t N>
bool read_object(const input& in, const std::array<field_rule<Target>, N>& rules, Target& target) {
  const auto* object = in.value.if_object();
  if (object == nullptr) {
    in.refuse("an object");
    return false;
  }
  for (const auto& member : *object) {
    std::string_view name{member.key().data(), member.key().size()};
    auto at = in.at.child(name);
    const field_rule<Target>* found = nullptr;
    for (const auto& rule : rules)
      if (rule.name == name)
        found = &rule;
    if (found != nullptr) {
      found->read(input{member.value(), at, in.errors}, target);
      continue;
    }
    std::vector<std::string> allowed;
    for (const auto& rule : rules)
      allowed.emplace_back(rule.name);
    refuse_unknown(at, in.errors, name, std::move(allowed));
  }
  return true;
}

} // namespace overwatch::http
