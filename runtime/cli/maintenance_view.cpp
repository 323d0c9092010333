#include "runtime/cli/maintenance_view.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <ostream>

namespace overwatch::cli {

namespace {

namespace json = boost::json;

std::string bytes_of(const json::value& value, std::string_view name) {
  return format_bytes(number_of(value, name).value_or(0));
}

// What an action says beside its numbers.
std::string remark_on(const json::value& action) {
  const auto* details = find_field(action, "details");
  if (details == nullptr)
    return {};
  const auto name = text_of(action, "action");
  if (name == "compact" && find_field(*details, "after_bytes") != nullptr)
    return "store " + bytes_of(*details, "before_bytes") + ", now " + bytes_of(*details, "after_bytes");
  if (name == "compact" && find_field(*details, "before_bytes") != nullptr)
    return "store " + bytes_of(*details, "before_bytes");
  if (name == "updates" && find_field(*details, "upgradable") != nullptr)
    return text_of(*details, "upgradable") + " packages, " + text_of(*details, "security") + " for security; lists " +
           format_duration(number_of(*details, "lists_age_s").value_or(0)) + " old";
  if (name == "disk_health" && find_field(*details, "disks") != nullptr)
    return std::to_string(list_of(*details, "disks").size()) + " disks, " + text_of(*details, "in_trouble") +
           " in trouble";
  if (name == "trim" && find_field(*details, "file_systems") != nullptr)
    return std::to_string(list_of(*details, "file_systems").size()) + " file systems, " +
           bytes_of(*details, "trimmed_bytes") + " trimmed";
  if (const auto* tasks = find_field(*details, "tasks"))
    return text_of(*tasks, "finished") + " finished tasks, " + text_of(*tasks, "overdue") + " overdue";
  if (const auto rules = list_of(*details, "rules").size(); rules > 0)
    return std::to_string(rules) + (rules == 1 ? " rule" : " rules");
  return {};
}

colour shade_of(const std::string& status) {
  return status == "failed" ? colour::red : status == "skipped" ? colour::dim : colour::green;
}

void print_left(const console& console, const json::value& result) {
  table left{{{"ACTION", false, true}, {"LEFT"}, {"WHY"}}};
  for (const auto& action : list_of(result, "actions"))
    for (const auto& thing : list_of(action, "left"))
      left.add({text_of(action, "action"), text_of(thing, "what"), text_of(thing, "why")});
  if (left.empty())
    return;
  console.out << '\n';
  left.print(console);
}

} // namespace

bool print_maintenance(const console& console, const json::value& result) {
  const auto& actions = list_of(result, "actions");
  if (actions.empty())
    return false;
  const bool dry_run = is_true(result, "dry_run");
  console.out << paint(console, colour::bold, "result") << (dry_run ? "  dry run: nothing was changed" : "") << '\n';
  table rows{{{"ACTION", false, true},
              {"STATUS", false, true},
              {dry_run ? "WOULD REMOVE" : "REMOVED", true, true},
              {dry_run ? "WOULD FREE" : "FREED", true, true},
              {"LEFT", true, true},
              {"REMARK"}}};
  for (const auto& action : actions) {
    const auto status = text_of(action, "status");
    rows.add({text_of(action, "action"),
              {status, shade_of(status)},
              text_of(action, "removed"),
              bytes_of(action, "freed_bytes"),
              text_of(action, "left_count"),
              remark_on(action)});
  }
  rows.print(console);
  print_left(console, result);
  if (const auto report = text_of(result, "report"); !report.empty())
    console.out << "\nall of it: " << printable(report) << " (" << text_of(result, "report_lines") << " lines)\n";
  return true;
}

} // namespace overwatch::cli
