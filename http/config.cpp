#include "http/json_text.hpp"
#include "http/service.hpp"

#include <charconv>

/// Live settings, and those that need a restart.
namespace overwatch::http {

namespace {

constexpr std::string_view slots_prefix = "slots.";
constexpr int64_t max_slots = 10'000;
constexpr std::chrono::hours longest{24 * 3660};

bool is_integer(const std::string& text) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// Settings travel as text; numbers are shown as numbers.
void append_setting(std::string& out, const std::string& value) {
  if (is_integer(value))
    out += value;
  else
    append_quoted(out, value);
}

void append_settings(std::string& out, const std::map<std::string, std::string>& values) {
  object_writer json{out};
  for (const auto& [key, value] : values)
    append_setting(json.member(key), value);
  json.close();
}

// What a PUT wants.
struct change {
  std::map<std::string, std::string> set;
  std::vector<std::string> needs_restart;
};

void read_count(const input& in, std::string_view key, int64_t min, change& out) {
  int64_t number = 0;
  if (read_integer(in, min, max_slots, number))
    out.set[std::string{key}] = std::to_string(number);
}

void read_seconds(const input& in, std::string_view key, change& out) {
  milliseconds duration{0};
  if (read_duration(in, milliseconds{0}, longest, duration))
    out.set[std::string{key}] = std::to_string(duration.count() / 1000);
}

// `"slots": {"system_health": 2}` is the same as `"slots.system_health": 2`.
void read_slots(const input& in, change& out) {
  const auto* object = in.value.if_object();
  if (object == nullptr) {
    in.refuse("an object of task types and numbers of slots");
    return;
  }
  for (const auto& member : *object) {
    std::string type{member.key().data(), member.key().size()};
    auto at = in.at.child(type);
    read_count({member.value(), at, in.errors}, std::string{slots_prefix} + type, 1, out);
  }
}

void read_setting(const input& in, const std::string& key, const http_options& options, change& out) {
  bool live = key == "max_concurrent_tasks" || key == "generation_interval" || key == "retention" ||
              key.compare(0, slots_prefix.size(), slots_prefix) == 0;
  if (live && in.value.is_null()) {
    out.set[key] = ""; // back to what the config says
  } else if (key == "max_concurrent_tasks" || (live && key.compare(0, slots_prefix.size(), slots_prefix) == 0)) {
    read_count(in, key, 1, out);
  } else if (live) {
    read_seconds(in, key, out);
  } else if (key == "slots") {
    read_slots(in, out);
  } else if (options.restart_settings.count(key) > 0) {
    out.needs_restart.push_back(key);
  } else {
    std::vector<std::string> allowed{"max_concurrent_tasks", "generation_interval", "retention", "slots"};
    for (const auto& [name, value] : options.restart_settings)
      allowed.push_back(name);
    refuse_unknown(in.at, in.errors, key, std::move(allowed));
  }
}

// From the body, or, as clients of the first system do it, from the query.
std::optional<response> read_change(service& s, const request& x, change& out) {
  error_list errors;
  for (const auto& [key, text] : x.parameters.with_prefix("")) {
    json::value value = is_integer(text) ? json::value(std::stoll(text)) : json::value(text);
    place root{place::document::query};
    auto at = root.child(key);
    read_setting({value, at, errors}, key, s.options, out);
  }
  if (!x.body.empty()) {
    json::value body;
    if (auto error = parse_json(x.body, {}, body))
      return error_response(to_problem(*error));
    place root;
    input in{body, root, errors};
    if (!body.is_object())
      in.refuse("an object");
    else
      for (const auto& member : body.get_object()) {
        std::string key{member.key().data(), member.key().size()};
        auto at = root.child(key);
        read_setting({member.value(), at, errors}, key, s.options, out);
      }
  }
  if (errors.empty())
    return std::nullopt;
  return error_response(errors);
}

response put_config(service& s, const request& x) {
  change wanted;
  if (auto error = read_change(s, x, wanted))
    return std::move(*error);
  std::map<std::string, std::string> updated;
  if (!wanted.set.empty()) {
    auto reply = s.ask<settings_reply>(settings_request{wanted.set});
    if (!reply)
      return error_response(reply.error());
    for (const auto& [key, value] : wanted.set)
      updated[key] = reply->values[key];
  }
  response out;
  object_writer json{out.body};
  json.text("message", wanted.needs_restart.empty()
                         ? "Configuration updated successfully"
                         : "Some settings need a restart: set them in the config file and restart the node");
  append_settings(json.member("updated"), updated);
  json.texts("needs_restart", wanted.needs_restart).close();
  return out;
}

response get_config(service& s, const request&) {
  auto settings = s.ask<settings_reply>(settings_request{});
  if (!settings)
    return error_response(settings.error());
  auto pools = s.ask<pools_reply>(pools_request{});
  if (!pools)
    return error_response(pools.error());
  std::vector<std::string> types;
  for (const auto& pool : pools->pools)
    types.push_back(pool.task_type);
  response out;
  object_writer json{out.body};
  std::map<std::string, std::string> slots;
  for (const auto& [key, value] : settings->values) {
    if (key.compare(0, slots_prefix.size(), slots_prefix) == 0)
      slots[key.substr(slots_prefix.size())] = value;
    else
      append_setting(json.member(key), value);
  }
  append_settings(json.member("slots"), slots);
  json.texts("registered_handlers", types).texts("subsystem_handlers", {});
  json.map("restart_settings", s.options.restart_settings);
  json.close();
  return out;
}

} // namespace

std::vector<route> config_routes() {
  return {
    {"GET", "/api/overwatch/config", "", get_config},
    // Its parameters are settings: unknown ones are reported by the handler.
    {"PUT", "/api/overwatch/config", "*", put_config},
  };
}

} // namespace overwatch::http
