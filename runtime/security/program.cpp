#include "runtime/security/program.hpp"

#include <cstdlib>

namespace overwatch::security {

program_answer run_program(const scan& s, std::vector<std::string> argv, milliseconds limit) {
  std::map<std::string, std::string> environment;
  for (const auto* variable : {"http_proxy", "https_proxy", "no_proxy"})
    if (const auto* value = std::getenv(variable); value != nullptr)
      environment[variable] = value;
  auto name = argv.front();
  auto result = ask_program(s.control.stop_fd, std::move(argv), limit, std::move(environment));
  s.stop_if_told();
  if (result.problem.empty() && result.exit_status != 0)
    result.problem = name + " failed: " + result.complaint();
  return result;
}

} // namespace overwatch::security
