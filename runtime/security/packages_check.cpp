#include "runtime/security/debsecan.hpp"
#include "runtime/security/program.hpp"
#include "runtime/security/scan.hpp"

namespace overwatch::security {

namespace {

constexpr milliseconds time_limit{90'000};
constexpr size_t names_shown = 6;
constexpr const char* dpkg_status = "/var/lib/dpkg/status";

std::string names_of(const std::vector<vulnerability>& all) {
  std::string result;
  for (size_t i = 0; i < all.size() && i < names_shown; ++i)
    result += (i == 0 ? "" : ", ") + all[i].name;
  return all.size() > names_shown ? result + " and " + std::to_string(all.size() - names_shown) + " more" : result;
}

void judge_package(scan& s, const std::string& package, const std::vector<vulnerability>& all) {
  std::vector<vulnerability> fixed;
  bool urgent = false;
  bool remote = false;
  for (const auto& one : all)
    if (one.fixed) {
      fixed.push_back(one);
      urgent = urgent || one.high_urgency;
      remote = remote || one.remote;
    }
  if (fixed.empty())
    return;
  auto level = urgent ? severity::high : remote ? severity::medium : severity::low;
  s.found.add_at(level, "vulnerable-package", package, names_of(fixed) + (remote ? "; remotely exploitable" : ""));
}

} // namespace

void check_packages(scan& s) {
  constexpr const char* subject = "known vulnerabilities of installed packages";
  if (!s.root.exists(dpkg_status))
    return s.found.cannot_look(subject, std::string{"there is no "} + dpkg_status + " below " + s.root.root());
  if (find_system_program("debsecan").empty())
    return s.found.cannot_look(subject, "debsecan is not installed: apt-get install debsecan");
  auto suite = debian_suite(s.root.read("/etc/os-release").text);
  if (suite.empty())
    return s.found.cannot_look(subject, "/etc/os-release names no release of Debian");
  std::vector<std::string> argv{"debsecan",
                                "--suite",
                                suite,
                                "--format",
                                "summary",
                                "--status",
                                (s.root.is_machine() ? "" : s.root.root()) + dpkg_status};
  if (!s.config.security.vulnerability_source.empty())
    argv.insert(argv.end(), {"--source", s.config.security.vulnerability_source});
  auto result = run_program(s, std::move(argv), time_limit);
  if (!result.problem.empty())
    return s.found.cannot_look(subject, result.problem + ". debsecan fetches its data from the network");
  auto all = parse_debsecan(result.output);
  uint64_t without_fix = 0;
  for (const auto& one : all)
    without_fix += one.fixed ? 0 : 1;
  for (const auto& [package, known] : by_package(all))
    judge_package(s, package, known);
  if (without_fix > 0)
    s.found.add("vulnerabilities-without-fix", "packages", std::to_string(without_fix) + " in this release");
}

} // namespace overwatch::security
