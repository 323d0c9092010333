#pragma once

#include "messages/cluster.hpp"
#include "messages/control.hpp"
#include "messages/event.hpp"
#include "messages/gate.hpp"
#include "messages/key_value.hpp"
#include "messages/message_type.hpp"
#include "messages/metric.hpp"
#include "messages/requests.hpp"
#include "messages/rule.hpp"
#include "messages/schedule.hpp"
#include "messages/worker.hpp"
#include "messages/workflow.hpp"


/// The types that may cross between nodes. Append only: a number is part of the protocol.
CAF_BEGIN_TYPE_ID_BLOCK(overwatch, first_custom_type_id)
  OVERWATCH_MESSAGE(overwatch, overwatch::submit_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::submit_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::submit_receipt)
  OVERWATCH_MESSAGE(overwatch, overwatch::get_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::wait_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::cancel_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::retry_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::remove_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::why_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::why_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::log_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::log_page)
  OVERWATCH_MESSAGE(overwatch, overwatch::list_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::task_page)
  OVERWATCH_MESSAGE(overwatch, overwatch::task_record)
  OVERWATCH_MESSAGE(overwatch, overwatch::stats_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::stats_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::status_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::node_status)
  OVERWATCH_MESSAGE(overwatch, overwatch::pools_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::pools_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::workers_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::workers_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::dispatch_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::dispatch_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::settings_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::settings_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::generate_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::event_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::event_batch)
  OVERWATCH_MESSAGE(overwatch, overwatch::metrics_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::metrics_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::gates_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::gates_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::gate_record)
  OVERWATCH_MESSAGE(overwatch, overwatch::set_gate_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::remove_gate_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::approve_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::key_record)
  OVERWATCH_MESSAGE(overwatch, overwatch::get_key_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::put_key_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::remove_key_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::list_keys_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::key_page)
  OVERWATCH_MESSAGE(overwatch, overwatch::schedules_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::schedules_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::schedule_record)
  OVERWATCH_MESSAGE(overwatch, overwatch::schedule_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::put_schedule_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::remove_schedule_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::control_schedule_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::next_slots_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::next_slots_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::rules_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::rules_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::rule_record)
  OVERWATCH_MESSAGE(overwatch, overwatch::rule_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::put_rule_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::remove_rule_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::test_rule_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::test_rule_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::submit_workflow_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::workflow_record)
  OVERWATCH_MESSAGE(overwatch, overwatch::get_workflow_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::cancel_workflow_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::list_workflows_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::workflow_page)
  OVERWATCH_MESSAGE(overwatch, overwatch::patch_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::rollback_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::snapshot_record)
  OVERWATCH_MESSAGE(overwatch, overwatch::get_snapshot_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::resources_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::resources_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::register_worker_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::worker_registration)
  OVERWATCH_MESSAGE(overwatch, overwatch::claim_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::claim_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::heartbeat_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::heartbeat_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::finish_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::finish_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::leave_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::leave_reply)
  OVERWATCH_MESSAGE(overwatch, overwatch::cluster_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::cluster_status)
  OVERWATCH_MESSAGE(overwatch, overwatch::group_status)
  OVERWATCH_MESSAGE(overwatch, overwatch::add_node_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::remove_node_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::transfer_request)
  OVERWATCH_MESSAGE(overwatch, overwatch::drain_node_request)
CAF_END_TYPE_ID_BLOCK(overwatch)

namespace caf {

class actor_system_config;

} // namespace caf

namespace overwatch {

/// Makes the types of this block known to an actor system. To be called before the system is made.
void add_messages(caf::actor_system_config& config);

} // namespace overwatch
