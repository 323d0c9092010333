#pragma once

#include "actors/gate_manager.hpp"

#include "messages/codec.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

namespace overwatch {

using namespace std::chrono_literals;

constexpr auto start = timestamp{1'800'000'000s}; // a Friday, 08:00 UTC

/// What scheduler and replica do, as far as gates go.
struct played_node {
  std::map<std::string, std::string> documents;
  stats_reply stats;
  failure fault;     ///< of every proposal
  bool hold = false; ///< proposals wait for `release`
  bool unreadable = false;
  std::vector<std::pair<put_command, caf::response_promise>> held;
  size_t proposals = 0;
  size_t stats_requests = 0;

  propose_reply apply(const put_command& put) {
    EXPECT_EQ(put.kind, document_kind::gate);
    if (put.value)
      documents[put.name] = *put.value;
    else
      documents.erase(put.name);
    return {{command_result{}}};
  }
};

inline caf::behavior played_scheduler(caf::event_based_actor* self, played_node* node) {
  return {
    [=](const propose_request& x) -> caf::result<propose_reply> {
      ++node->proposals;
      const auto& put = std::get<put_command>(x.commands.at(0));
      if (node->fault)
        return make_error(node->fault);
      if (!node->hold)
        return node->apply(put);
      auto promise = self->make_response_promise();
      node->held.emplace_back(put, promise);
      return caf::delegated<propose_reply>{};
    },
    [=](caf::flush_atom) {
      for (auto& [put, promise] : std::exchange(node->held, {}))
        promise.deliver(node->apply(put));
    },
  };
}

inline caf::behavior played_replica(caf::event_based_actor*, played_node* node) {
  return {
    [=](const documents_request& x) -> caf::result<document_page> {
      if (node->unreadable)
        return make_error(ec::unavailable, "starting");
      document_page page;
      auto i = node->documents.upper_bound(x.after);
      for (; i != node->documents.end() && page.documents.size() < x.limit; ++i)
        page.documents.push_back({i->first, std::make_shared<const std::string>(i->second), 1, start});
      page.more = i != node->documents.end();
      return page;
    },
    [=](const document_request& x) -> caf::result<document> {
      auto i = node->documents.find(x.name);
      if (i == node->documents.end())
        return make_error(ec::not_found, "no such document");
      return document{i->first, std::make_shared<const std::string>(i->second), 1, start};
    },
    [=](const stats_request&) {
      ++node->stats_requests;
      return node->stats;
    },
  };
}

/// There is one when `answer` is set; none inside: all partitions have what was changed.
inline caf::behavior played_mirror(caf::event_based_actor*, const std::optional<failure>* answer) {
  return {
    [=](const settle_request&) -> caf::result<uint64_t> {
      if (**answer)
        return make_error(**answer);
      return 1;
    },
  };
}

class GateManagerTest : public ::testing::Test {
protected:
  struct config : caf::actor_system_config {
    config() {
      add_messages(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  GateManagerTest() : coordinator_{dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())} {
    coordinator_.clock().current_time += 1h;
    began_ = coordinator_.clock().now();
  }

  ~GateManagerTest() override {
    for (const auto& x : spawned_)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    settle();
    coordinator_.clock().cancel_all();
  }

  void run_manager() {
    gate_manager_options options;
    options.clock = [this] { return time(); };
    options.sample = [this] {
      ++samples;
      return host;
    };
    if (mirror) {
      spawned_.push_back(system_.spawn(played_mirror, &mirror));
      options.mirror = caf::actor_cast<mirror_actor>(spawned_.back());
    }
    scheduler = system_.spawn(played_scheduler, &node);
    auto replica = system_.spawn(played_replica, &node);
    auto second = system_.spawn(played_replica, &other);
    manager =
      system_.spawn(gate_manager, options, caf::actor_cast<scheduler_actor>(scheduler),
                    std::vector{caf::actor_cast<replica_actor>(replica), caf::actor_cast<replica_actor>(second)});
    for (const auto& x : {scheduler, replica, second, caf::actor_cast<caf::actor>(manager)})
      spawned_.push_back(x);
    settle();
  }

  /// Applies what was held; what is proposed then is held again while `hold` is set.
  void release() {
    caf::anon_send(scheduler, caf::flush_atom::value);
    settle();
  }

  void settle() {
    while (coordinator_.try_run_once())
      continue;
  }

  /// In steps, so that what a timer starts may start the next one.
  void advance(milliseconds duration, milliseconds in_steps_of = 250ms) {
    for (auto left = duration; left > 0ms; left -= in_steps_of) {
      coordinator_.clock().advance_time(std::min(left, in_steps_of));
      settle();
    }
  }

  timestamp time() const {
    return start + std::chrono::duration_cast<std::chrono::microseconds>(coordinator_.clock().now() - began_);
  }

  /// The answer comes later: see `take`.
  template <class Request>
  auto send(const Request& request) {
    auto response = self_->request(manager, caf::infinite, request);
    settle();
    return response;
  }

  template <class Reply, class Response>
  Reply take(Response& response, failure* fault = nullptr) {
    Reply result;
    response.receive([&](Reply& reply) { result = std::move(reply); },
                     [&](caf::error& error) {
                       if (fault)
                         *fault = describe(error);
                       else
                         ADD_FAILURE() << describe(error).message;
                     });
    return result;
  }

  gate_record set(const set_gate_request& request, failure* fault = nullptr) {
    auto response = send(request);
    return take<gate_record>(response, fault);
  }

  gate_record declare(const std::string& name, const gate_definition& definition) {
    return set({name, definition, {}, {}, {}});
  }

  std::vector<gate_record> list() {
    auto response = send(gates_request{});
    return take<gates_reply>(response).gates;
  }

  gate_record gate(const std::string& name) {
    for (auto& x : list())
      if (x.name == name)
        return x;
    ADD_FAILURE() << "no gate " << name;
    return {};
  }

  static gate_definition health(const std::string& metric, double threshold, milliseconds lasting = 0ms) {
    gate_definition result;
    result.kind = gate_kind::health;
    result.closes_while = {metric, comparison::above, threshold, 5, lasting};
    return result;
  }

  static gate_definition window(uint16_t from, uint16_t to) {
    gate_definition result;
    result.kind = gate_kind::window;
    result.windows = {{0x7F, from, to}};
    return result;
  }

  played_node node;  ///< of the control partition
  std::optional<failure> mirror;
  played_node other; ///< of partition 1
  std::map<std::string, double> host{{"cpu_percent", 10}};
  size_t samples = 0;
  gate_manager_actor manager;
  caf::actor scheduler;

private:
  config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& coordinator_;
  caf::scoped_actor self_{system_, true};
  std::vector<caf::actor> spawned_;
  decltype(coordinator_.clock().now()) began_;
};

// -- requests ------------------------------------------------------------------

} // namespace overwatch
