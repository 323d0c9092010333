#include "runtime/rules/default_rules.hpp"

namespace overwatch {

namespace {

rule_record shipped(std::string name, std::string description, std::string condition, std::string task_json) {
  rule_record x;
  x.name = std::move(name);
  x.built_in = true;
  x.definition.description = std::move(description);
  x.definition.condition = std::move(condition);
  x.definition.task_json = std::move(task_json);
  return x;
}

} // namespace

std::vector<rule_record> default_rules() {
  // It rewrites the whole store: once a day is often enough.
  auto maintenance =
    shipped("System Maintenance", "Maintenance within the hour, once the node has been up for a day; then daily.",
            "uptime > 24 * 3600",
            R"({"name":"System Maintenance","task_type":"maintenance","priority":"high",)"
            R"("scheduled_at":"+1h","unique_key":"periodic:maintenance"})");
  maintenance.definition.cooldown = std::chrono::hours{24};
  return {
    shipped("System Health Check", "A look at the machine, five minutes after the last one.", "",
            R"({"name":"System Health Check","task_type":"system_health","priority":"normal",)"
            R"("scheduled_at":"+5m","unique_key":"periodic:system_health"})"),
    shipped("Performance Monitor", "A measurement of the machine, 15 minutes after the last one.", "",
            R"({"name":"Performance Monitor","task_type":"performance_check","priority":"low",)"
            R"("scheduled_at":"+15m","unique_key":"periodic:performance_check"})"),
    maintenance,
  };
}

} // namespace overwatch
