#include "tests/cli/command_run.hpp"

#include <cstdlib>
#include <sstream>

namespace overwatch::cli {

command_run run_command(const std::vector<std::string>& arguments, const run_options& options) {
  for (const auto* name : {"OVERWATCH_URL", "OVERWATCH_API", "OVERWATCH_TASK_ID"})
    unsetenv(name);
  for (const auto& [name, value] : options.environment)
    setenv(name.c_str(), value.c_str(), 1);
  std::vector<const char*> argv{"overwatch"};
  for (const auto& argument : arguments)
    argv.push_back(argument.c_str());
  std::istringstream in{options.input};
  std::ostringstream out;
  std::ostringstream err;
  console streams{in, out, err, options.terminal, options.terminal, options.width};
  const auto code = run_cli(static_cast<int>(argv.size()), argv.data(), options.hooks, streams);
  return {code, out.str(), err.str()};
}

} // namespace overwatch::cli
