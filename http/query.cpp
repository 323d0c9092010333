#include "http/query.hpp"

#include "http/json_text.hpp"

#include <charconv>

namespace overwatch::http {

namespace {

int digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

// Calls f with each part of `text` between separators.
template <class Function>
void split(std::string_view text, char separator, Function f) {
  while (!text.empty()) {
    auto end = text.find(separator);
    f(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

bool matches(std::string_view allowed, std::string_view name) {
  if (!allowed.empty() && allowed.back() == '*')
    return name.size() > allowed.size() - 1 &&
           name.substr(0, allowed.size() - 1) == allowed.substr(0, allowed.size() - 1);
  return allowed == name;
}

// A number stays a number, so that the readers of bodies serve for parameters too.
json::value typed(const std::string& text) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size())
    return json::value(number);
  return json::value(text);
}

} // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      bool complete = i + 2 < text.size();
      auto high = complete ? digit(text[i + 1]) : -1;
      auto low = complete ? digit(text[i + 2]) : -1;
      if (high < 0 || low < 0 || (high == 0 && low == 0))
        return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    out += c;
  }
  if (!is_utf8(out))
    return std::nullopt;
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                 c == '_' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 0xF];
  }
  return out;
}

query::query(std::string_view raw, error_list& errors) {
  place root{place::document::query};
  split(raw, '&', [&](std::string_view part) {
    auto equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals), true);
    auto value = percent_decode(equals == std::string_view::npos ? "" : part.substr(equals + 1), true);
    if (!name || !value)
      errors.add(root, "value_error", "a query parameter is not percent-encoded UTF-8");
    else if (parameters_.size() >= max_parameters)
      errors.add(root.child(*name), "value_error",
                 "expected at most " + std::to_string(max_parameters) + " parameters");
    else if (!name->empty())
      parameters_.emplace_back(std::move(*name), std::move(*value));
  });
}

void query::check(std::string_view allowed, error_list& errors) const {
  place root{place::document::query};
  for (const auto& [name, value] : parameters_) {
    bool known = false;
    std::vector<std::string> names;
    split(allowed, ' ', [&, &name = name](std::string_view pattern) {
      known = known || matches(pattern, name);
      names.emplace_back(pattern);
    });
    if (known)
      continue;
    if (names.empty())
      errors.add(root.child(name), "extra_forbidden", "no query parameter is allowed here");
    else
      refuse_unknown(root.child(name), errors, name, std::move(names));
  }
}

const std::string* query::find(std::string_view name) const {
  const std::string* found = nullptr;
  for (const auto& [key, value] : parameters_)
    if (key == name && !value.empty())
      found = &value;
  return found;
}

std::vector<std::string> query::list(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : parameters_) {
    if (key != name)
      continue;
    split(value, ',', [&](std::string_view part) {
      if (!part.empty())
        out.emplace_back(part);
    });
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> query::with_prefix(std::string_view prefix) const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [key, value] : parameters_)
    if (key.size() > prefix.size() && key.compare(0, prefix.size(), prefix) == 0)
      out.emplace_back(key.substr(prefix.size()), value);
  return out;
}

std::string query::with(std::string_view name, std::string_view value) const {
  std::string out;
  for (const auto& [key, old] : parameters_)
    if (key != name)
      out += percent_encode(key) + '=' + percent_encode(old) + '&';
  return out.append(name).append("=").append(percent_encode(value));
}

bool query::read_integer(std::string_view name, int64_t min, int64_t max, int64_t& out, error_list& errors) const {
  const auto* text = find(name);
  place root{place::document::query};
  return text == nullptr || http::read_integer({typed(*text), root.child(name), errors}, min, max, out);
}

bool query::read_time(std::string_view name, std::optional<timestamp>& out, error_list& errors) const {
  const auto* text = find(name);
  if (text == nullptr)
    return true;
  place root{place::document::query};
  timestamp time;
  if (!http::read_time({json::value(*text), root.child(name), errors}, now(), time))
    return false;
  out = time;
  return true;
}

bool query::read_boolean(std::string_view name, bool& out, error_list& errors) const {
  const auto* text = find(name);
  if (text == nullptr)
    return true;
  if (*text == "true" || *text == "1" || *text == "false" || *text == "0") {
    out = *text == "true" || *text == "1";
    return true;
  }
  place root{place::document::query};
  auto at = root.child(name);
  input{json::value(*text), at, errors}.refuse("true or false", {"true", "false"});
  return false;
}

} // namespace overwatch::http
