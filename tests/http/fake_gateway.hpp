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

  // Read and set by tests.
  std::map<overwatch::task_id, overwatch::task_record> tasks;
  std::map<std::string, overwatch::gate_record> gates;
  std::map<std::string, overwatch::key_record> keys;
  std::map<overwatch::task_id, overwatch::workflow_record> workflows;
  std::map<std::string, overwatch::schedule_record> schedules;
  std::map<std::string, overwatch::rule_record> rules;

  std::vector<overwatch::claimed_attempt> claimable; ///< what the next claims get
  std::vector<overwatch::attempt_stop> stops;        ///< what claims and heartbeats are told
  std::map<std::string, overwatch::register_worker_request> workers;

  // Read by tests.
  std::vector<overwatch::claim_request> claims;
  std::vector<overwatch::heartbeat_request> heartbeats;
  std::vector<overwatch::finish_request> finishes;
  std::vector<size_t> submit_sizes;
  std::vector<overwatch::list_request> lists;
  std::vector<overwatch::event_request> polls;
  std::vector<overwatch::dispatch_request> dispatches;
  std::vector<overwatch::cancel_request> cancels;
  std::vector<overwatch::patch_request> patches;
  std::vector<overwatch::submit_workflow_request> submitted_workflows;
  std::vector<overwatch::test_rule_request> tested_rules;

  overwatch::task_id_generator ids{7};
  uint64_t version = 0; ///< of the newest change of a key

  fake_node();
  size_t submit_count();
};

using fake_gateway_actor =
  overwatch::gateway_actor::extend<caf::reacts_to<caf::tick_atom>, caf::reacts_to<caf::idle_atom>>;

fake_gateway_actor spawn_fake_gateway(caf::actor_system& system, std::shared_ptr<fake_node> node);

/// Answers held submits, and looks at held event polls.
void release(const fake_gateway_actor& gateway);
