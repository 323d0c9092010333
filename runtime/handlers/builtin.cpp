#include "runtime/handlers/builtin.hpp"

#include "runtime/handlers/performance_check.hpp"
#include "runtime/handlers/system_health.hpp"
#include "runtime/handlers/user_task.hpp"

namespace overwatch {

namespace {

// For programs that this node runs. Unknown when the port is not chosen before the node listens.
std::string address_of_api(const settings& config) {
  if (config.http.port == 0)
    return {};
  auto address = config.http.address == "0.0.0.0" ? std::string{"127.0.0.1"}
                 : config.http.address == "::"    ? std::string{"::1"}
                                                  : config.http.address;
  auto host = address.find(':') == std::string::npos ? address : "[" + address + "]";
  return "http://" + host + ":" + std::to_string(config.http.port);
}

} // namespace

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
               [commands = config.commands, api = address_of_api(config)](const attempt_context& ctx) {
                 return run_user_task(ctx, commands, api);
               },
               {"Runs a command that the configuration of this node names."});
}

} // namespace overwatch
