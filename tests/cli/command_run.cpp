#include "tests/cli/command_run.hpp"

#include <cstdlib>
#include <sstream>

namespace overwatch::cli {

command_run run_command(const std::vector<std::string>& arguments, const run_options& options) {
  unsetenv("OVERWATCH_URL");
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
