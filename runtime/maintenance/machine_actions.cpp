#include "runtime/maintenance/machine_actions.hpp"

#include "runtime/handlers/system_program.hpp"
#include "runtime/maintenance/details_file.hpp"
#include "runtime/maintenance/machine_reports.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace overwatch::maintenance {

namespace json = boost::json;

namespace {

constexpr milliseconds trim_limit{30 * 60 * 1000};
constexpr milliseconds disk_limit{60 * 1000};
constexpr milliseconds apt_limit{5 * 60 * 1000};
constexpr size_t max_disks = 64;
constexpr size_t max_shown_updates = 50; // in the result; all are in the file
constexpr const char* package_lists = "/var/lib/apt/lists";

program_answer ask(const action_environment& environment, std::vector<std::string> argv, milliseconds limit) {
  auto answer = ask_program(environment.attempt.stop_fd(), std::move(argv), limit);
  if (environment.stopping())
    throw stopped{};
  return answer;
}

bool is_refusal(const program_answer& answer) {
  return answer.errors.find("Permission denied") != std::string::npos ||
         answer.errors.find("not permitted") != std::string::npos;
}

} // namespace

void trim(const action_environment& environment, action_result& result) {
  std::vector<std::string> argv{"fstrim", "--all", "--verbose", "--quiet-unsupported"};
  if (environment.dry_run)
    argv.emplace_back("--dry-run");
  environment.progress(0.1, "fstrim");
  auto answer = ask(environment, argv, trim_limit);
  if (answer.missing)
    return result.skip("file systems", "fstrim is not installed (package util-linux)");
  if (!answer.problem.empty())
    return result.fail("file systems", answer.problem);
  auto& all = result.details["file_systems"].emplace_array();
  uint64_t bytes = 0;
  for (const auto& x : parse_fstrim(answer.output)) {
    all.push_back({{"mount", x.mount}, {"trimmed_bytes", x.bytes}});
    bytes += x.bytes;
  }
  result.details["trimmed_bytes"] = bytes; // free before, too: nothing that was freed
  if (answer.exit_status == 0 && !all.empty())
    return;
  if (is_refusal(answer))
    result.skip("file systems", "fstrim needs root");
  else if (answer.exit_status == 0 || answer.errors.find("not supported") != std::string::npos)
    result.skip("file systems", "none of them takes trim");
  else if (all.empty())
    result.skip("file systems", "fstrim: " + answer.complaint());
  else
    result.leave("file systems", "fstrim: " + answer.complaint()); // some were done
}

void check_disks(const action_environment& environment, action_result& result) {
  auto scan = ask(environment, {"smartctl", "--scan", "--json"}, disk_limit);
  if (scan.missing)
    return result.skip("disks", "smartctl is not installed (package smartmontools)");
  if (!scan.problem.empty())
    return result.fail("disks", scan.problem);
  auto devices = parse_smart_scan(scan.output);
  if (devices.empty())
    return result.skip("disks", "smartctl finds none that it could ask: a virtual machine, or no rights");
  auto& all = result.details["disks"].emplace_array();
  uint64_t in_trouble = 0;
  for (size_t i = 0; i < devices.size() && i < max_disks; ++i) {
    environment.progress(static_cast<double>(i) / static_cast<double>(devices.size()), devices[i]);
    auto answer = ask(environment, {"smartctl", "-H", "-A", "-i", "--json", devices[i]}, disk_limit);
    auto problem = answer.problem;
    auto report = problem.empty() ? parse_smart_report(answer.output, problem) : std::nullopt;
    if (!report) {
      result.leave(devices[i], ::geteuid() == 0 ? problem : problem + " (the node does not run as root)");
      continue;
    }
    all.push_back(to_json(*report));
    auto troubles = report->troubles();
    in_trouble += troubles.empty() ? 0 : 1;
    for (const auto& trouble : troubles) {
      result.leave(devices[i], trouble);
      environment.attempt.log(log_level::warning, devices[i] + ": " + trouble);
    }
  }
  result.details["in_trouble"] = in_trouble;
  if (all.empty())
    result.status = action_status::skipped;
}

void list_updates(const action_environment& environment, action_result& result) {
  environment.progress(0.1, "apt list --upgradable");
  struct stat lists {};
  if (find_system_program("apt").empty())
    return result.skip("packages", "apt is not installed");
  if (::stat(package_lists, &lists) != 0)
    return result.skip("packages",
                       std::string{"there are no package lists in "} + package_lists + ": run `apt update`");
  auto answer = ask(environment, {"apt", "list", "--upgradable"}, apt_limit);
  if (!answer.problem.empty() || answer.exit_status != 0)
    return result.fail("packages", answer.problem.empty() ? "apt: " + answer.complaint() : answer.problem);
  auto updates = parse_apt_list(answer.output);
  auto security = std::count_if(updates.begin(), updates.end(), [](const auto& x) { return x.security; });
  std::stable_sort(updates.begin(), updates.end(),
                   [](const auto& x, const auto& y) { return x.security > y.security; });
  json::array shown;
  for (const auto& x : updates) {
    json::object line{
      {"package", x.name}, {"installed", x.installed}, {"available", x.available}, {"security", x.security}};
    if (shown.size() < max_shown_updates)
      shown.push_back(line);
    line["action"] = "updates";
    environment.lines.add(line);
  }
  result.details["upgradable"] = updates.size();
  result.details["security"] = security;
  result.details["lists_age_s"] = std::max<int64_t>(0, std::time(nullptr) - lists.st_mtim.tv_sec);
  result.details["packages"] = std::move(shown);
  if (security > 0)
    environment.attempt.log(log_level::warning, std::to_string(security) + " security updates can be installed");
}

} // namespace overwatch::maintenance
