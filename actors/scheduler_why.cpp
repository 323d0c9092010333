#include "actors/scheduler.hpp"
#include "actors/wait_reason.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

/// The part of the scheduler that answers questions: why does a task not run, and what do nodes have left?
namespace overwatch {

namespace {

constexpr auto pool_timeout = std::chrono::seconds{2};

} // namespace

caf::result<why_reply> scheduler_state::why(const why_request& x) {
  if (!leads_)
    return make_error(ec::not_leader, "this node is not ready yet; try again in a moment");
  auto promise = self_->make_response_promise<why_reply>();
  self_->request(replica_, std::chrono::seconds{10}, get_request{x.id})
    .then([this, promise](const task_record& record) mutable { look_into_pool(record, std::move(promise)); },
          [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
  return promise;
}

// The log says of an attempt that waits in its pool that it runs; that its handler was not called yet only the pool knows.
void scheduler_state::look_into_pool(const task_record& record, caf::typed_response_promise<why_reply> promise) {
  auto reply = explain(record);
  auto i = running_.find(record.spec.id);
  if (record.state.status != task_status::running || i == running_.end() || !i->second.pool || i->second.finishing) {
    promise.deliver(std::move(reply));
    return;
  }
  auto say = [this, promise, reply, record](uint32_t waiting) mutable {
    if (waiting > 0) {
      const auto& state = record.state;
      reply.kind = wait_kind::slot;
      reply.data = {{"node", state.node}, {"waiting", std::to_string(waiting)}};
      reply.sentence = "Attempt " + std::to_string(state.fence.attempt) + " was given to the pool " + state.worker + " of node "
                       + state.node + " and has not begun: " + std::to_string(waiting)
                       + (waiting == 1 ? " attempt waits" : " attempts wait") + " there for a slot or for leave to begin.";
    }
    promise.deliver(std::move(reply));
  };
  auto no_answer = [say](const caf::error&) mutable { say(0); };
  auto pool = i->second.pool->handle;
  self_->request(pool, pool_timeout, workers_request{})
    .then(
      [this, pool, say, no_answer, id = record.spec.id](const workers_reply& workers) mutable {
        auto has_it = [&](const worker_status& x) { return x.task == id; };
        if (std::any_of(workers.workers.begin(), workers.workers.end(), has_it))
          say(0);
        else
          self_->request(pool, pool_timeout, pools_request{})
            .then([say](const pool_status& x) mutable { say(x.waiting); }, no_answer);
      },
      no_answer);
}

why_reply scheduler_state::explain(const task_record& record) const {
  const auto& state = record.state;
  why_reply reply{record.spec.id, state.status, wait_kind::nothing, {}, {}};
  if (is_terminal(state.status)) {
    reply.sentence = "It has ended: " + std::string{name_of(state.status)} + ".";
  } else if (state.status == task_status::running) {
    return explain_run(record);
  } else if (!state.waits_for.empty()) {
    return explain_wait(record);
  } else {
    return explain_queue(record);
  }
  return reply;
}

why_reply scheduler_state::explain_run(const task_record& record) const {
  const auto& state = record.state;
  why_reply reply{record.spec.id, state.status, wait_kind::nothing, {}, {}};
  auto attempt = "attempt " + std::to_string(state.fence.attempt);
  auto restore = restores_.find(record.spec.id);
  auto running = running_.find(record.spec.id);
  auto seconds_until = [&](time_point time) {
    auto left = std::chrono::duration<double>(time - self_->clock().now()).count();
    return std::to_string(static_cast<int64_t>(std::max(0.0, left)));
  };
  if (restore != restores_.end() && restore->second.request == 0) {
    reply.kind = wait_kind::node;
    reply.data["node"] = restore->second.node;
    reply.data["seconds"] = seconds_until(restore->second.give_up_at);
    reply.sentence = "Its " + attempt + " has failed; what it changed is put back when node " + restore->second.node
                     + ", where it ran, is there again. If it stays away for " + reply.data["seconds"]
                     + " s more, the rollback has failed.";
  } else if (state.rollback == rollback_status::running) {
    reply.kind = wait_kind::rollback;
    reply.sentence = "Its " + attempt + " has failed; what it changed is being put back.";
  } else if (running != running_.end() && !running->second.pool && !running->second.finishing) {
    reply.kind = wait_kind::node;
    reply.data["node"] = state.node;
    reply.sentence =
      "Its " + attempt + " runs on node " + state.node + ", which is not there right now; it is taken for lost soon.";
  } else {
    reply.sentence = "It is running: " + attempt + " on node " + state.node + ".";
  }
  return reply;
}

// Something named stands in its way.
why_reply scheduler_state::explain_wait(const task_record& record) const {
  const auto& [spec, state, payload, result] = record;
  why_reply reply{spec.id, state.status, wait_kind::dependency, {}, {}};
  const auto& reason = state.waits_for;
  if (reason == wait_reason::parents) {
    reply.data["unfinished"] = std::to_string(state.parents_left);
    reply.sentence = "It waits for " + std::to_string(state.parents_left) + " of the "
                     + std::to_string(spec.depends_on.size()) + " tasks that it depends on.";
    auto elsewhere = watched_parents(spec);
    if (!elsewhere.empty()) {
      reply.data["elsewhere"] = elsewhere;
      reply.sentence += " In other partitions it waits for: " + elsewhere + '.';
    }
    return reply;
  }
  struct form {
    std::string_view word;
    wait_kind kind;
    const char* before;
    const char* after;
  };
  static constexpr form forms[] = {
    {wait_reason::gate, wait_kind::gate, "It waits for the gate ", ", which is closed."},
    {wait_reason::concurrency, wait_kind::concurrency, "As many tasks as are allowed run with the concurrency key ",
     "."},
    {wait_reason::exclusive, wait_kind::exclusive, "Another running task holds ", "."},
    {wait_reason::rate, wait_kind::rate, "As many tasks as are allowed were started lately with the rate key ", "."},
    {wait_reason::snapshot, wait_kind::snapshot,
     "A task that runs or is rolled back has an overlapping snapshot: ", "."},
  };
  for (const auto& x : forms) {
    if (!wait_reason::is(reason, x.word))
      continue;
    std::string name{wait_reason::name_of(reason, x.word)};
    if (x.kind == wait_kind::snapshot)
      name.erase(0, 1); // says whether it is a path or a key
    reply.kind = x.kind;
    reply.data["name"] = name;
    reply.sentence = x.before + name + x.after;
  }
  if (auto wait = rate_waits_.find(reason); wait != rate_waits_.end())
    reply.data["seconds"] = std::to_string(
      std::max(0.0, std::chrono::duration<double>(wait->second.next - options_.clock()).count()));
  return reply;
}

// Nothing but time, slots and room stand in its way.
why_reply scheduler_state::explain_queue(const task_record& record) const {
  const auto& [spec, state, payload, result] = record;
  why_reply reply{spec.id, state.status, wait_kind::nothing, {}, {}};
  auto say = [&](wait_kind kind, std::string sentence) {
    reply.kind = kind;
    reply.sentence = std::move(sentence);
    return reply;
  };
  if (state.due) {
    auto left = std::chrono::duration<double>(*state.due - options_.clock()).count();
    reply.data["seconds"] = std::to_string(std::max(0.0, left));
    if (state.status == task_status::retrying)
      return say(wait_kind::backoff, "Attempt " + std::to_string(state.fence.attempt) + " failed (" +
                                       state.error.message +
                                       "); it waits for its backoff to pass before it is tried again.");
    return say(wait_kind::time, "It is scheduled for later: its time has not come yet.");
  }
  if (!dispatching_ || leaving_)
    return say(wait_kind::pause,
               leaving_ ? "The node is stopping; it runs after the restart."
                        : "Dispatch is stopped: resume it with `overwatch resume` or POST /api/overwatch/start.");
  if (disk_ == disk_state::full)
    return say(wait_kind::disk, "The node's disk is full; tasks start again when there is space.");
  auto pools = pools_of_type_.find(spec.task_type);
  if (pools == pools_of_type_.end() || pools->second.empty()) {
    reply.data["task_type"] = spec.task_type;
    return say(wait_kind::handler_missing, "No live worker serves the task type " + spec.task_type + " yet.");
  }
  auto key = ready_key_of(spec, state);
  std::vector<const pool_entry*> usable;
  for (const auto* pool : pools->second)
    if (const auto& node = nodes_.at(pool->node); !node.draining && may_run_on(key, pool->node, node))
      usable.push_back(pool);
  if (usable.empty())
    return explain_placement(record);
  return explain_slots(record, usable);
}

// Where it may run there is no free slot, or no room, or it is its turn now.
why_reply scheduler_state::explain_slots(const task_record& record,
                                         const std::vector<const pool_entry*>& usable) const {
  const auto& [spec, state, payload, result] = record;
  why_reply reply{spec.id, state.status, wait_kind::slot, {}, {}};
  uint32_t slots = 0;
  uint32_t share = 0;
  uint32_t busy = 0;
  for (const auto* pool : usable) {
    slots += pool->slots;
    share += slots_of(*pool);
    busy += pool->busy;
  }
  auto ahead = ready_.ahead_of(spec, state, options_.clock());
  reply.data["slots"] = std::to_string(slots);
  reply.data["busy"] = std::to_string(busy);
  reply.data["ahead"] = std::to_string(ahead);
  auto queue = std::to_string(ahead) + (ahead == 1 ? " task is" : " tasks are") + " before it.";
  auto say_share = [&](uint32_t own, const std::string& what) {
    reply.data["share"] = std::to_string(own);
    reply.sentence = "The share of its partition, " + std::to_string(own) + " of " + what +
                     ", is used up; other partitions "
                     "have the rest; " +
                     queue;
    return reply;
  };
  if (busy >= share) {
    if (share < slots)
      return say_share(share, "the " + std::to_string(slots) + " slots of " + spec.task_type);
    reply.sentence = "All " + std::to_string(slots) + " slots of " + spec.task_type + " are taken; " + queue;
    return reply;
  }
  auto key = ready_key_of(spec, state);
  if (std::none_of(usable.begin(), usable.end(),
                   [&](const auto* pool) { return has_room(nodes_.at(pool->node), key); }))
    return explain_room(record);
  for (const auto* pool : usable) {
    const auto& node = nodes_.at(pool->node);
    if (node.busy >= limit_of(node))
      continue;
    reply.kind = wait_kind::turn;
    reply.sentence = "It starts as soon as it is its turn; " + queue;
    return reply;
  }
  const auto& node = nodes_.at(usable.front()->node);
  reply.data["limit"] = std::to_string(node.keeper ? node.all : limit_of(node));
  if (node.keeper && node.share < node.all)
    return say_share(node.share, "the " + reply.data["limit"] + " tasks that the node runs at once");
  reply.sentence = "The node runs as many tasks as max-concurrent-tasks allows (" + reply.data["limit"] + "); " + queue;
  return reply;
}

// Nodes serve its type, but it may run on none of them, or they are drained.
why_reply scheduler_state::explain_placement(const task_record& record) const {
  const auto& where = record.spec.placement;
  why_reply reply{record.spec.id, record.state.status, wait_kind::placement, {}, {}};
  auto list = [](std::string& text, const std::string& item) { text += (text.empty() ? "" : ", ") + item; };
  std::string labels;
  for (const auto& [name, value] : where.labels)
    list(labels, name + '=' + value);
  std::string drained;
  for (const auto* pool : pools_of_type_.at(record.spec.task_type))
    if (const auto& node = nodes_.at(pool->node); node.draining && allows(where, pool->node, node.labels))
      list(drained, pool->node);
  if (!where.node.empty())
    reply.data["node"] = where.node;
  if (!labels.empty())
    reply.data["labels"] = labels;
  auto served = "serves " + record.spec.task_type;
  if (!drained.empty()) {
    reply.data["draining"] = drained;
    reply.sentence = "Where it may run is drained: nothing starts on " + drained + '.';
  } else if (where.node.empty()) {
    reply.sentence = "It waits for a node with the labels " + labels + " that " + served + "; none is there.";
  } else if (labels.empty()) {
    reply.sentence = "It may only run on node " + where.node + ", which is not there or does not " + "serve "
                     + record.spec.task_type + '.';
  } else {
    reply.sentence = "It may only run on node " + where.node + " with the labels " + labels + "; no such node that " +
                     served + " is there.";
  }
  return reply;
}

why_reply scheduler_state::explain_room(const task_record& record) const {
  const auto& spec = record.spec;
  why_reply reply{spec.id, record.state.status, wait_kind::resources, {}, {}};
  uint64_t most = 0;
  for (const auto& [name, node] : nodes_) {
    most = std::max(most, node.memory_mb);
    if (node.reserved_for && *node.reserved_for != spec.id)
      reply.data["reserved_for"] = to_string(*node.reserved_for);
  }
  reply.data["memory_mb"] = std::to_string(most);
  if (spec.resources.memory_mb > most)
    reply.sentence = "It asks for " + std::to_string(spec.resources.memory_mb) +
                     " MiB of memory; no node has more than " + std::to_string(most) +
                     ": it will not run before one has.";
  else if (reply.data.count("reserved_for"))
    reply.sentence = "The next resources are kept for a larger task that has waited for long.";
  else
    reply.sentence = "The resources that it asks for are taken by running tasks.";
  return reply;
}

scheduler_status scheduler_state::status() const {
  scheduler_status result;
  result.leads = leads_;
  result.dispatching = dispatching_;
  result.running = static_cast<uint32_t>(running_.size());
  result.ready_in_memory = ready_.size();
  result.settings = settings_;
  return result;
}

resources_reply scheduler_state::resources() const {
  resources_reply reply;
  for (const auto& [name, node] : nodes_) {
    node_resources x{name, node.cpus, node.memory_mb, std::max(0.0, node.held.cpu), node.held.memory_mb,
                     std::max(0.0, node.held.io), node.reserved_for};
    x.labels = node.labels;
    x.running = node.busy;
    x.present =
      std::any_of(pools_.begin(), pools_.end(), [&, &own = name](const auto& y) { return y.second->node == own; });
    x.draining = node.draining;
    x.drain_until = node.drain_until;
    reply.nodes.push_back(std::move(x));
  }
  return reply;
}

} // namespace overwatch
