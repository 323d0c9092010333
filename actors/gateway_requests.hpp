#pragma once

#include "actors/gateway.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <utility>

/// How the gateway asks the components behind it. Only for its own source files.
namespace overwatch {

inline failure node_not_ready() {
  return {ec::not_leader, {}, "this node is not ready yet; try again in a moment"};
}

template <class Reply, class Handle, class Request, class Then>
void gateway_state::ask(const Handle& to, const Request& x, Then then, caf::typed_response_promise<Reply> promise) {
  if (!to) {
    promise.deliver(make_error(node_not_ready()));
    return;
  }
  self_->request(to, options_.request_timeout, x)
    .then(then, [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
}

template <class Reply, class Handle, class Request>
caf::result<Reply> gateway_state::forward(const Handle& to, const Request& x, milliseconds extra) {
  if (!to)
    return make_error(node_not_ready());
  auto promise = self_->make_response_promise<Reply>();
  self_->request(to, options_.request_timeout + extra, x)
    .then([promise](Reply& reply) mutable { promise.deliver(std::move(reply)); },
          [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
  return promise;
}

// Calls `then` once it is certain that nothing newer was acknowledged elsewhere, if that was asked for.
template <class Reply, class Then>
void gateway_state::when_current(consistency level, Then then, caf::typed_response_promise<Reply> promise) {
  if (level == consistency::local)
    then();
  else
    ask(links_.replica, confirm_request{}, [then](uint64_t) mutable { then(); }, promise);
}

template <class Reply, class Handle, class Request>
caf::result<Reply> gateway_state::read(const Handle& to, const Request& x, consistency level) {
  auto promise = self_->make_response_promise<Reply>();
  when_current(
    level,
    [this, to, x, promise]() mutable {
      ask(to, x, [promise](Reply& reply) mutable { promise.deliver(std::move(reply)); }, promise);
    },
    promise);
  return promise;
}

template <class Reply, class Then>
void gateway_state::propose(std::vector<command> commands, Then then, caf::typed_response_promise<Reply> promise) {
  ask(links_.scheduler, propose_request{std::move(commands)}, then, promise);
}

// Calls `then` once the other partitions, if there are any, have what this one has.
template <class Reply, class Then>
void gateway_state::when_mirrored(Then then, caf::typed_response_promise<Reply> promise) {
  if (links_.mirror)
    ask(links_.mirror, settle_request{}, [then](uint64_t) mutable { then(); }, promise);
  else
    then();
}

// Types that workers brought, or somebody declared, are in the log. They are read again when a type is not known here.
template <class Reply, class Then>
void gateway_state::with_declared_types(Then then, caf::typed_response_promise<Reply> promise) {
  ask(
    links_.scheduler, scheduler_status_request{},
    [this, then](const scheduler_status& scheduler) mutable {
      learn_types(scheduler.settings);
      then();
    },
    promise);
}

// Asks all pools and calls `done` with the answers of those that gave one.
template <class Reply, class Request, class Item>
void gateway_state::gather(const Request& x, std::function<void(std::vector<Item>&)> done) {
  struct answers {
    std::vector<Item> items;
    size_t missing = 0;
  };
  auto all = std::make_shared<answers>();
  all->missing = links_.pools.size();
  if (all->missing == 0)
    done(all->items);
  auto count_down = [all, done] {
    if (--all->missing == 0)
      done(all->items);
  };
  for (const auto& pool : links_.pools)
    self_->request(pool, options_.request_timeout, x)
      .then(
        [all, count_down](Reply& reply) {
          all->items.push_back(std::move(reply));
          count_down();
        },
        [count_down](const caf::error&) { count_down(); });
}

} // namespace overwatch
