#include "runtime/maintenance/machine_reports.hpp"

#include <algorithm>
#include <sstream>

namespace overwatch::maintenance {

namespace json = boost::json;

namespace {

constexpr int64_t hot_c = 60;
constexpr int64_t worn_out_percent = 90;

json::object parsed(const std::string& text) {
  json::error_code failed;
  auto value = json::parse(text, failed);
  return !failed && value.is_object() ? value.get_object() : json::object{};
}

const json::value* member(const json::object& object, std::initializer_list<std::string_view> path) {
  const json::value* value = nullptr;
  const auto* inside = &object;
  for (auto name : path) {
    if (inside == nullptr || (value = inside->if_contains(name)) == nullptr)
      return nullptr;
    inside = value->if_object();
  }
  return value;
}

std::string text_at(const json::object& object, std::initializer_list<std::string_view> path) {
  const auto* value = member(object, path);
  return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

std::optional<int64_t> number_at(const json::object& object, std::initializer_list<std::string_view> path) {
  const auto* value = member(object, path);
  if (value == nullptr)
    return std::nullopt;
  json::error_code failed;
  auto number = value->to_number<int64_t>(failed);
  return failed ? std::nullopt : std::optional{number};
}

/// An ATA attribute by its number.
std::optional<int64_t> attribute(const json::object& report, int64_t id) {
  const auto* table = member(report, {"ata_smart_attributes", "table"});
  if (table == nullptr || !table->is_array())
    return std::nullopt;
  for (const auto& row : table->get_array())
    if (const auto* x = row.if_object(); x != nullptr && number_at(*x, {"id"}) == id)
      return number_at(*x, {"raw", "value"});
  return std::nullopt;
}

/// Why smartctl has no answer, in its words.
std::string message_of(const json::object& report) {
  const auto* messages = member(report, {"smartctl", "messages"});
  if (messages != nullptr && messages->is_array())
    for (const auto& row : messages->get_array())
      if (const auto* x = row.if_object())
        return text_at(*x, {"string"});
  return "smartctl says nothing about its health";
}

template <class T>
void put(json::object& out, std::string_view name, const std::optional<T>& x) {
  if (x)
    out[name] = *x;
}

} // namespace

std::vector<std::string> disk_report::troubles() const {
  std::vector<std::string> result;
  if (passed && !*passed)
    result.emplace_back("SMART says that it is failing: save its data and replace it");
  if (reallocated_sectors.value_or(0) > 0)
    result.push_back(std::to_string(*reallocated_sectors) + " sectors were reallocated");
  if (pending_sectors.value_or(0) > 0)
    result.push_back(std::to_string(*pending_sectors) + " sectors cannot be read");
  if (media_errors.value_or(0) > 0)
    result.push_back(std::to_string(*media_errors) + " media errors");
  if (worn_percent.value_or(0) >= worn_out_percent)
    result.push_back(std::to_string(*worn_percent) + " % of its endurance are used");
  if (temperature_c.value_or(0) >= hot_c)
    result.push_back("it is hot: " + std::to_string(*temperature_c) + " degrees");
  return result;
}

std::vector<std::string> parse_smart_scan(const std::string& text) {
  std::vector<std::string> result;
  auto answer = parsed(text);
  if (const auto* devices = member(answer, {"devices"}); devices != nullptr && devices->is_array())
    for (const auto& row : devices->get_array())
      if (const auto* x = row.if_object())
        if (auto name = text_at(*x, {"name"}); !name.empty())
          result.push_back(std::move(name));
  return result;
}

std::optional<disk_report> parse_smart_report(const std::string& text, std::string& problem) {
  auto report = parsed(text);
  disk_report x;
  x.device = text_at(report, {"device", "name"});
  x.model = text_at(report, {"model_name"});
  x.serial = text_at(report, {"serial_number"});
  if (const auto* passed = member(report, {"smart_status", "passed"}); passed != nullptr && passed->is_bool())
    x.passed = passed->get_bool();
  x.temperature_c = number_at(report, {"temperature", "current"});
  x.power_on_hours = number_at(report, {"power_on_time", "hours"});
  x.reallocated_sectors = attribute(report, 5);
  x.pending_sectors = attribute(report, 197);
  x.worn_percent = number_at(report, {"nvme_smart_health_information_log", "percentage_used"});
  x.media_errors = number_at(report, {"nvme_smart_health_information_log", "media_errors"});
  if (x.passed || x.reallocated_sectors || x.worn_percent)
    return x;
  problem = message_of(report);
  return std::nullopt;
}

json::object to_json(const disk_report& x) {
  json::object out{{"device", x.device}, {"model", x.model}, {"serial", x.serial}};
  put(out, "passed", x.passed);
  put(out, "temperature_c", x.temperature_c);
  put(out, "power_on_hours", x.power_on_hours);
  put(out, "reallocated_sectors", x.reallocated_sectors);
  put(out, "pending_sectors", x.pending_sectors);
  put(out, "worn_percent", x.worn_percent);
  put(out, "media_errors", x.media_errors);
  return out;
}

// `curl/stable-security 7.88.1-10+deb12u14 amd64 [upgradable from: 7.88.1-10+deb12u12]`
std::vector<package_update> parse_apt_list(const std::string& text) {
  constexpr std::string_view from = "[upgradable from: ";
  std::vector<package_update> result;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    auto slash = line.find('/');
    auto space = line.find(' ');
    auto old = line.find(from);
    if (slash == std::string::npos || space == std::string::npos || old == std::string::npos || slash > space)
      continue;
    package_update x;
    x.name = line.substr(0, slash);
    x.security = line.substr(slash, space - slash).find("-security") != std::string::npos;
    x.available = line.substr(space + 1, line.find(' ', space + 1) - space - 1);
    old += from.size();
    x.installed = line.substr(old, line.find(']', old) - old);
    result.push_back(std::move(x));
  }
  return result;
}

// `/srv: 1.5 GiB (1610612736 bytes) trimmed on /dev/sda1`; dry run: `/srv: 0 B (dry run) trimmed on /dev/sda1`
std::vector<trimmed> parse_fstrim(const std::string& text) {
  std::vector<trimmed> result;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    auto colon = line.find(": ");
    if (colon == std::string::npos || line.find(" trimmed") == std::string::npos)
      continue;
    trimmed x{line.substr(0, colon), 0};
    auto open = line.find('(', colon);
    if (open != std::string::npos && line.find(" bytes)", open) != std::string::npos)
      x.bytes = std::strtoull(line.c_str() + open + 1, nullptr, 10);
    result.push_back(std::move(x));
  }
  return result;
}

} // namespace overwatch::maintenance
