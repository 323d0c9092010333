#include "runtime/handlers/builtin.hpp"

#include "runtime/handlers/performance_check.hpp"
#include "runtime/handlers/system_health.hpp"
#include "runtime/handlers/user_task.hpp"

namespace overwatch {

void add_builtin_handlers(handler_registry& registry, const settings& config) {
  handler_options immediate;
  immediate.description = "Does nothing, at once: shows what the path of a task costs.";
  immediate.blocking = false;
  registry.add("noop", [](const attempt_context&) { return outcome::completed(); }, immediate);
  registry.add("system_health", run_system_health,
               {"Checks CPU, load, memory, file systems and pressure of this machine against thresholds."});
  registry.add("performance_check", run_performance_check,
               {"Watches CPU, disks, network and processes of this machine for some seconds and gives it a score."});
  registry.add("user_task",
               [commands = config.commands](const attempt_context& ctx) { return run_user_task(ctx, commands); },
               {"Runs a command that the configuration of this node names."});
}

} // namespace overwatch
