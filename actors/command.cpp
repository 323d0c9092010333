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

// Shared values are stored by value.
template <class Inspector>
bool inspect(Inspector& f, submit_command& x) {
  if constexpr (Inspector::reads_state) {
    return f(x.check_id, *x.task.spec, *x.task.payload);
  } else {
    auto spec = std::make_shared<task_spec>();
    auto payload = std::make_shared<std::string>();
    auto done = f(x.check_id, *spec, *payload);
    x.task = {std::move(spec), std::move(payload)};
    return done;
  }
}

template <class Inspector>
bool inspect(Inspector& f, finish_command& x) {
  if constexpr (Inspector::reads_state) {
    static const std::string none;
    return f(x.id, x.fence, x.kind, x.message, x.result ? *x.result : none, x.retry_at, x.percent, x.progress,
             x.requeue, x.started_at, x.execution);
  } else {
    std::string result;
    auto done = f(x.id, x.fence, x.kind, x.message, result, x.retry_at, x.percent, x.progress, x.requeue,
                  x.started_at, x.execution);
    x.result = result.empty() ? nullptr : std::make_shared<const std::string>(std::move(result));
    return done;
  }
}

namespace {

constexpr uint64_t format_version = 1;

template <size_t I = 0>
bool decode_alternative(decoder& f, uint64_t tag, command& x) {
  if constexpr (I < std::variant_size_v<command>) {
    if (tag == I)
      return inspect(f, x.emplace<I>());
    return decode_alternative<I + 1>(f, tag, x);
  } else {
    return false;
  }
}

// A command inside a batch is no outermost struct: none of its fields may be missing, not even at the end.
struct command_in_batch {
  uint64_t tag;
  command& x;
  bool done;
};

void inspect(decoder& f, command_in_batch& x) {
  x.done = decode_alternative(f, x.tag, x.x);
}

} // namespace

std::string encode_batch(const command_batch& batch) {
  std::string out;
  out.reserve(64 + batch.commands.size() * 256);
  encoder f{out};
  f.put_size(format_version);
  f(batch.time);
  f.put_size(batch.commands.size());
  for (const auto& x : batch.commands) {
    f.put_size(x.index());
    std::visit([&](const auto& alternative) { inspect(f, const_cast<std::decay_t<decltype(alternative)>&>(alternative)); }, x);
  }
  return out;
}

bool decode_batch(std::string_view bytes, command_batch& batch) {
  decoder f{bytes};
  if (f.get_size() != format_version || !f(batch.time))
    return false;
  auto count = f.get_size();
  if (!f.ok() || count > bytes.size())
    return false;
  batch.commands.resize(count);
  for (auto& x : batch.commands) {
    command_in_batch next{f.get_size(), x, false};
    if (!f(next) || !next.done)
      return false;
  }
  return f.rest().empty();
}

} // namespace overwatch
