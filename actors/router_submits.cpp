#include "actors/router_requests.hpp"
#include "messages/task_spread.hpp"

/// The requests that the router does more with than pass them on.
namespace overwatch {

// -- submits ---------------------------------------------------------------------

// Partitions take turns; those that have no leader now are left out while others have one.
partition_id router_state::next_spread() {
  auto count = static_cast<partition_id>(own_.size());
  for (partition_id tries = 0; tries < count; ++tries) {
    spread_ = static_cast<partition_id>((spread_ + 1) % count);
    auto leader = leaders_.find(spread_);
    if (leader != leaders_.end() && !leader->second.node.empty())
      return spread_;
  }
  return spread_ = static_cast<partition_id>((spread_ + 1) % count);
}

// The ids are chosen before the first try, so that a second one finds what the first one stored.
void router_state::submit_to(partition_id partition, std::shared_ptr<submit_request> request, taker<submit_reply> done,
                             failer fail) {
  auto time = options_.clock();
  auto chosen = std::make_shared<std::set<task_id>>();
  for (auto& task : request->tasks) {
    if (!task.spec || !task.spec->id.is_nil())
      continue;
    auto spec = std::make_shared<task_spec>(*task.spec);
    spec->id = ids_.next(time, partition);
    chosen->insert(spec->id);
    task.spec = std::move(spec);
  }
  ask_leader<submit_reply>(
    operation_of(partition, effect::repeatable), std::move(request),
    [chosen, done = std::move(done)](submit_reply& reply) {
      for (auto& receipt : reply.receipts)
        if (receipt.existing && chosen->count(receipt.id) > 0)
          receipt.existing = false; // an earlier try of this request stored it
      done(reply);
    },
    std::move(fail));
}

caf::result<submit_reply> router_state::submit(submit_request& x) {
  if (own_.size() == 1 || x.tasks.empty())
    return submit_whole(control_partition, x);
  std::vector<partition_id> places;
  places.reserve(x.tasks.size());
  auto spread = next_spread();
  auto count = static_cast<uint32_t>(own_.size());
  for (const auto& task : x.tasks)
    if (!task.spec)
      places.push_back(control_partition); // it is refused there
    else
      places.push_back(task.spec->id.is_nil() ? choose_partition(*task.spec, spread, count) : of(task.spec->id));
  if (std::any_of(places.begin(), places.end(), [&](auto place) { return place != places.front(); }))
    return submit_in_parts(x, places);
  return submit_whole(places.front(), x);
}

caf::result<submit_reply> router_state::submit_whole(partition_id partition, submit_request& x) {
  if (is_alone())
    return self_->delegate(own_[partition], std::move(x));
  auto promise = self_->make_response_promise<submit_reply>();
  submit_to(partition, std::make_shared<submit_request>(std::move(x)),
            [promise](submit_reply& reply) mutable { promise.deliver(std::move(reply)); },
            [promise](caf::error why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

// Each part is stored or refused by itself: the receipts say which.
caf::result<submit_reply> router_state::submit_in_parts(submit_request& x, const std::vector<partition_id>& places) {
  struct part {
    std::shared_ptr<submit_request> request = std::make_shared<submit_request>();
    std::vector<size_t> positions;
  };
  std::map<partition_id, part> parts;
  for (size_t i = 0; i < places.size(); ++i) {
    auto& one = parts[places[i]];
    one.request->tasks.push_back(std::move(x.tasks[i]));
    one.positions.push_back(i);
  }
  auto promise = self_->make_response_promise<submit_reply>();
  auto all = std::make_shared<submit_reply>();
  all->receipts.resize(places.size());
  auto missing = std::make_shared<size_t>(parts.size());
  auto count_down = [promise, all, missing]() mutable {
    if (--*missing == 0)
      promise.deliver(std::move(*all));
  };
  for (auto& [partition, one] : parts)
    submit_to(
      partition, one.request,
      [all, count_down, positions = one.positions](submit_reply& reply) mutable {
        for (size_t i = 0; i < positions.size(); ++i)
          all->receipts[positions[i]] = std::move(reply.receipts[i]);
        count_down();
      },
      [all, count_down, positions = one.positions](const caf::error& why) mutable {
        for (auto position : positions)
          all->receipts[position].error = describe(why);
        count_down();
      });
  return promise;
}

// -- requests with something of their own ----------------------------------------

caf::result<task_record> router_state::wait(wait_request& x) {
  return to_leader<task_record>(of(x.id), x, effect::none, std::max(milliseconds{0}, x.limit));
}

// The gateway of the control partition speaks for the node; it does not know how the other partitions are.
caf::result<node_status> router_state::status(status_request& x) {
  if (own_.size() == 1)
    return here<node_status>(x);
  auto promise = self_->make_response_promise<node_status>();
  self_->request(own_.front(), options_.request_timeout, x)
    .then(
      [this, promise](node_status& status) mutable {
        if (status.ready && !leaderless_since_.empty()) {
          status.ready = false;
          status.problem = "partition " + std::to_string(leaderless_since_.begin()->first)
                           + " has no leader: a majority of its nodes has to be up";
        }
        promise.deliver(std::move(status));
      },
      [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

// Whether tasks start is said to the control partition and known to all; what runs is cancelled in each.
caf::result<dispatch_reply> router_state::dispatch(dispatch_request& x) {
  if (own_.size() == 1 || !x.cancel_running)
    return to_leader<dispatch_reply>(control_partition, x, effect::once);
  auto promise = self_->make_response_promise<dispatch_reply>();
  auto fail = [promise](caf::error why) mutable { promise.deliver(std::move(why)); };
  auto request = std::make_shared<dispatch_request>(x);
  auto missing = std::make_shared<size_t>(own_.size() - 1);
  auto with_control = [this, promise, fail, request, missing](const dispatch_reply& control) {
    for (partition_id partition = 1; partition < own_.size(); ++partition)
      ask_leader<dispatch_reply>(
        operation_of(partition, effect::once), request,
        [promise, missing, control](const dispatch_reply&) mutable {
          if (--*missing == 0)
            promise.deliver(control);
        },
        fail);
  };
  ask_leader<dispatch_reply>(operation_of(control_partition, effect::once), request, with_control, fail);
  return promise;
}

} // namespace overwatch
