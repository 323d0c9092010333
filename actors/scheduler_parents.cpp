#include "actors/scheduler.hpp"
#include "actors/wait_reason.hpp"

#include <caf/event_based_actor.hpp>

/// The part of the scheduler that watches over parents in other partitions: asks there what became of them, and
/// proposes what is answered.
namespace overwatch {

namespace {

constexpr auto page_timeout = std::chrono::seconds{60};
constexpr auto question_timeout = std::chrono::seconds{10};
constexpr size_t max_named = 10; // parents in an answer to why

size_t bytes_of(const statuses_reply& x) {
  size_t bytes = 16 * x.missing.size();
  for (const auto& parent : x.ended)
    bytes += 64 + parent.name.size() + (parent.result ? parent.result->size() : 0);
  return bytes;
}

} // namespace

void scheduler_state::watch_parents(const task_change& change) {
  if (change.state.waits_for != wait_reason::parents)
    return;
  for (const auto& id : change.spec->depends_on)
    if (id.partition() != options_.partition)
      remote_parents_.add(id, self_->clock().now());
}

// Those in other partitions that have not ended, as a list; only the first ones.
std::string scheduler_state::watched_parents(const task_spec& spec) const {
  std::string list;
  size_t count = 0;
  for (const auto& id : std::set<task_id>{spec.depends_on.begin(), spec.depends_on.end()}) {
    if (!remote_parents_.watches(id))
      continue;
    if (++count > max_named)
      return list + ", ...";
    list += (list.empty() ? "" : ", ") + to_string(id);
  }
  return list;
}

void scheduler_state::load_parents() {
  auto wanted = remote_parents_.wanted_page();
  if (!wanted)
    return;
  self_->request(replica_, page_timeout, *wanted)
    .then(
      [this, role = role_](const remote_parents_page& page) {
        if (role != role_)
          return;
        remote_parents_.add_page(page, self_->clock().now());
        ask_for_parents();
      },
      [this, role = role_](const caf::error&) {
        if (role == role_)
          remote_parents_.page_failed();
      });
}

void scheduler_state::follow_parents(const applied_entry& entry) {
  for (const auto& id : entry.forsaken_parents)
    remote_parents_.forget(id);
  ask_for_parents();
}

void scheduler_state::ask_for_parents() {
  if (!leads_ || !options_.router)
    return;
  load_parents();
  for (auto& question : remote_parents_.due(self_->clock().now())) {
    auto partition = question.partition;
    self_->request(options_.router, question_timeout, std::move(question))
      .then(
        [this, role = role_, partition](statuses_reply& reply) {
          if (role == role_)
            settle_parents(partition, reply);
        },
        [this, role = role_, partition](const caf::error&) {
          if (role != role_)
            return;
          remote_parents_.failed(partition, self_->clock().now());
          ask_for_parents();
        });
  }
  auto next = remote_parents_.next();
  if (!next || (parents_asked_at_ && *parents_asked_at_ <= *next))
    return;
  parents_asked_at_ = next;
  self_->delayed_send(self_, std::max(*next - self_->clock().now(), time_point::duration{0}), caf::get_atom::value,
                      ++parents_generation_);
}

void scheduler_state::parents_due(uint64_t generation) {
  if (generation != parents_generation_)
    return; // an earlier one was armed since
  parents_asked_at_.reset();
  ask_for_parents();
}

void scheduler_state::settle_parents(partition_id partition, statuses_reply& reply) {
  remote_parents_.answered(partition, reply, self_->clock().now());
  if (!reply.ended.empty() || !reply.missing.empty()) {
    auto bytes = bytes_of(reply);
    add(parents_ended_command{std::move(reply.ended), std::move(reply.missing)}, bytes);
    schedule_send();
  }
  ask_for_parents();
}

} // namespace overwatch
