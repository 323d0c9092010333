#include "http/json_text.hpp"

#include "http/time_text.hpp"

#include <charconv>
#include <cmath>

namespace overwatch::http {

namespace {

// What is not ASCII is looked at, because it may not be UTF-8.
bool needs_care(unsigned char c) { return c < 0x20 || c == '"' || c == '\\' || c >= 0x80; }

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD

// Bytes of the UTF-8 sequence at the start of `text`; 0 when there is none.
size_t sequence_size(std::string_view text) {
  auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  auto first = at(0);
  size_t size = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (size > text.size())
    return 0;
  for (size_t i = 1; i < size; ++i)
    if ((at(i) & 0xC0) != 0x80)
      return 0;
  bool is_wrong = (first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) > 0x9F) // too long; a surrogate
                  || (first == 0xF0 && at(1) < 0x90) || (first == 0xF4 && at(1) > 0x8F);
  return is_wrong ? 0 : size;
}

void append_escape(std::string& out, unsigned char c) {
  constexpr char digits[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += "\\u00";
      out += digits[c >> 4];
      out += digits[c & 0xF];
  }
}

template <class Integer>
void append_integer(std::string& out, Integer number) {
  char text[24];
  auto end = std::to_chars(text, text + sizeof(text), number).ptr;
  out.append(text, end);
}

void append_member_value(std::string& out, const std::string& value) { append_quoted(out, value); }
void append_member_value(std::string& out, uint64_t value) { append_number(out, value); }

template <class Value>
void append_map(std::string& out, const std::map<std::string, Value>& values) {
  out += '{';
  bool first = true;
  for (const auto& [name, value] : values) {
    if (!first)
      out += ',';
    first = false;
    append_quoted(out, name);
    out += ':';
    append_member_value(out, value);
  }
  out += '}';
}

} // namespace

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (!needs_care(c))
      continue;
    if (c >= 0x80)
      if (auto size = sequence_size(text.substr(i)); size > 0) {
        i += size - 1;
        continue;
      }
    out.append(text, start, i - start);
    if (c >= 0x80)
      out += replacement;
    else
      append_escape(out, c);
    start = i + 1;
  }
  out.append(text, start, text.size() - start);
  out += '"';
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    auto size = sequence_size(text);
    if (size == 0)
      return false;
    text.remove_prefix(size);
  }
  return true;
}

void append_number(std::string& out, uint64_t number) { append_integer(out, number); }
void append_number(std::string& out, int64_t number) { append_integer(out, number); }

void append_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  char text[40];
  auto end = std::to_chars(text, text + sizeof(text), number).ptr;
  std::string_view written{text, static_cast<size_t>(end - text)};
  out += written;
  if (written.find_first_of(".e") == std::string_view::npos)
    out += ".0"; // stays a floating point number for readers that tell them apart
}

std::string& object_writer::member(std::string_view key) {
  if (!first_)
    out_ += ',';
  first_ = false;
  out_ += '"';
  out_ += key;
  out_ += "\":";
  return out_;
}

object_writer& object_writer::text(std::string_view key, std::string_view value) {
  append_quoted(member(key), value);
  return *this;
}

object_writer& object_writer::text_or_null(std::string_view key, std::string_view value) {
  return value.empty() ? null(key) : text(key, value);
}

object_writer& object_writer::boolean(std::string_view key, bool value) {
  member(key) += value ? "true" : "false";
  return *this;
}

object_writer& object_writer::null(std::string_view key) {
  member(key) += "null";
  return *this;
}

object_writer& object_writer::raw(std::string_view key, std::string_view json) {
  member(key) += json.empty() ? std::string_view{"null"} : json;
  return *this;
}

object_writer& object_writer::seconds(std::string_view key, milliseconds value) {
  auto& out = member(key);
  if (value.count() % 1000 == 0)
    append_number(out, static_cast<int64_t>(value.count() / 1000));
  else
    append_number(out, static_cast<double>(value.count()) / 1000);
  return *this;
}

object_writer& object_writer::time(std::string_view key, timestamp value) {
  auto& out = member(key);
  out += '"';
  append_time(out, value);
  out += '"';
  return *this;
}

object_writer& object_writer::time(std::string_view key, const std::optional<timestamp>& value) {
  return value ? time(key, *value) : null(key);
}

object_writer& object_writer::texts(std::string_view key, const std::vector<std::string>& values) {
  auto& out = member(key);
  append_array(out, values, [&](const std::string& x) { append_quoted(out, x); });
  return *this;
}

object_writer& object_writer::map(std::string_view key, const std::map<std::string, std::string>& values) {
  append_map(member(key), values);
  return *this;
}

object_writer& object_writer::map(std::string_view key, const std::map<std::string, uint64_t>& values) {
  append_map(member(key), values);
  return *this;
}

object_writer& object_writer::number(std::string_view key, double value) {
  append_number(member(key), value);
  return *this;
}

} // namespace overwatch::http
