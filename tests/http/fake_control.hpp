#pragma once

#include "tests/http/fake_gateway.hpp"

#include <caf/result.hpp>

/// What the fake gateway answers about gates, keys, workflows, schedules and rules: enough of their meaning for the
/// HTTP side to be judged by it. All run under the lock of the node.
namespace overwatch::fake {

caf::result<task_record> patch(fake_node& node, const patch_request& x);
caf::result<task_record> approve(fake_node& node, const approve_request& x);
caf::result<task_record> rollback(fake_node& node, const rollback_request& x);
caf::result<snapshot_record> snapshot(fake_node& node, const get_snapshot_request& x);

caf::result<workflow_record> submit_workflow(fake_node& node, const submit_workflow_request& x);
caf::result<workflow_record> get_workflow(fake_node& node, const get_workflow_request& x);
caf::result<workflow_record> cancel_workflow(fake_node& node, const cancel_workflow_request& x);
caf::result<workflow_page> list_workflows(fake_node& node, const list_workflows_request& x);

caf::result<gates_reply> gates(fake_node& node, const gates_request& x);
caf::result<gate_record> set_gate(fake_node& node, const set_gate_request& x);
caf::result<gate_record> remove_gate(fake_node& node, const remove_gate_request& x);

caf::result<key_record> get_key(fake_node& node, const get_key_request& x);
caf::result<key_record> put_key(fake_node& node, const put_key_request& x);
caf::result<key_record> remove_key(fake_node& node, const remove_key_request& x);
caf::result<key_page> list_keys(fake_node& node, const list_keys_request& x);

caf::result<schedules_reply> schedules(fake_node& node, const schedules_request& x);
caf::result<schedule_record> get_schedule(fake_node& node, const schedule_request& x);
caf::result<schedule_record> put_schedule(fake_node& node, const put_schedule_request& x);
caf::result<schedule_record> remove_schedule(fake_node& node, const remove_schedule_request& x);
caf::result<schedule_record> control_schedule(fake_node& node, const control_schedule_request& x);
caf::result<next_slots_reply> next_slots(fake_node& node, const next_slots_request& x);

caf::result<rules_reply> rules(fake_node& node, const rules_request& x);
caf::result<rule_record> get_rule(fake_node& node, const rule_request& x);
caf::result<rule_record> put_rule(fake_node& node, const put_rule_request& x);
caf::result<rule_record> remove_rule(fake_node& node, const remove_rule_request& x);
caf::result<test_rule_reply> test_rule(fake_node& node, const test_rule_request& x);

caf::result<resources_reply> resources(fake_node& node, const resources_request& x);
caf::result<cluster_status> cluster(fake_node& node, const cluster_request& x);
caf::result<cluster_status> add_node(fake_node& node, const add_node_request& x);
caf::result<cluster_status> remove_node(fake_node& node, const remove_node_request& x);
caf::result<cluster_status> drain_node(fake_node& node, const drain_node_request& x);
caf::result<group_status> transfer(fake_node& node, const transfer_request& x);

caf::result<worker_registration> register_worker(fake_node& node, const register_worker_request& x);
caf::result<claim_reply> claim(fake_node& node, const claim_request& x);
caf::result<heartbeat_reply> heartbeat(fake_node& node, const heartbeat_request& x);
caf::result<finish_reply> finish(fake_node& node, const finish_request& x);
caf::result<leave_reply> leave(fake_node& node, const leave_request& x);

} // namespace overwatch::fake
