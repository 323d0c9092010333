#include "runtime/main.hpp"

#include "runtime/cli/cli.hpp"
#include "runtime/node.hpp"

namespace overwatch {

int run_main(int argc, char** argv, const handler_registry& own) {
  cli_hooks hooks;
  hooks.start_node = [&](const load_result& config, bool daemon) { return run_node(config, daemon, own); };
  return run_cli(argc, argv, hooks);
}

} // namespace overwatch
