#pragma once

#include "messages/time.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Writes JSON by appending to one string: answers are built in one pass and sent in one write.
namespace overwatch::http {

/// A string literal with quotes; control characters, quotes and backslashes escaped. What is not UTF-8 in `text`
/// (which handlers and CAF programs may send) becomes U+FFFD, so that the answer is JSON whatever they do.
void append_quoted(std::string& out, std::string_view text);

bool is_utf8(std::string_view text);

void append_number(std::string& out, uint64_t number);
void append_number(std::string& out, int64_t number);

/// The shortest text that reads back as the same double; `null` when it is not finite.
void append_number(std::string& out, double number);

/// Writes one object member by member. The closing brace comes with `close`.
class object_writer {
public:
  explicit object_writer(std::string& out) : out_{out} { out_ += '{'; }

  /// Starts a member whose value the caller appends. `key` needs no escaping.
  std::string& member(std::string_view key);

  object_writer& text(std::string_view key, std::string_view value);
  object_writer& text_or_null(std::string_view key, std::string_view value); ///< null when empty
  object_writer& boolean(std::string_view key, bool value);
  object_writer& null(std::string_view key);
  object_writer& raw(std::string_view key, std::string_view json); ///< null when empty
  object_writer& seconds(std::string_view key, milliseconds value);
  object_writer& time(std::string_view key, timestamp value);
  object_writer& time(std::string_view key, const std::optional<timestamp>& value);
  object_writer& texts(std::string_view key, const std::vector<std::string>& values);
  object_writer& map(std::string_view key, const std::map<std::string, std::string>& values);
  object_writer& map(std::string_view key, const std::map<std::string, uint64_t>& values);

  object_writer& number(std::string_view key, double value);
  template <class Integer>
  object_writer& integer(std::string_view key, Integer value) {
    append_number(member(key), static_cast<uint64_t>(value));
    return *this;
  }

  void close() { out_ += '}'; }

private:
  std::string& out_;
  bool first_ = true;
};

/// `[` f(x0) `,` f(x1) ... `]`, where f appends one element.
template <class Range, class Function>
void append_array(std::string& out, const Range& range, Function f) {
  out += '[';
  bool first = true;
  for (const auto& x : range) {
    if (!first)
      out += ',';
    first = false;
    f(x);
  }
  out += ']';
}

} // namespace overwatch::http
