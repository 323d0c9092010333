#include "actors/command.hpp"

#include "messages/codec.hpp"

namespace overwatch {

template <class Inspector>
bool inspect(Inspector& f, start_command& x) { return f(x.id, x.node, x.worker); }
template <class Inspector>
bool inspect(Inspector& f, violate_command& x) { return f(x.id, x.kind, x.message); }
template <class Inspector>
bool inspect(Inspector& f, cancel_command& x) { return f(x.id, x.reason); }
template <class Inspector>
bool inspect(Inspector& f, promote_command& x) { return f(x.id); }
template <class Inspector>
bool inspect(Inspector& f, remove_command& x) { return f(x.id); }
template <class Inspector>
bool inspect(Inspector& f, setting_command& x) { return f(x.key, x.value); }
template <class Inspector>
bool inspect(Inspector& f, lead_command& x) { return f(x.epoch, x.node); }

template <class Inspector>
bool inspect(Inspector& f, put_command& x) { return f(x.kind, x.name, x.value, x.expected); }
template <class Inspector>
bool inspect(Inspector& f, patch_command& x) { return f(x.id, x.importance, x.scheduled_at, x.deadline, x.tags); }
template <class Inspector>
bool inspect(Inspector& f, approve_command& x) { return f(x.id, x.consent); }
template <class Inspector>
bool inspect(Inspector& f, rollback_command& x) { return f(x.id, x.status, x.message); }
template <class Inspector>
bool inspect(Inspector& f, cancel_workflow_command& x) { return f(x.id, x.reason); }
template <class Inspector>
bool inspect(Inspector& f, compensated_command& x) { return f(x.id, x.done); }
template <class Inspector>
bool inspect(Inspector& f, forget_command& x) { return f(x.kind, x.name); }

// Shared values are stored by value. A spec has its length before it, so that it may grow.
void put_submission(encoder& f, const submission& x) {
  f(encode(*x.spec), *x.payload);
}

bool get_submission(decoder& f, submission& x) {
  std::string bytes;
  auto spec = std::make_shared<task_spec>();
  auto payload = std::make_shared<std::string>();
  auto done = f(bytes, *payload) && decode(bytes, *spec);
  x = {std::move(spec), std::move(payload)};
  return done;
}

void inspect(encoder& f, submit_command& x) {
  f(x.check_id);
  put_submission(f, x.task);
}

bool inspect(decoder& f, submit_command& x) { return f(x.check_id) && get_submission(f, x.task); }

void inspect(encoder& f, workflow_command& x) {
  f(encode(x.record));
  f.put_size(x.tasks.size());
  for (const auto& task : x.tasks)
    put_submission(f, task);
}

bool inspect(decoder& f, workflow_command& x) {
  std::string bytes;
  if (!f(bytes) || !decode(bytes, x.record))
    return false;
  auto count = f.get_size();
  if (!f.ok() || count > f.rest().size())
    return false;
  for (uint64_t i = 0; i < count; ++i) // damaged bytes may claim more than there are
    if (f.rest().empty() || !get_submission(f, x.tasks.emplace_back()))
      return false;
  return true;
}

void inspect(encoder& f, finish_command& x) {
  static const std::string none;
  f(x.id, x.fence, x.kind, x.message, x.result ? *x.result : none, x.retry_at, x.percent, x.progress, x.requeue,
    x.started_at, x.execution, x.usage, x.rollback, x.rollback_message);
}

bool inspect(decoder& f, finish_command& x) {
  std::string result;
  auto done = f(x.id, x.fence, x.kind, x.message, result, x.retry_at, x.percent, x.progress, x.requeue, x.started_at,
                x.execution, x.usage, x.rollback, x.rollback_message);
  x.result = result.empty() ? nullptr : std::make_shared<const std::string>(std::move(result));
  return done;
}

namespace {

/// 1: commands of the first release, one behind the other. 2: each with its length before it, so that it may grow.
constexpr uint64_t format_version = 2;

// As version 1 had them.
bool decode_version_1(decoder& f, submit_command& x) {
  auto spec = std::make_shared<task_spec>();
  auto payload = std::make_shared<std::string>();
  auto& y = *spec;
  auto done = f(x.check_id, y.id, y.name, y.description, y.task_type, y.subsystem, y.importance, y.tags, y.assigned_to,
                y.context, y.scheduled_at, y.deadline, y.timeout, y.retry, y.required_gates, y.on_closed_gate,
                y.depends_on, y.on_dependency_failure, y.resources, y.unique_key, y.unique_for, y.concurrency,
                y.snapshot, y.origin, y.created_at, *payload);
  x.task = {std::move(spec), std::move(payload)};
  return done;
}

bool decode_version_1(decoder& f, finish_command& x) {
  std::string result;
  auto done = f(x.id, x.fence, x.kind, x.message, result, x.retry_at, x.percent, x.progress, x.requeue, x.started_at,
                x.execution);
  x.result = result.empty() ? nullptr : std::make_shared<const std::string>(std::move(result));
  return done;
}

template <class Command>
bool decode_version_1(decoder& f, Command& x) {
  return inspect(f, x);
}

// Calls `read` with the alternative that `tag` names.
template <size_t I = 0, class Read>
bool read_alternative(uint64_t tag, command& x, Read read) {
  if constexpr (I < std::variant_size_v<command>)
    return tag == I ? read(x.emplace<I>()) : read_alternative<I + 1>(tag, x, read);
  else
    return false;
}

// A command of version 1 is no outermost struct: none of its fields may be missing, not even at the end.
struct command_in_batch {
  uint64_t tag;
  command& x;
  bool done;
};

void inspect(decoder& f, command_in_batch& x) {
  x.done = read_alternative(x.tag, x.x, [&](auto& alternative) { return decode_version_1(f, alternative); });
}

} // namespace

std::string encode_batch(const command_batch& batch) {
  std::string out;
  out.reserve(64 + batch.commands.size() * 256);
  encoder f{out};
  f.put_size(format_version);
  f(batch.time);
  f.put_size(batch.commands.size());
  std::string bytes;
  for (const auto& x : batch.commands) {
    f.put_size(x.index());
    bytes.clear();
    encoder inner{bytes};
    std::visit(
      [&](const auto& alternative) { inspect(inner, const_cast<std::decay_t<decltype(alternative)>&>(alternative)); },
      x);
    f(bytes);
  }
  return out;
}

bool decode_batch(std::string_view bytes, command_batch& batch) {
  decoder f{bytes};
  auto version = f.get_size();
  if (version < 1 || version > format_version || !f(batch.time))
    return false;
  auto count = f.get_size();
  if (!f.ok() || count > bytes.size())
    return false;
  batch.commands.clear();
  for (uint64_t i = 0; i < count; ++i) { // damaged bytes may claim more than there are
    auto& x = batch.commands.emplace_back();
    auto tag = f.get_size();
    if (version == 1) {
      command_in_batch next{tag, x, false};
      if (!f(next) || !next.done)
        return false;
      continue;
    }
    std::string bytes;
    if (f.rest().empty() || !f(bytes) ||
        !read_alternative(tag, x, [&](auto& alternative) { return decode(bytes, alternative); }))
      return false;
  }
  return f.rest().empty();
}

} // namespace overwatch
