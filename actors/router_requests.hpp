#pragma once

#include "actors/router.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <utility>

/// How the router passes requests on. Only for its own source files.
namespace overwatch {

template <class Reply, class Request>
void router_state::ask_leader(operation_ptr x, std::shared_ptr<Request> request, taker<Reply> done, failer fail) {
  if (operations_.size() >= options_.max_requests) {
    fail(make_error(ec::overloaded, "too many requests wait for other nodes; try again in a second"));
    return;
  }
  x->fail = std::move(fail);
  std::weak_ptr<operation> weak = x;
  x->ask = [this, weak, request, done = std::move(done)](const partition_gateway_actor& to, milliseconds left) {
    auto op = weak.lock();
    auto attempt = op->attempt;
    self_->request(to, left, *request)
      .then(
        [this, op, attempt, done](Reply& reply) {
          if (op->attempt == attempt && operations_.erase(op) > 0)
            done(reply);
        },
        [this, op, attempt](caf::error& why) {
          if (op->attempt == attempt && operations_.count(op) > 0)
            not_done(op, std::move(why));
        });
  };
  x->number = ++newest_operation_;
  operations_.insert(x);
  go(x);
}

template <class Reply, class Request>
caf::result<Reply> router_state::here(Request& x) {
  return self_->delegate(own_.front(), std::move(x));
}

template <class Reply, class Request>
caf::result<Reply> router_state::to_leader(partition_id partition, Request& x, effect what, milliseconds extra) {
  if (is_alone() && partition < own_.size())
    return self_->delegate(own_[partition], std::move(x));
  auto promise = self_->make_response_promise<Reply>();
  ask_leader<Reply>(
    operation_of(partition, what, extra), std::make_shared<Request>(std::move(x)),
    [promise](Reply& reply) mutable { promise.deliver(std::move(reply)); },
    [promise](caf::error why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

template <class Reply, class Request>
caf::result<Reply> router_state::read(partition_id partition, Request& x) {
  if (x.level == consistency::local && partition < own_.size())
    return self_->delegate(own_[partition], std::move(x));
  return to_leader<Reply>(partition, x, effect::none);
}

template <class Reply, class Request>
caf::result<Reply> router_state::to_node(const std::string& node, Request& x, milliseconds extra) {
  if (is_alone() || node == options_.node || peers_.count(node) == 0)
    return here<Reply>(x);
  auto to = gateway_of(node, control_partition);
  if (!to)
    return make_error(ec::unavailable, "node " + node + " is not in touch; try again, or register at another node");
  auto promise = self_->make_response_promise<Reply>();
  self_->request(to, options_.request_timeout + extra, std::move(x))
    .then([promise](Reply& reply) mutable { promise.deliver(std::move(reply)); },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

template <class Reply, class Request>
caf::result<Reply> router_state::from_all(partition_id partition, Request& x, merger<Reply> merge) {
  if (is_alone())
    return self_->delegate(own_[partition], std::move(x));
  struct gathered {
    Reply all;
    size_t missing = 0;
    bool any = false;
    caf::error why;
  };
  auto answers = std::make_shared<gathered>();
  auto promise = self_->make_response_promise<Reply>();
  std::vector<partition_gateway_actor> asked{own_[partition]};
  for (const auto& [node, peer] : peers_)
    if (auto handle = gateway_of(node, partition))
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

template <class Reply, class Request>
caf::result<Reply> router_state::from_partitions(Request& x, merger<Reply> merge) {
  if (own_.size() == 1)
    return read<Reply>(control_partition, x);
  struct gathered {
    Reply all;
    size_t answered = 0;
    bool failed = false;
  };
  auto answers = std::make_shared<gathered>();
  auto promise = self_->make_response_promise<Reply>();
  auto request = std::make_shared<Request>(std::move(x));
  taker<Reply> done = [answers, promise, merge, count = own_.size()](Reply& reply) mutable {
    if (++answers->answered == 1)
      answers->all = std::move(reply);
    else
      merge(answers->all, std::move(reply));
    if (answers->answered == count)
      promise.deliver(std::move(answers->all));
  };
  failer fail = [answers, promise](caf::error why) mutable {
    if (!std::exchange(answers->failed, true))
      promise.deliver(std::move(why));
  };
  for (partition_id partition = 0; partition < own_.size(); ++partition) {
    if (request->level == consistency::local)
      self_->request(own_[partition], options_.request_timeout, *request).then(done, fail);
    else
      ask_leader<Reply>(operation_of(partition, effect::none), request, done, fail);
  }
  return promise;
}

} // namespace overwatch
