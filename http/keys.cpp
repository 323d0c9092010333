#include "http/base64.hpp"
#include "http/json_text.hpp"
#include "http/service.hpp"

#include <charconv>

/// The key-value space.
namespace overwatch::http {

namespace {

constexpr std::string_view bytes_type = "application/octet-stream";

std::string tag_of(uint64_t version) { return '"' + std::to_string(version) + '"'; }

void append_key(std::string& out, const key_record& x, bool with_value) {
  object_writer json{out};
  json.text("key", x.key);
  if (with_value && is_utf8(x.value))
    json.text("value", x.value);
  else if (with_value)
    json.text("value_base64", to_base64(x.value));
  json.integer("version", x.version).time("changed_at", x.changed_at).close();
}

response key_response(const key_record& key) {
  response out;
  append_key(out.body, key, true);
  return out.header("ETag", tag_of(key.version));
}

bool begins_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

// The version that `?version=` or If-Match expects. False and reported when it is none, or they differ.
bool read_expected(const request& x, std::optional<uint64_t>& out, error_list& errors) {
  int64_t number = -1;
  if (!x.parameters.read_integer("version", 0, INT64_MAX, number, errors))
    return false;
  if (number >= 0)
    out = static_cast<uint64_t>(number);
  if (x.if_match.empty())
    return true;
  auto digits = x.if_match;
  if (digits.size() > 2 && digits.front() == '"' && digits.back() == '"')
    digits = digits.substr(1, digits.size() - 2);
  uint64_t tagged = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), tagged);
  if (error != std::errc{} || end != digits.data() + digits.size() || (out && *out != tagged)) {
    errors.add(place{place::document::query}.child("version"), "value_error",
               "expected one version, as ETag shows it, in If-Match or version");
    return false;
  }
  out = tagged;
  return true;
}

// The answer to a change. One that met another version says in ETag which one is there.
response change_response(service& s, const std::string& key, const caf::expected<key_record>& changed) {
  if (changed)
    return key_response(*changed);
  auto out = error_response(changed.error());
  if (out.status == 409)
    if (auto present = s.ask<key_record>(get_key_request{key}))
      out.header("ETag", tag_of(present->version));
  return out;
}

response get_key(service& s, const request& x) {
  error_list errors;
  bool raw = begins_with(x.accept, bytes_type);
  if (!x.parameters.read_boolean("raw", raw, errors))
    return error_response(errors);
  get_key_request get{x.values.front()};
  if (auto refusal = read_consistency(x, get.level))
    return std::move(*refusal);
  auto key = s.ask<key_record>(std::move(get));
  if (!key)
    return error_response(key.error());
  if (!raw)
    return key_response(*key);
  response out;
  out.body = std::move(key->value);
  out.content_type = bytes_type;
  return out.header("ETag", tag_of(key->version));
}

struct value_body {
  std::optional<std::string> value;
};

void read_value(const input& in, value_body& x, bool encoded) {
  std::string text;
  constexpr auto max_bytes = key_limits::value_bytes;
  if (x.value) {
    in.errors.add(in.at, "value_error", "value and value_base64 are two forms of one field; send one of them");
    return;
  }
  if (!read_text(in, 0, encoded ? base64_size(max_bytes) : max_bytes, text))
    return;
  x.value = encoded ? from_base64(text) : std::move(text);
  if (!x.value)
    in.errors.add(in.at, "value_error", "expected base64 (RFC 4648) with padding");
}

constexpr std::array<field_rule<value_body>, 2> value_rules{{
  {"value", [](const input& in, value_body& x) { read_value(in, x, false); }},
  {"value_base64", [](const input& in, value_body& x) { read_value(in, x, true); }},
}};

// The value that a PUT sends: its body, or a field of it when that is JSON.
std::optional<response> read_sent_value(const request& x, std::string& out) {
  if (!begins_with(x.content_type, "application/json")) {
    out = x.body;
    return std::nullopt;
  }
  value_body body;
  auto check = [](const value_body& read, error_list& errors) {
    if (!read.value)
      refuse_missing(place{}, errors, "value");
  };
  if (auto error = read_body(x, value_rules, body, check))
    return error;
  out = std::move(*body.value);
  return std::nullopt;
}

response put_key(service& s, const request& x) {
  error_list errors;
  put_key_request change;
  change.key = x.values.front();
  if (!read_expected(x, change.expected, errors))
    return error_response(errors);
  if (auto error = read_sent_value(x, change.value))
    return std::move(*error);
  if (change.value.size() > key_limits::value_bytes)
    return error_response(413, "too_large", "a value has at most " + std::to_string(key_limits::value_bytes) +
                                              " bytes, this one has " + std::to_string(change.value.size()));
  return change_response(s, change.key, s.ask<key_record>(change));
}

response remove_key(service& s, const request& x) {
  error_list errors;
  remove_key_request removal;
  removal.key = x.values.front();
  if (!read_expected(x, removal.expected, errors))
    return error_response(errors);
  return change_response(s, removal.key, s.ask<key_record>(removal));
}

response list_keys(service& s, const request& x) {
  error_list errors;
  list_keys_request list;
  int64_t limit = list.limit;
  x.parameters.read_integer("limit", 1, 1000, limit, errors);
  x.parameters.read_boolean("values", list.values, errors);
  if (!errors.empty())
    return error_response(errors);
  list.limit = static_cast<uint32_t>(limit);
  if (const auto* prefix = x.parameters.find("prefix"))
    list.prefix = *prefix;
  if (const auto* after = x.parameters.find("after"))
    list.after = *after;
  if (auto refusal = read_consistency(x, list.level))
    return std::move(*refusal);
  auto with_values = list.values;
  auto page = s.ask<key_page>(std::move(list));
  if (!page)
    return error_response(page.error());
  response out;
  object_writer json{out.body};
  auto& keys = json.member("keys");
  append_array(keys, page->keys, [&](const key_record& key) { append_key(keys, key, with_values); });
  json.text_or_null("next", page->more && !page->keys.empty() ? page->keys.back().key : std::string{}).close();
  return out;
}

} // namespace

std::vector<route> key_routes() {
  return {
    {"GET", "/api/overwatch/keys", "prefix after limit values consistency", list_keys},
    {"GET", "/api/overwatch/keys/{key}", "raw consistency", get_key, body_size::usual, last_segment::rest},
    {"PUT", "/api/overwatch/keys/{key}", "version", put_key, body_size::usual, last_segment::rest},
    {"DELETE", "/api/overwatch/keys/{key}", "version", remove_key, body_size::usual, last_segment::rest},
  };
}

} // namespace overwatch::http
