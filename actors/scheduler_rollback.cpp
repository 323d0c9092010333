#include "actors/scheduler.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

/// The part of the scheduler that puts back what tasks changed: after a failed attempt, on request, and for workflows.
namespace overwatch {

namespace {

constexpr auto restore_timeout = std::chrono::seconds{7200}; // above the snapshotter's own limit, which says why
constexpr auto page_timeout = std::chrono::seconds{60};

/// How long the snapshot of a task is kept whose rollback failed, so that it can be asked for again.
constexpr auto keep_after_failure = std::chrono::seconds{86'400};

std::string describe_counts(const restore_counts& x) {
  return std::to_string(x.rewritten) + " rewritten, " + std::to_string(x.recreated) + " made again, "
         + std::to_string(x.removed) + " removed, " + std::to_string(x.unchanged) + " unchanged";
}

} // namespace

void scheduler_state::set_snapshotter(const snapshotter_offer& x) {
  auto& node = nodes_[x.node];
  node.hooked_types = x.hooked_types;
  auto handle = caf::actor_cast<snapshotter_actor>(x.handle);
  if (node.snapshotter == handle)
    return;
  node.snapshotter = std::move(handle);
  self_->monitor(node.snapshotter);
  put_off_restores(x.node); // they were asked of the one before
  if (leads_)
    collect_snapshots(node);
}

// A node that is away is taken for one like the others.
bool scheduler_state::captures(const attempt& running) const {
  return !running.spec->snapshot.files.empty() || std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& x) {
    return x.second.hooked_types.count(running.spec->task_type) > 0;
  });
}

// -- restoring: where the attempt ran ------------------------------------------------

// Puts the files of a task back on the node that ran it, once that is there.
void scheduler_state::restore(const task_id& id, const std::string& node,
                              std::function<void(rollback_status, std::string)> done) {
  auto& x = restores_[id] = {node, std::move(done), self_->clock().now() + options_.restore_limit, 0};
  if (nodes_[node].snapshotter)
    ask_to_restore(id, x);
  arm_watch();
}

void scheduler_state::ask_to_restore(const task_id& id, restoration& x) {
  auto number = x.request = ++last_restore_;
  self_->request(nodes_[x.node].snapshotter, restore_timeout, restore_request{id})
    .then(
      [this, id, number](const restore_reply& reply) {
        if (reply.error)
          end_restore(id, number, rollback_status::failed, reply.error.message);
        else if (reply.found)
          end_restore(id, number, rollback_status::done, describe_counts(reply.counts));
        else
          end_restore(id, number, rollback_status::none, "nothing was captured: its handler was not called");
      },
      [this, id, number](const caf::error& error) {
        if (auto i = restores_.find(id); error == caf::sec::request_receiver_down && i != restores_.end()
                                         && i->second.request == number)
          i->second.request = 0; // it is asked again when the node is back
        else
          end_restore(id, number, rollback_status::failed,
                      "the snapshotter did not answer: " + describe(error).message);
      });
}

void scheduler_state::end_restore(const task_id& id, uint64_t request, rollback_status status, std::string message) {
  auto i = restores_.find(id);
  if (i == restores_.end() || i->second.request != request)
    return; // of an earlier leadership, or of a node that went away meanwhile
  auto done = std::move(i->second.done);
  restores_.erase(i);
  done(status, std::move(message));
}

// What a node was asked to restore when it went away is asked again: it finds what is left to be done.
void scheduler_state::put_off_restores(const std::string& node) {
  for (auto& [id, x] : restores_)
    if (x.node == node)
      x.request = 0;
}

// A node that comes back says with its pools what still runs there, and stops that, before it is asked to restore.
void scheduler_state::watch_restores() {
  std::vector<task_id> late;
  auto time = self_->clock().now();
  for (auto& [id, x] : restores_)
    if (x.request == 0 && nodes_[x.node].snapshotter)
      ask_to_restore(id, x);
    else if (x.request == 0 && x.give_up_at <= time)
      late.push_back(id);
  for (const auto& id : late)
    end_restore(id, 0, rollback_status::failed,
                "node " + restores_.at(id).node + ", which ran it and has its snapshot, did not come back within "
                  + std::to_string(options_.restore_limit.count()) + " s");
}

// A task has ended: its snapshot is dropped, or kept for a while.
void scheduler_state::release_snapshot_of(const task_change& change) {
  const auto& state = change.state;
  auto node = nodes_.find(state.node);
  if (change.before != task_status::running || node == nodes_.end() || !node->second.snapshotter
      || !captures({nullptr, {}, change.spec, state, false, {}, nullptr, {}}))
    return;
  auto until = state.snapshot_until;
  if (state.rollback == rollback_status::failed)
    until = options_.clock() + keep_after_failure;
  self_->send(node->second.snapshotter, release_snapshot{change.spec->id, until});
}

// Snapshots whose tasks have ended or are gone: their release was lost in a crash.
void scheduler_state::collect_snapshots(const node_entry& node) {
  if (!node.snapshotter)
    return;
  self_->request(node.snapshotter, page_timeout, stored_snapshots_request{})
    .then(
      [this, snapshotter = node.snapshotter](const stored_snapshots& stored) {
        for (const auto& item : stored.tasks) {
          if (item.keep_until || item.id.partition() != options_.partition)
            continue; // each scheduler knows its own tasks
          self_->request(replica_, page_timeout, get_request{item.id})
            .then(
              [this, snapshotter](const task_record& task) {
                if (is_terminal(task.state.status) && task.state.rollback != rollback_status::running)
                  self_->send(snapshotter, release_snapshot{task.spec.id, task.state.snapshot_until});
              },
              [this, snapshotter, id = item.id](const caf::error& error) {
                if (describe(error).code == ec::not_found)
                  self_->send(snapshotter, release_snapshot{id, {}});
              });
        }
      },
      [](const caf::error&) {}); // the next start looks again
}

// -- on request ----------------------------------------------------------------

caf::result<task_record> scheduler_state::roll_back(const rollback_request& x) {
  if (!leads_ || leaving_)
    return make_error(ec::not_leader, "this node is not ready; try again in a moment");
  auto promise = self_->make_response_promise<task_record>();
  propose_request begin;
  begin.commands.emplace_back(
    rollback_command{x.id, rollback_status::running, "asked for by " + x.by + ": " + x.reason});
  propose_then(begin, [this, promise, id = x.id](caf::expected<propose_reply> reply) mutable {
    if (!reply)
      promise.deliver(std::move(reply.error()));
    else if (const auto& fault = reply->results.front().error)
      promise.deliver(make_error(fault));
    else
      undos_[id].promises.push_back(std::move(promise)); // `react_to_rollback` has begun it
  });
  return promise;
}

void scheduler_state::begin_undo(const task_id& id) {
  self_->request(replica_, page_timeout, get_request{id})
    .then(
      [this, id](const task_record& task) {
        if (task.spec.snapshot.files.empty()) {
          add(rollback_command{id, rollback_status::done, "the keys of its scope are as they were before it"});
          schedule_send();
          return;
        }
        restore(id, task.state.node, [this, id](rollback_status status, std::string message) {
          auto done = status == rollback_status::done;
          if (status == rollback_status::none)
            message = "its snapshot is not there any more";
          add(rollback_command{id, done ? rollback_status::done : rollback_status::failed, std::move(message)});
          schedule_send();
        });
      },
      [](const caf::error&) {}); // the next leader does it
}

void scheduler_state::react_to_rollback(const task_change& change) {
  const auto& id = change.spec->id;
  if (auto i = running_.find(id); i != running_.end()) {
    i->second.state.rollback = change.state.rollback;
    return;
  }
  if (change.state.rollback == rollback_status::running) {
    begin_undo(id);
    return;
  }
  if (change.state.rollback == rollback_status::done)
    if (auto node = nodes_.find(change.state.node); node != nodes_.end() && node->second.snapshotter)
      self_->send(node->second.snapshotter, release_snapshot{id, {}});
  auto i = undos_.find(id);
  if (i == undos_.end())
    return;
  auto ended = std::move(i->second);
  undos_.erase(i);
  if (auto workflow = compensations_.find(ended.workflow); workflow != compensations_.end()) {
    workflow->second.failed |= change.state.rollback != rollback_status::done;
    undo_next(ended.workflow);
  }
  for (auto& promise : ended.promises)
    self_->request(replica_, page_timeout, get_request{id})
      .then([promise](task_record& task) mutable { promise.deliver(std::move(task)); },
            [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
}

// -- workflows -----------------------------------------------------------------

// Looks up when the completed tasks ended, then undoes them one after the other, the newest first.
void scheduler_state::compensate(const workflow_record& workflow) {
  const auto id = workflow.id;
  if (!compensations_.try_emplace(id).second)
    return;
  struct found {
    std::vector<std::pair<timestamp, task_id>> tasks;
    size_t missing = 1;
    bool resumed = false; // one was being undone when the leader before stopped: it goes on from there
  };
  auto all = std::make_shared<found>();
  auto count_down = [this, all, id] {
    if (--all->missing > 0)
      return;
    std::sort(all->tasks.begin(), all->tasks.end());
    for (const auto& [time, task] : all->tasks)
      compensations_[id].tasks.push_back(task);
    if (!all->resumed)
      undo_next(id);
  };
  for (const auto& member : workflow.tasks) {
    if (member.rollback == rollback_status::running) {
      undos_[member.id].workflow = id;
      all->resumed = true;
      continue;
    }
    if (member.status != task_status::completed || member.rollback == rollback_status::done)
      continue;
    ++all->missing;
    self_->request(replica_, page_timeout, get_request{member.id})
      .then(
        [all, count_down](const task_record& task) {
          const auto& scope = task.spec.snapshot;
          if (task.state.snapshot_until && !(scope.files.empty() && scope.keys.empty()))
            all->tasks.emplace_back(*task.state.finished_at, task.spec.id);
          count_down();
        },
        [count_down](const caf::error&) { count_down(); });
  }
  count_down();
}

void scheduler_state::undo_next(const task_id& workflow) {
  auto i = compensations_.find(workflow);
  if (i == compensations_.end())
    return;
  if (i->second.tasks.empty()) {
    add(compensated_command{workflow, !i->second.failed});
    compensations_.erase(i);
    schedule_send();
    return;
  }
  auto id = i->second.tasks.back();
  i->second.tasks.pop_back();
  undos_[id].workflow = workflow;
  propose_request begin;
  begin.commands.emplace_back(rollback_command{id, rollback_status::running, "its workflow failed"});
  propose_then(begin, [this, id, workflow](caf::expected<propose_reply> reply) {
    if (reply && !reply->results.front().error)
      return; // `react_to_rollback` goes on
    undos_.erase(id);
    if (auto i = compensations_.find(workflow); reply && i != compensations_.end()) {
      i->second.failed = true; // its scope is taken, or the time of its snapshot has passed
      undo_next(workflow);
    }
  });
}

} // namespace overwatch
