#include "runtime/security/lynis.hpp"
#include "runtime/security/program.hpp"
#include "runtime/security/scan.hpp"

#include <unistd.h>

namespace overwatch::security {

namespace {

constexpr milliseconds time_limit{15 * 60'000};
constexpr size_t report_bytes = 16 * 1024 * 1024;
constexpr const char* usual_report = "/var/log/lynis-report.dat";

void add_remarks(scan& s, std::string_view report) {
  for (const auto& one : parse_lynis_report(report)) {
    finding x;
    x.id = id_of("lynis", one.test + (one.detail.empty() ? "" : " " + one.detail));
    x.level = one.warning ? severity::medium : severity::info;
    x.what = one.what;
    x.where = one.test;
    x.detail = one.detail;
    x.why = "lynis " + std::string{one.warning ? "warns of it" : "suggests to change it"};
    x.mend = one.mend.empty() ? "lynis show details " + one.test : one.mend;
    s.found.add(std::move(x));
  }
}

} // namespace

void check_lynis(scan& s) {
  constexpr const char* subject = "what lynis says of this machine";
  // a report that lynis wrote earlier, or in another root
  if (!s.root.is_machine() || find_system_program("lynis").empty()) {
    auto report = s.root.read(usual_report, report_bytes);
    if (report.error != 0)
      return s.found.cannot_look(subject, std::string{"lynis is not installed, and "} + usual_report + ": " +
                                            error_sentence(report.error));
    return add_remarks(s, report.text);
  }
  auto file = s.directory + "/lynis-report.dat";
  auto result = run_program(
    s,
    {"lynis", "audit", "system", "--quick", "--quiet", "--no-colors", "--report-file", file, "--logfile", "/dev/null"},
    time_limit);
  auto report = tree{s.directory}.read("/lynis-report.dat", report_bytes);
  ::unlink(file.c_str());
  if (report.error != 0 || report.text.empty())
    return s.found.cannot_look(subject, result.problem.empty() ? "it wrote no report" : result.problem);
  add_remarks(s, report.text);
}

} // namespace overwatch::security
