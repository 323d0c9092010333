#include "http/json_reader.hpp"

#include "http/json_text.hpp"
#include "http/time_text.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace overwatch::http {

namespace {

constexpr size_t shown_value_bytes = 80;  // of a wrong value in an error
constexpr size_t nearest_names = 5;       // named in the sentence; all of them are in `allowed`
constexpr size_t max_compared_bytes = 64; // of a name that is compared with the allowed ones
constexpr size_t parse_buffer_bytes = 2048;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Cuts at a character of UTF-8.
std::string shortened(std::string text) {
  if (text.size() <= shown_value_bytes)
    return text;
  auto size = shown_value_bytes;
  while (size > 0 && is_continuation(text[size]))
    --size;
  text.resize(size);
  return text + "...";
}

std::string show(const json::value& value) {
  if (value.is_object())
    return "an object";
  if (value.is_array())
    return "an array";
  if (const auto* number = value.if_double(); number != nullptr && !std::isfinite(*number))
    return "a number that is too large";
  if (const auto* text = value.if_string()) {
    std::string out;
    append_quoted(out, shortened(std::string{view(*text)}));
    return out;
  }
  return json::serialize(value);
}

// The same as JSON, for programs.
std::string shown_json(const json::value& value) {
  if (value.is_object() || value.is_array())
    return {};
  if (const auto* number = value.if_double(); number != nullptr && !std::isfinite(*number))
    return {};
  return show(value);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_in_any_case(std::string_view x, std::string_view y) {
  return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](char a, char b) { return lower(a) == lower(b); });
}

// Levenshtein's distance.
size_t distance(std::string_view x, std::string_view y) {
  std::vector<size_t> row(y.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < x.size(); ++i) {
    auto diagonal = row[0]++;
    for (size_t j = 0; j < y.size(); ++j) {
      auto changed = diagonal + (lower(x[i]) == lower(y[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j + 1] + 1, row[j] + 1, changed});
    }
  }
  return row.back();
}

std::string list_of(const std::string_view* names, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i)
    out.append(i == 0 ? "" : ", ").append(names[i]);
  return out;
}

std::string position_text(std::string_view text, size_t position) {
  position = std::min(position, text.size());
  auto before = text.substr(0, position);
  auto line = 1 + std::count(before.begin(), before.end(), '\n');
  auto start = before.rfind('\n');
  auto column = start == std::string_view::npos ? position + 1 : position - start;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

void append_pointer_part(std::string& out, std::string_view key) {
  out += '/';
  for (char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
}

} // namespace

std::string place::pointer() const {
  if (parent_ == nullptr)
    return {};
  if (root_ == document::query)
    return std::string{key_};
  auto out = parent_->pointer();
  append_pointer_part(out, is_index_ ? std::to_string(index_) : std::string{key_});
  return out;
}

std::string place::location() const {
  if (parent_ == nullptr)
    return root_ == document::body ? "[\"body\"]" : "[\"query\"]";
  auto out = parent_->location();
  out.back() = ',';
  if (is_index_)
    append_number(out, static_cast<uint64_t>(index_));
  else
    append_quoted(out, key_);
  return out + ']';
}

void error_list::add(const place& at, std::string_view kind, std::string message, const json::value* value,
                     std::vector<std::string> allowed) {
  if (errors_.size() >= max_errors) {
    ++dropped_;
    return;
  }
  errors_.push_back({at.pointer(), at.location(), std::string{kind}, std::move(message),
                     value == nullptr ? std::string{} : shown_json(*value), std::move(allowed)});
}

std::string error_list::summary() const {
  if (errors_.empty())
    return {};
  const auto& first = errors_.front();
  auto out = first.field.empty() ? first.message : first.field + ": " + first.message;
  if (count() > 1)
    out += " (and " + std::to_string(count() - 1) + " more)";
  return out;
}

void input::refuse(std::string_view expected, std::vector<std::string> allowed) const {
  errors.add(at, "value_error", "expected " + std::string{expected} + ", got " + show(value), &value,
             std::move(allowed));
}

std::optional<syntax_error> parse_json(std::string_view text, const json::storage_ptr& memory, json::value& out) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF")
    return syntax_error{0, "the text starts with a byte order mark; send UTF-8 without one"};
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return syntax_error{0, "the body is empty; a JSON document is expected"};
  unsigned char buffer[parse_buffer_bytes];
  json::parser parser{memory, json::parse_options{}, buffer};
  json::error_code error;
  auto position = parser.write_some(text.data(), text.size(), error);
  if (!error && position < text.size())
    error = json::error::extra_data;
  if (error) {
    auto reason = error == json::error::too_deep ? std::string{"nested deeper than 32"} : error.message();
    return syntax_error{position, "not JSON at " + position_text(text, position) + ": " + reason};
  }
  out = parser.release();
  return std::nullopt;
}

bool is_json(std::string_view text) {
  json::value value;
  return !parse_json(text, {}, value);
}

bool read_text(const input& in, size_t min_bytes, size_t max_bytes, std::string& out) {
  const auto* text = in.value.if_string();
  if (text == nullptr || text->size() < min_bytes || text->size() > max_bytes) {
    auto expected = "text of " + std::to_string(min_bytes) + " to " + std::to_string(max_bytes) + " bytes";
    if (text != nullptr && text->size() > max_bytes)
      in.errors.add(in.at, "value_error", "expected " + expected + ", got " + std::to_string(text->size()) + " bytes");
    else
      in.refuse(expected);
    return false;
  }
  out.assign(text->data(), text->size());
  return true;
}

bool read_integer(const input& in, int64_t min, int64_t max, int64_t& out) {
  json::error_code error;
  auto number = in.value.is_number() ? in.value.to_number<int64_t>(error) : 0;
  if (!in.value.is_number() || error || number < min || number > max) {
    in.refuse("an integer from " + std::to_string(min) + " to " + std::to_string(max));
    return false;
  }
  out = number;
  return true;
}

bool read_number(const input& in, double min, double max, double& out) {
  auto number = in.value.is_number() ? in.value.to_number<double>() : 0;
  if (!in.value.is_number() || !std::isfinite(number) || number < min || number > max) {
    std::string expected = "a number from ";
    append_number(expected, min);
    expected += " to ";
    append_number(expected, max);
    in.refuse(expected);
    return false;
  }
  out = number;
  return true;
}

bool read_boolean(const input& in, bool& out) {
  const auto* boolean = in.value.if_bool();
  if (boolean == nullptr) {
    in.refuse("true or false");
    return false;
  }
  out = *boolean;
  return true;
}

bool read_texts(const input& in, size_t max_entries, size_t max_bytes, std::vector<std::string>& out) {
  const auto* array = in.value.if_array();
  if (array == nullptr || array->size() > max_entries) {
    in.refuse("an array of at most " + std::to_string(max_entries) + " texts");
    return false;
  }
  std::vector<std::string> result(array->size());
  bool ok = true;
  for (size_t i = 0; i < array->size(); ++i)
    ok = read_text({(*array)[i], in.at.child(i), in.errors}, 1, max_bytes, result[i]) && ok;
  if (ok)
    out = std::move(result);
  return ok;
}

bool read_text_map(const input& in, size_t max_entries, size_t max_bytes, std::map<std::string, std::string>& out) {
  const auto* object = in.value.if_object();
  if (object == nullptr || object->size() > max_entries) {
    in.refuse("an object of at most " + std::to_string(max_entries) + " texts");
    return false;
  }
  bool ok = true;
  for (const auto& member : *object) {
    std::string key{member.key().data(), member.key().size()};
    auto at = in.at.child(key);
    if (key.empty() || key.size() > max_bytes) {
      in.errors.add(at, "value_error", "expected a key of 1 to " + std::to_string(max_bytes) + " bytes");
      ok = false;
      continue;
    }
    ok = read_text({member.value(), at, in.errors}, 0, max_bytes, out[key]) && ok;
  }
  return ok;
}

bool read_time(const input& in, timestamp now, timestamp& out) {
  const auto* text = in.value.if_string();
  auto time = text == nullptr ? std::nullopt : parse_time(view(*text), now);
  if (!time) {
    in.refuse("a time like \"2026-11-22T05:06:07Z\" (UTC when it has no offset) or \"+5m\"");
    return false;
  }
  out = *time;
  return true;
}

bool read_duration(const input& in, milliseconds min, milliseconds max, milliseconds& out) {
  std::optional<milliseconds> duration;
  if (const auto* text = in.value.if_string()) {
    duration = parse_duration(view(*text));
  } else if (in.value.is_number()) {
    auto seconds = in.value.to_number<double>();
    if (seconds >= 0 && seconds <= std::chrono::duration<double>(max).count())
      duration = milliseconds{std::llround(seconds * 1000)};
  }
  if (!duration || *duration < min || *duration > max) {
    in.refuse("seconds as a number, or text like \"30s\", \"5m\", \"2h\", \"1d\", \"250ms\"; from " +
              std::to_string(min.count()) + "ms to " + std::to_string(max.count() / 1000) + "s");
    return false;
  }
  out = *duration;
  return true;
}

bool find_name(const input& in, const std::string_view* names, size_t count, size_t& position) {
  const auto* text = in.value.if_string();
  for (size_t i = 0; text != nullptr && i < count; ++i)
    if (equal_in_any_case(view(*text), names[i])) {
      position = i;
      return true;
    }
  in.refuse("one of " + list_of(names, count), {names, names + count});
  return false;
}

void refuse_missing(const place& object, error_list& errors, std::string_view name) {
  errors.add(object.child(name), "missing", "this field is needed");
}

void refuse_unknown(const place& at, error_list& errors, std::string_view name, std::vector<std::string> allowed) {
  auto compared = name.substr(0, max_compared_bytes);
  auto nearest = allowed;
  std::stable_sort(nearest.begin(), nearest.end(), [&](const std::string& x, const std::string& y) {
    return distance(compared, x) < distance(compared, y);
  });
  nearest.resize(std::min(nearest.size(), nearest_names));
  std::string message = "unknown field; the nearest that are allowed: ";
  for (size_t i = 0; i < nearest.size(); ++i)
    message.append(i == 0 ? "" : ", ").append(nearest[i]);
  errors.add(at, "extra_forbidden", std::move(message), nullptr, std::move(allowed));
}

static void append_members(const input& in, std::string& out) {
  char separator = '{';
  for (const auto& member : in.value.get_object()) {
    std::string_view key{member.key().data(), member.key().size()};
    out += separator;
    separator = ',';
    append_quoted(out, key);
    out += ':';
    append_value({member.value(), in.at.child(key), in.errors}, out);
  }
  out += separator == '{' ? "{}" : "}";
}

void append_value(const input& in, std::string& out) {
  const auto& value = in.value;
  switch (value.kind()) {
    case json::kind::null:
      out += "null";
      break;
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      break;
    case json::kind::int64:
      append_number(out, value.get_int64());
      break;
    case json::kind::uint64:
      append_number(out, value.get_uint64());
      break;
    case json::kind::double_:
      if (!std::isfinite(value.get_double()))
        in.refuse("a number that a double can hold");
      append_number(out, value.get_double());
      break;
    case json::kind::string:
      append_quoted(out, view(value.get_string()));
      break;
    case json::kind::array: {
      size_t index = 0;
      append_array(out, value.get_array(), [&](const json::value& x) {
        append_value({x, in.at.child(index++), in.errors}, out);
      });
      break;
    }
    case json::kind::object:
      append_members(in, out);
      break;
  }
}

} // namespace overwatch::http
