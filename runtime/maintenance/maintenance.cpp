#include "runtime/maintenance/maintenance.hpp"

#include "runtime/handlers/json_text.hpp"
#include "runtime/handlers/low_priority.hpp"
#include "runtime/maintenance/cleanup.hpp"
#include "runtime/maintenance/compact.hpp"
#include "runtime/maintenance/details_file.hpp"
#include "runtime/maintenance/machine_actions.hpp"
#include "runtime/maintenance/plan.hpp"
#include "runtime/maintenance/retention.hpp"
#include "runtime/maintenance/rotation.hpp"

#include <chrono>

namespace overwatch {

namespace {

namespace json = boost::json;
using namespace maintenance;

/// One task: its actions one after the other, and what came of them.
class maintenance_run {
public:
  maintenance_run(const attempt_context& attempt, const settings& config, const maintenance_parts& parts, plan todo)
    : attempt_{attempt}, config_{config}, parts_{parts}, todo_{std::move(todo)},
      directory_{config.node.data_dir + "/node.maintenance"}, lines_{directory_,
                                                                     to_string(attempt.task().id) + ".jsonl"} {}

  outcome run() {
    for (size_t i = 0; i < todo_.actions.size(); ++i) {
      results_.emplace_back(todo_.actions[i]);
      auto& result = results_.back();
      action_environment environment{attempt_, todo_.dry_run, lines_,
                                     [this, i](double share, const std::string& text) { report(i, share, text); }};
      report(i, 0, "");
      try {
        if (attempt_.stopping())
          throw stopped{};
        act(result, environment);
      } catch (const stopped&) {
        result.fail(result.action(), "stopped before it was done");
        tell(result);
        return outcome::failed("stopped during " + result.action(), summary());
      } catch (const std::exception& error) {
        result.fail(result.action(), error.what());
      }
      tell(result);
    }
    attempt_.progress(100, "done");
    return judge();
  }

private:
  void act(action_result& result, const action_environment& environment) {
    const auto& action = result.action();
    const auto& roots = config_.maintenance.roots;
    auto own = identity_of(config_.node.data_dir);
    if (action == "retention")
      keep_to_retention({parts_.store, parts_.snapshots.get(), config_.tasks.retention, directory_}, environment,
                        result);
    else if (action == "cleanup")
      clean_up(todo_.cleanup, roots, own, environment, result);
    else if (action == "rotate_logs")
      rotate_logs(todo_.rotate, roots, own, environment, result);
    else if (action == "compact")
      compact_store(parts_.store, environment, result);
    else if (action == "trim")
      trim(environment, result);
    else if (action == "disk_health")
      check_disks(environment, result);
    else
      list_updates(environment, result);
  }

  void report(size_t action, double share, const std::string& text) const {
    auto percent = 100 * (static_cast<double>(action) + share) / static_cast<double>(todo_.actions.size());
    attempt_.progress(percent, todo_.actions[action] + (text.empty() ? "" : ": " + text));
  }

  void tell(const action_result& result) const {
    auto text = result.action() + ": " + std::string{name_of(result.status)} + ", " + std::to_string(result.removed) +
                (todo_.dry_run ? " would be removed, " : " removed, ") + std::to_string(result.freed_bytes) +
                " bytes " + (todo_.dry_run ? "would be freed, " : "freed, ") + std::to_string(result.left()) + " left";
    attempt_.log(result.status == action_status::failed ? log_level::error : log_level::info, text);
  }

  outcome judge() {
    std::string failed;
    for (const auto& x : results_)
      if (x.status == action_status::failed)
        failed += (failed.empty() ? "" : ", ") + x.action();
    if (failed.empty())
      return outcome::completed(summary());
    return outcome::failed("failed: " + failed + "; the result says why", summary());
  }

  std::string summary() {
    lines_.flush();
    uint64_t freed = 0;
    uint64_t removed = 0;
    uint64_t left = 0;
    json::array actions;
    for (const auto& x : results_) {
      freed += x.freed_bytes;
      removed += x.removed;
      left += x.left();
      actions.push_back(x.to_json());
    }
    auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    return json_text(json::object{{"dry_run", todo_.dry_run},
                                  {"freed_bytes", freed},
                                  {"removed", removed},
                                  {"left_count", left},
                                  {"took_s", rounded(took, 3)},
                                  {"actions", std::move(actions)},
                                  {"report", lines_.path()},
                                  {"report_lines", lines_.lines()},
                                  {"report_lines_dropped", lines_.dropped()}});
  }

  const attempt_context& attempt_;
  const settings& config_;
  const maintenance_parts& parts_;
  plan todo_;
  std::string directory_;
  details_file lines_;
  std::vector<action_result> results_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

} // namespace

outcome run_maintenance(const attempt_context& attempt, const settings& config, const maintenance_parts& parts) {
  plan todo;
  if (auto wrong = parse_plan(attempt.payload(), config, todo); !wrong.empty())
    return outcome::failed_for_good(wrong);
  outcome result;
  run_at_low_priority([&] { result = maintenance_run{attempt, config, parts, std::move(todo)}.run(); });
  return result;
}

void add_maintenance_handler(handler_registry& registry, const settings& config, maintenance_parts parts) {
  handler_options options;
  options.description = "Cleans up, rotates logs, compacts the store, looks at disks and updates, as configured.";
  options.slots = 1;
  registry.add(
    "maintenance",
    [config, parts = std::move(parts)](const attempt_context& x) { return run_maintenance(x, config, parts); },
    std::move(options));
}

} // namespace overwatch
