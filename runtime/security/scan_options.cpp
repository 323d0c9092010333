#include "runtime/security/scan_options.hpp"

#include "runtime/handlers/json_text.hpp"
#include "runtime/security/scan.hpp"

#include <algorithm>
#include <array>

namespace overwatch::security {

namespace {

namespace json = boost::json;

constexpr size_t max_path_bytes = 4096;
constexpr size_t shown_bytes = 64;

std::string shown(const json::value& value) { return json_text(value).substr(0, shown_bytes); }

std::string known_checks() {
  std::string result;
  for (const auto& one : checks())
    result += (result.empty() ? "" : ", ") + std::string{one.name};
  return result;
}

// `take` returns what a text must be, or nothing when it is taken.
template <class Take>
std::string read_list(const json::object& payload, const char* field, const char* example, Take take) {
  const auto* value = payload.if_contains(field);
  if (value == nullptr)
    return {};
  auto place = std::string{"payload."} + field;
  if (!value->is_array())
    return place + " is " + shown(*value) + ": it must be a list of texts, for example [\"" + example + "\"]";
  const auto& list = value->get_array();
  if (list.size() > scan_options::max_paths)
    return place + " has " + std::to_string(list.size()) + " entries: at most " +
           std::to_string(scan_options::max_paths) + " are allowed; name a directory above them";
  for (size_t i = 0; i < list.size(); ++i) {
    std::string must = list[i].is_string() ? take(std::string{list[i].get_string()}) : "be a text";
    if (!must.empty())
      return place + "[" + std::to_string(i) + "] is " + shown(list[i]) + ": it must " + must;
  }
  return {};
}

std::string read_paths(const json::object& payload, const char* field, std::vector<std::string>& paths, bool patterns) {
  return read_list(payload, field, "/srv", [&](const std::string& text) -> std::string {
    if (text.empty() || (text.front() != '/' && !(patterns && text.front() == '*')))
      return patterns ? "be an absolute path, or a pattern such as \"*/node_modules\""
                      : "be an absolute path, such as \"/srv\"";
    if (text.size() > max_path_bytes || text.find('\0') != std::string::npos)
      return "be a path of at most " + std::to_string(max_path_bytes) + " bytes without a zero byte";
    paths.push_back(patterns && text.front() != '/' ? text : normal_path(text));
    return {};
  });
}

std::string read_flag(const json::object& payload, const char* field, bool& flag) {
  const auto* value = payload.if_contains(field);
  if (value == nullptr)
    return {};
  if (!value->is_bool())
    return std::string{"payload."} + field + " is " + shown(*value) + ": it must be true or false";
  flag = value->get_bool();
  return {};
}

std::string read_root(const json::object& payload, std::string& root) {
  const auto* value = payload.if_contains("root");
  if (value == nullptr)
    return {};
  if (!value->is_string() || value->get_string().empty() || value->get_string().front() != '/' ||
      value->get_string().size() > max_path_bytes)
    return "payload.root is " + shown(*value) + ": it must be the absolute path of a directory; \"/\" is this machine";
  root = normal_path({value->get_string().data(), value->get_string().size()});
  return {};
}

std::string unknown_field(const json::object& payload) {
  constexpr std::array known{"checks", "paths", "exclude", "baseline", "root", "cross_file_systems", "update_baseline"};
  for (const auto& member : payload)
    if (std::find(known.begin(), known.end(), std::string_view{member.key().data(), member.key().size()}) ==
        known.end())
      return "payload." + std::string{member.key()} +
             " is unknown; known: checks, paths, exclude, baseline, root, "
             "cross_file_systems, update_baseline";
  return {};
}

} // namespace

std::string parse_options(std::string_view text, scan_options& options) {
  json::object payload;
  auto error = parse_payload(text, payload);
  if (error.empty())
    error = unknown_field(payload);
  if (error.empty())
    error = read_list(payload, "checks", "sshd", [&](const std::string& name) -> std::string {
      const auto& all = checks();
      if (std::none_of(all.begin(), all.end(), [&](const check& one) { return one.name == name; }))
        return "be one of " + known_checks();
      options.checks.insert(name);
      return {};
    });
  if (error.empty())
    error = read_paths(payload, "paths", options.paths, false);
  if (error.empty())
    error = read_paths(payload, "exclude", options.exclude, true);
  if (error.empty())
    error = read_paths(payload, "baseline", options.baseline, false);
  if (error.empty())
    error = read_root(payload, options.root);
  if (error.empty())
    error = read_flag(payload, "cross_file_systems", options.cross_file_systems);
  if (error.empty())
    error = read_flag(payload, "update_baseline", options.update_baseline);
  return error;
}

} // namespace overwatch::security
