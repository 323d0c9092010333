#include "actors/task_log.hpp"

#include "config/log.hpp"

namespace overwatch {

namespace {

std::string_view sentence_of(const task_change& change) {
  switch (change.kind) {
    case change_kind::created:
      return "task accepted";
    case change_kind::queued:
      return "task queued";
    case change_kind::started:
      return "attempt started";
    case change_kind::cancelling:
      return "attempt told to stop";
    case change_kind::retrying:
      return "attempt failed and will be retried";
    case change_kind::removed:
      return "task deleted";
    case change_kind::parked:
      return "task waits";
    case change_kind::patched:
      return "task changed";
    case change_kind::approved:
      return "task approved";
    case change_kind::rollback:
      return "rollback";
    case change_kind::ended:
      break;
  }
  switch (change.state.status) {
    case task_status::completed:
      return "task completed";
    case task_status::failed:
      return "task failed";
    default:
      return "task cancelled";
  }
}

} // namespace

void log_change(const task_change& change) {
  auto failed = change.kind == change_kind::ended && change.state.status == task_status::failed;
  auto level = failed || change.kind == change_kind::retrying ? severity::warning : severity::debug;
  if (!log_enabled(level))
    return;
  const auto& spec = *change.spec;
  log_fields fields{{"task", to_string(spec.id)}, {"attempt", change.state.fence.attempt}, {"type", spec.task_type}};
  std::vector<std::string> names;
  names.reserve(spec.context.size());
  for (const auto& [key, value] : spec.context) {
    names.push_back("context." + key);
    fields.emplace_back(names.back(), value);
  }
  if (change.kind == change_kind::parked)
    fields.emplace_back("waits_for", change.state.waits_for);
  if (change.kind == change_kind::rollback || change.state.rollback != rollback_status::none) {
    fields.emplace_back("rollback", name_of(change.state.rollback));
    fields.emplace_back("rollback_message", change.state.rollback_message);
  }
  if (level == severity::warning) {
    fields.emplace_back("violation", name_of(change.state.error.kind));
    fields.emplace_back("reason", change.state.error.message);
  }
  log_line(level, "scheduler", sentence_of(change), fields);
}

} // namespace overwatch
