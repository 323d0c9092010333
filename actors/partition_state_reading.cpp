#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "actors/task_codec.hpp"

/// What others may ask of the state of a partition.
namespace overwatch {

std::optional<partition_state::entry> partition_state::load(const task_id& id) const {
  auto spec = std::make_shared<task_spec>();
  auto payload = std::make_shared<std::string>();
  entry result;
  if (!read_task(base_, id, *spec, result.state, payload.get()))
    return std::nullopt;
  result.spec = std::move(spec);
  result.payload = std::move(payload);
  result.spec_stored = !is_terminal(result.state.status);
  const auto& state = result.state;
  result.stored = {true, state.status, state.order, state.due, state.finished_at};
  return result;
}

std::optional<task_record> partition_state::find(const task_id& id) const {
  auto record_of = [&](const entry& x) {
    task_record record{*x.spec, x.state, *x.payload, {}};
    if (x.result)
      record.result = *x.result;
    else if (x.stored.present)
      record.result = base_.get(key_space::state, keys::result(id)).value_or(std::string{});
    return record;
  };
  if (auto i = tasks_.find(id); i != tasks_.end())
    return i->second.removed ? std::nullopt : std::optional{record_of(i->second)};
  if (auto stored = load(id))
    return record_of(*stored);
  return std::nullopt;
}

bool partition_state::set_progress(const task_id& id, const fencing_token& fence, double percent,
                                   const std::string& message) {
  auto i = tasks_.find(id);
  if (i == tasks_.end() || i->second.state.status != task_status::running || i->second.state.fence != fence)
    return false;
  i->second.state.percent = percent;
  i->second.state.message = message;
  return true;
}

stats_reply partition_state::stats() const {
  stats_reply reply;
  for (const auto& [task_type, table] : counts_)
    for (size_t status = 0; status < table.size(); ++status)
      for (size_t importance = 0; importance < table[status].size(); ++importance)
        if (auto n = table[status][importance])
          reply.counts.push_back({task_type, static_cast<task_status>(status), static_cast<priority>(importance), n});
  reply.submitted = totals_.submitted;
  reply.completed = totals_.completed;
  reply.failed = totals_.failed;
  reply.cancelled = totals_.cancelled;
  reply.attempts = totals_.attempts;
  reply.retries = totals_.retries;
  for (size_t kind = 0; kind < totals_.violations.size(); ++kind)
    if (totals_.violations[kind])
      reply.violations.emplace(violation_names[kind], totals_.violations[kind]);
  reply.execution_seconds = totals_.execution_seconds;
  reply.applied = totals_.applied;
  return reply;
}

} // namespace overwatch
