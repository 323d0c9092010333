#pragma once

#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

#include <memory>
#include <mutex>
#include <optional>

/// A gateway that keeps tasks in memory and does what the test wants. Fields are guarded by `mutex`.
struct fake_node {
  std::mutex mutex;

  // Set by tests.
  overwatch::failure error;   ///< answers everything, when set
  bool silent = false;        ///< answers nothing
  bool hold_submits = false;  ///< keeps submits until `release`
  overwatch::node_status status;
  std::map<std::string, std::string> settings;
  std::vector<overwatch::event> events;

  // Read by tests.
  std::map<overwatch::task_id, overwatch::task_record> tasks;
  std::vector<size_t> submit_sizes;
  std::vector<overwatch::list_request> lists;
  std::vector<overwatch::event_request> polls;
  std::vector<overwatch::dispatch_request> dispatches;
  std::vector<overwatch::cancel_request> cancels;

  fake_node();
  size_t submit_count();
};

using fake_gateway_actor =
  overwatch::gateway_actor::extend<caf::reacts_to<caf::tick_atom>, caf::reacts_to<caf::idle_atom>>;

fake_gateway_actor spawn_fake_gateway(caf::actor_system& system, std::shared_ptr<fake_node> node);

/// Answers held submits, and looks at held event polls.
void release(const fake_gateway_actor& gateway);
