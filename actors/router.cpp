#include "actors/router.hpp"

#include "messages/worker.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

namespace overwatch {

void router_state::set_up(pointer self, router_options options) {
  self_ = self;
  options_ = std::move(options);
  ids_ = task_id_generator{options_.seed};
}

// -- who leads -----------------------------------------------------------------

void router_state::set_leader(const leader_report& x) {
  leaders_[x.partition] = x;
  if (!x.node.empty())
    leaderless_since_.erase(x.partition);
  else
    leaderless_since_.try_emplace(x.partition, self_->clock().now());
  tick();
}

void router_state::set_peer(const peer_report& x) {
  peers_[x.node] = x;
  if (!x.up) { // CAF does not fail what was asked over a connection that is gone
    std::vector<operation_ptr> lost;
    std::copy_if(operations_.begin(), operations_.end(), std::back_inserter(lost),
                 [&](const auto& one) { return one->node == x.node; });
    for (const auto& one : lost) {
      ++one->attempt;
      not_done(one, make_error(ec::timed_out, "the connection to node " + x.node + " was lost before it answered; "
                                              "whether it was done is unknown: look, or ask again with the same id"));
    }
  }
  tick();
}

gateway_actor router_state::gateway_of(const std::string& node) const {
  if (node == options_.node)
    return own_;
  auto i = peers_.find(node);
  if (i == peers_.end() || !i->second.up || i->second.handles.gateways.empty())
    return {};
  return caf::actor_cast<gateway_actor>(i->second.handles.gateways.front());
}

bool router_state::is_leaderless(partition_id partition) const {
  auto i = leaderless_since_.find(partition);
  return i != leaderless_since_.end() && self_->clock().now() - i->second >= options_.leader_patience;
}

caf::error router_state::no_leader(partition_id partition) const {
  std::string up = options_.node;
  std::string down;
  for (const auto& [node, peer] : peers_)
    (peer.up ? up : down) += (peer.up || !down.empty() ? ", " : "") + node;
  auto message = "partition " + std::to_string(partition) + " has no leader";
  if (auto i = leaderless_since_.find(partition); i != leaderless_since_.end()) {
    auto time = std::chrono::duration_cast<std::chrono::seconds>(self_->clock().now() - i->second);
    message = "partition " + std::to_string(partition) + " has had no leader for " + std::to_string(time.count()) + " s";
  }
  message += ": a majority of its nodes has to be up and in touch. From here: " + up + (up.find(',') == std::string::npos
             ? " is up" : " are up") + (down.empty() ? "" : ", not " + down)
             + ". What was acknowledged is safe; reads that may be old can be asked for with ?consistency=local";
  return make_error(ec::unavailable, message);
}

// -- operations ----------------------------------------------------------------

void router_state::go(const operation_ptr& x) {
  auto leader = leaders_.find(x->partition);
  auto node = leader == leaders_.end() ? std::string{} : leader->second.node;
  auto handle = gateway_of(node);
  auto left = std::chrono::duration_cast<milliseconds>(x->until - self_->clock().now());
  auto waited = self_->clock().now() - x->since >= options_.least_patience; // a majority may be just back
  if (left.count() <= 0 || (!handle && waited && is_leaderless(x->partition))) {
    operations_.erase(x);
    x->fail(no_leader(x->partition));
    return;
  }
  if (!handle) {
    wait_for_leader(x);
    return;
  }
  x->node = node;
  ++x->attempt;
  x->ask(handle, left);
}

void router_state::wait_for_leader(const operation_ptr& x) {
  x->node.clear();
  if (!std::exchange(ticking_, true))
    self_->delayed_send(self_, options_.retry_interval, caf::tick_atom::value);
}

void router_state::not_done(const operation_ptr& x, caf::error why) {
  auto code = describe(why).code;
  auto again = code == ec::not_leader || (x->repeatable && (code == ec::timed_out || code == ec::unavailable));
  if (again && self_->clock().now() < x->until) {
    wait_for_leader(x);
    return;
  }
  operations_.erase(x);
  x->fail(code == ec::not_leader ? no_leader(x->partition) : std::move(why));
}

void router_state::tick() {
  ticking_ = false;
  std::vector<operation_ptr> waiting;
  std::copy_if(operations_.begin(), operations_.end(), std::back_inserter(waiting),
               [](const auto& x) { return x->node.empty(); });
  for (const auto& x : waiting)
    go(x);
}

router_state::operation_ptr router_state::operation_of(partition_id partition, bool repeatable, milliseconds extra) const {
  auto x = std::make_shared<operation>();
  x->partition = partition;
  x->repeatable = repeatable;
  x->since = self_->clock().now();
  x->until = x->since + options_.request_timeout + extra;
  return x;
}

template <class Reply, class Request>
caf::result<Reply> router_state::begin(operation_ptr x, std::shared_ptr<Request> request,
                                       std::function<void(Reply&)> prepare) {
  if (operations_.size() >= options_.max_requests)
    return make_error(ec::overloaded, "too many requests wait for other nodes; try again in a second");
  auto promise = self_->make_response_promise<Reply>();
  x->fail = [promise](caf::error why) mutable { promise.deliver(std::move(why)); };
  std::weak_ptr<operation> weak = x;
  x->ask = [this, weak, request, promise, prepare](const gateway_actor& to, milliseconds left) {
    auto op = weak.lock();
    auto attempt = op->attempt;
    self_->request(to, left, *request)
      .then(
        [this, op, attempt, promise, prepare](Reply& reply) mutable {
          if (op->attempt != attempt || operations_.erase(op) == 0)
            return;
          if (prepare)
            prepare(reply);
          promise.deliver(std::move(reply));
        },
        [this, op, attempt](caf::error& why) {
          if (op->attempt == attempt && operations_.count(op) > 0)
            not_done(op, std::move(why));
        });
  };
  operations_.insert(x);
  go(x);
  return promise;
}

template <class Reply, class Request>
caf::result<Reply> router_state::here(Request& x) {
  return self_->delegate(own_, std::move(x));
}

template <class Reply, class Request>
caf::result<Reply> router_state::to_leader(partition_id partition, Request& x, bool repeatable, milliseconds extra) {
  if (is_alone())
    return here<Reply>(x);
  return begin<Reply>(operation_of(partition, repeatable, extra), std::make_shared<Request>(std::move(x)));
}

template <class Reply, class Request>
caf::result<Reply> router_state::read(partition_id partition, Request& x) {
  return x.level == consistency::local ? here<Reply>(x) : to_leader<Reply>(partition, x, true);
}

template <class Reply, class Request>
caf::result<Reply> router_state::to_node(const std::string& node, Request& x, milliseconds extra) {
  if (is_alone() || node == options_.node || peers_.count(node) == 0)
    return here<Reply>(x);
  auto to = gateway_of(node);
  if (!to)
    return make_error(ec::unavailable, "node " + node + " is not in touch; try again, or register at another node");
  auto promise = self_->make_response_promise<Reply>();
  self_->request(to, options_.request_timeout + extra, std::move(x))
    .then([promise](Reply& reply) mutable { promise.deliver(std::move(reply)); },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

template <class Reply, class Request>
caf::result<Reply> router_state::from_all(Request& x, std::function<void(Reply&, Reply&&)> merge) {
  if (is_alone())
    return here<Reply>(x);
  struct gathered {
    Reply all;
    size_t missing = 0;
    bool any = false;
    caf::error why;
  };
  auto answers = std::make_shared<gathered>();
  auto promise = self_->make_response_promise<Reply>();
  std::vector<gateway_actor> asked{own_};
  for (const auto& [node, peer] : peers_)
    if (auto handle = gateway_of(node))
      asked.push_back(std::move(handle));
  answers->missing = asked.size();
  auto count_down = [answers, promise]() mutable {
    if (--answers->missing > 0)
      return;
    if (answers->any)
      promise.deliver(std::move(answers->all));
    else
      promise.deliver(std::move(answers->why));
  };
  for (const auto& to : asked) { // one that went away meanwhile must not hold up the others
    self_->request(to, std::min(options_.request_timeout, milliseconds{3'000}), x)
      .then(
        [answers, count_down, merge](Reply& reply) mutable {
          if (std::exchange(answers->any, true))
            merge(answers->all, std::move(reply));
          else
            answers->all = std::move(reply);
          count_down();
        },
        [answers, count_down](caf::error& why) mutable {
          answers->why = std::move(why);
          count_down();
        });
  }
  return promise;
}

// -- requests with something of their own ----------------------------------------

// The ids are chosen before the first try, so that a second one finds what the first one stored.
caf::result<submit_reply> router_state::submit(submit_request& x) {
  if (is_alone())
    return here<submit_reply>(x);
  auto time = options_.clock();
  auto request = std::make_shared<submit_request>(std::move(x));
  auto chosen = std::make_shared<std::set<task_id>>();
  for (auto& task : request->tasks) {
    if (!task.spec || !task.spec->id.is_nil())
      continue;
    auto spec = std::make_shared<task_spec>(*task.spec);
    spec->id = ids_.next(time, control_partition);
    chosen->insert(spec->id);
    task.spec = std::move(spec);
  }
  auto op = operation_of(control_partition, true, milliseconds{0});
  return begin<submit_reply>(std::move(op), std::move(request), [chosen](submit_reply& reply) {
    for (auto& receipt : reply.receipts)
      if (receipt.existing && chosen->count(receipt.id) > 0)
        receipt.existing = false; // an earlier try of this request stored it
  });
}

caf::result<task_record> router_state::wait(wait_request& x) {
  return to_leader<task_record>(x.id.partition(), x, true, std::max(milliseconds{0}, x.limit));
}

namespace {

void add_pools(pools_reply& all, pools_reply&& one) {
  std::move(one.pools.begin(), one.pools.end(), std::back_inserter(all.pools));
  auto& without = all.types_without_handler; // without one on every node
  const auto& others = one.types_without_handler;
  without.erase(std::remove_if(without.begin(), without.end(),
                               [&](const auto& x) { return std::find(others.begin(), others.end(), x) == others.end(); }),
                without.end());
  std::stable_sort(all.pools.begin(), all.pools.end(),
                   [](const auto& a, const auto& b) { return std::tie(a.task_type, a.node) < std::tie(b.task_type, b.node); });
}

void add_workers(workers_reply& all, workers_reply&& one) {
  std::move(one.workers.begin(), one.workers.end(), std::back_inserter(all.workers));
  std::stable_sort(all.workers.begin(), all.workers.end(), [](const auto& a, const auto& b) { return a.busy > b.busy; });
}

void add_lines(log_page& all, log_page&& one) {
  std::move(one.entries.begin(), one.entries.end(), std::back_inserter(all.entries));
  std::stable_sort(all.entries.begin(), all.entries.end(), [](const auto& a, const auto& b) {
    return std::tie(a.attempt, a.sequence) < std::tie(b.attempt, b.sequence);
  });
}

// The keys are in the log of all nodes, the files on the node that ran the attempt.
void add_snapshot(snapshot_record& all, snapshot_record&& one) {
  if (one.attempt > all.attempt || (one.attempt == all.attempt && all.files.empty() && !one.files.empty()))
    std::swap(all, one);
}

} // namespace

router_state::interface::behavior_type router(router_state::pointer self, router_options options) {
  auto& state = self->state;
  state.set_up(self, std::move(options));
  constexpr auto control = control_partition;
  return {
    [=](submit_request& x) { return self->state.submit(x); },
    [=](get_request& x) { return self->state.read<task_record>(x.id.partition(), x); },
    [=](wait_request& x) { return self->state.wait(x); },
    [=](cancel_request& x) { return self->state.to_leader<task_record>(x.id.partition(), x, false); },
    [=](retry_request& x) { return self->state.to_leader<submit_receipt>(x.id.partition(), x, false); },
    [=](remove_request& x) { return self->state.to_leader<task_record>(x.id.partition(), x, false); },
    [=](why_request& x) { return self->state.to_leader<why_reply>(x.id.partition(), x, true); },
    [=](log_request& x) { return self->state.from_all<log_page>(x, add_lines); },
    [=](list_request& x) { return self->state.read<task_page>(control, x); },
    [=](stats_request& x) { return self->state.read<stats_reply>(control, x); },
    [=](status_request& x) { return self->state.here<node_status>(x); },
    [=](pools_request& x) { return self->state.from_all<pools_reply>(x, add_pools); },
    [=](workers_request& x) { return self->state.from_all<workers_reply>(x, add_workers); },
    [=](dispatch_request& x) { return self->state.to_leader<dispatch_reply>(control, x, false); },
    [=](settings_request& x) { return self->state.to_leader<settings_reply>(control, x, x.set.empty()); },
    [=](generate_request& x) { return self->state.to_leader<submit_reply>(control, x, false); },
    [=](event_request& x) { return self->state.here<event_batch>(x); },
    [=](metrics_request& x) { return self->state.here<metrics_reply>(x); },
    [=](patch_request& x) { return self->state.to_leader<task_record>(x.id.partition(), x, false); },
    [=](approve_request& x) { return self->state.to_leader<task_record>(x.id.partition(), x, false); },
    [=](rollback_request& x) { return self->state.to_leader<task_record>(x.id.partition(), x, false); },
    [=](get_snapshot_request& x) { return self->state.from_all<snapshot_record>(x, add_snapshot); },
    [=](submit_workflow_request& x) { return self->state.to_leader<workflow_record>(control, x, false); },
    [=](get_workflow_request& x) { return self->state.read<workflow_record>(x.id.partition(), x); },
    [=](cancel_workflow_request& x) { return self->state.to_leader<workflow_record>(x.id.partition(), x, false); },
    [=](list_workflows_request& x) { return self->state.read<workflow_page>(control, x); },
    [=](gates_request& x) { return self->state.to_leader<gates_reply>(control, x, true); },
    [=](set_gate_request& x) { return self->state.to_leader<gate_record>(control, x, false); },
    [=](remove_gate_request& x) { return self->state.to_leader<gate_record>(control, x, false); },
    [=](get_key_request& x) { return self->state.read<key_record>(control, x); },
    [=](put_key_request& x) { return self->state.to_leader<key_record>(control, x, !x.expected); },
    [=](remove_key_request& x) { return self->state.to_leader<key_record>(control, x, false); },
    [=](list_keys_request& x) { return self->state.read<key_page>(control, x); },
    [=](schedules_request& x) { return self->state.to_leader<schedules_reply>(control, x, true); },
    [=](schedule_request& x) { return self->state.to_leader<schedule_record>(control, x, true); },
    [=](put_schedule_request& x) { return self->state.to_leader<schedule_record>(control, x, false); },
    [=](remove_schedule_request& x) { return self->state.to_leader<schedule_record>(control, x, false); },
    [=](control_schedule_request& x) { return self->state.to_leader<schedule_record>(control, x, false); },
    [=](next_slots_request& x) { return self->state.to_leader<next_slots_reply>(control, x, true); },
    [=](rules_request& x) { return self->state.to_leader<rules_reply>(control, x, true); },
    [=](rule_request& x) { return self->state.to_leader<rule_record>(control, x, true); },
    [=](put_rule_request& x) { return self->state.to_leader<rule_record>(control, x, false); },
    [=](remove_rule_request& x) { return self->state.to_leader<rule_record>(control, x, false); },
    [=](test_rule_request& x) { return self->state.to_leader<test_rule_reply>(control, x, true); },
    [=](resources_request& x) { return self->state.to_leader<resources_reply>(control, x, true); },
    [=](register_worker_request& x) { return self->state.here<worker_registration>(x); },
    [=](claim_request& x) { return self->state.to_node<claim_reply>(node_of_worker(x.worker), x, x.wait); },
    [=](heartbeat_request& x) { return self->state.to_node<heartbeat_reply>(node_of_worker(x.worker), x); },
    [=](finish_request& x) { return self->state.to_node<finish_reply>(node_of_worker(x.worker), x); },
    [=](leave_request& x) { return self->state.to_node<leave_reply>(node_of_worker(x.worker), x); },
    [=](cluster_request& x) { return self->state.here<cluster_status>(x); },
    [=](add_node_request& x) { return self->state.to_leader<cluster_status>(control, x, true); },
    [=](remove_node_request& x) { return self->state.to_leader<cluster_status>(control, x, true); },
    [=](transfer_request& x) { return self->state.to_leader<group_status>(x.partition, x, false); },
    [=](drain_node_request& x) { return self->state.to_leader<cluster_status>(control, x, true); },
    [=](caf::join_atom, const caf::strong_actor_ptr& own) { self->state.connect(caf::actor_cast<gateway_actor>(own)); },
    [=](const leader_report& x) { self->state.set_leader(x); },
    [=](const peer_report& x) { self->state.set_peer(x); },
    [=](caf::tick_atom) { self->state.tick(); },
  };
}

} // namespace overwatch
