#pragma once

#include "messages/type_ids.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

/// The map: every actor's role and what it answers. Interfaces that never leave a node are in
/// `actors/interfaces.hpp`.
namespace overwatch {

/// The one front door of a node, for HTTP, the CLI and remote CAF programs. Routes to the partition's
/// leader, bounds what is in flight, and gathers over partitions.
using gateway_actor = caf::typed_actor<
  // Stores 1 to 10,000 tasks; answers when all are durable.
  caf::replies_to<submit_request>::with<submit_reply>,
  // One task, whole.
  caf::replies_to<get_request>::with<task_record>,
  // The same, once it has ended.
  caf::replies_to<wait_request>::with<task_record>,
  // Stops a task in any unfinished status.
  caf::replies_to<cancel_request>::with<task_record>,
  // Submits a finished task again.
  caf::replies_to<retry_request>::with<submit_receipt>,
  // Deletes a finished task; answers with what it was.
  caf::replies_to<remove_request>::with<task_record>,
  // Says what an unfinished task waits for.
  caf::replies_to<why_request>::with<why_reply>,
  // The log of one task.
  caf::replies_to<log_request>::with<log_page>,
  // Tasks newest first.
  caf::replies_to<list_request>::with<task_page>,
  // Counters.
  caf::replies_to<stats_request>::with<stats_reply>,
  // The node's own state.
  caf::replies_to<status_request>::with<node_status>,
  caf::replies_to<pools_request>::with<pools_reply>,
  caf::replies_to<workers_request>::with<workers_reply>,
  // Stops and resumes dispatch.
  caf::replies_to<dispatch_request>::with<dispatch_reply>,
  // Reads and changes live settings.
  caf::replies_to<settings_request>::with<settings_reply>,
  // Creates the periodic tasks now.
  caf::replies_to<generate_request>::with<submit_reply>,
  // Events after a cursor.
  caf::replies_to<event_request>::with<event_batch>,
  // All metrics of the node.
  caf::replies_to<metrics_request>::with<metrics_reply>,
  // Changes an unfinished task; approves it; undoes a completed one.
  caf::replies_to<patch_request>::with<task_record>,
  caf::replies_to<approve_request>::with<task_record>,
  caf::replies_to<rollback_request>::with<task_record>,
  caf::replies_to<get_snapshot_request>::with<snapshot_record>,
  // Workflows.
  caf::replies_to<submit_workflow_request>::with<workflow_record>,
  caf::replies_to<get_workflow_request>::with<workflow_record>,
  caf::replies_to<cancel_workflow_request>::with<workflow_record>,
  caf::replies_to<list_workflows_request>::with<workflow_page>,
  // Gates.
  caf::replies_to<gates_request>::with<gates_reply>,
  caf::replies_to<set_gate_request>::with<gate_record>,
  caf::replies_to<remove_gate_request>::with<gate_record>,
  // Keys.
  caf::replies_to<get_key_request>::with<key_record>,
  caf::replies_to<put_key_request>::with<key_record>,
  caf::replies_to<remove_key_request>::with<key_record>,
  caf::replies_to<list_keys_request>::with<key_page>,
  // Schedules.
  caf::replies_to<schedules_request>::with<schedules_reply>,
  caf::replies_to<schedule_request>::with<schedule_record>,
  caf::replies_to<put_schedule_request>::with<schedule_record>,
  caf::replies_to<remove_schedule_request>::with<schedule_record>,
  caf::replies_to<control_schedule_request>::with<schedule_record>,
  caf::replies_to<next_slots_request>::with<next_slots_reply>,
  // Rules.
  caf::replies_to<rules_request>::with<rules_reply>,
  caf::replies_to<rule_request>::with<rule_record>,
  caf::replies_to<put_rule_request>::with<rule_record>,
  caf::replies_to<remove_rule_request>::with<rule_record>,
  caf::replies_to<test_rule_request>::with<test_rule_reply>,
  // Resources of the nodes.
  caf::replies_to<resources_request>::with<resources_reply>,
  // Attached workers; all but the first go to the node in the worker's id.
  caf::replies_to<register_worker_request>::with<worker_registration>,
  caf::replies_to<claim_request>::with<claim_reply>,
  caf::replies_to<heartbeat_request>::with<heartbeat_reply>,
  caf::replies_to<finish_request>::with<finish_reply>,
  caf::replies_to<leave_request>::with<leave_reply>,
  // Nodes.
  caf::replies_to<cluster_request>::with<cluster_status>,
  caf::replies_to<add_node_request>::with<cluster_status>,
  caf::replies_to<remove_node_request>::with<cluster_status>,
  caf::replies_to<drain_node_request>::with<cluster_status>,
  caf::replies_to<transfer_request>::with<group_status>>;

} // namespace overwatch
