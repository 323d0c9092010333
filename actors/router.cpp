#include "actors/router.hpp"

#include "actors/merged_replies.hpp"
#include "actors/router_requests.hpp"
#include "messages/worker.hpp"

/// Which request goes where.
namespace overwatch {

router_state::interface::behavior_type router(router_state::pointer self, router_options options) {
  auto& state = self->state;
  state.set_up(self, std::move(options));
  constexpr auto control = control_partition;
  using effect = router_state::effect;
  return {
    [=](submit_request& x) { return self->state.submit(x); },
    [=](get_request& x) { return self->state.read<task_record>(self->state.of(x.id), x); },
    [=](wait_request& x) { return self->state.wait(x); },
    [=](cancel_request& x) { return self->state.to_leader<task_record>(self->state.of(x.id), x, effect::once); },
    [=](retry_request& x) { return self->state.to_leader<submit_receipt>(self->state.of(x.id), x, effect::once); },
    [=](remove_request& x) { return self->state.to_leader<task_record>(self->state.of(x.id), x, effect::once); },
    [=](why_request& x) { return self->state.to_leader<why_reply>(self->state.of(x.id), x, effect::none); },
    [=](log_request& x) { return self->state.from_all<log_page>(self->state.of(x.id), x, add_lines); },
    [=](list_request& x) {
      auto merge = [limit = x.limit](task_page& all, task_page&& one) { add_tasks(all, std::move(one), limit); };
      return self->state.from_partitions<task_page>(x, merge);
    },
    [=](stats_request& x) { return self->state.from_partitions<stats_reply>(x, add_stats); },
    [=](status_request& x) { return self->state.status(x); },
    [=](pools_request& x) { return self->state.from_all<pools_reply>(control, x, add_pools); },
    [=](workers_request& x) { return self->state.from_all<workers_reply>(control, x, add_workers); },
    [=](dispatch_request& x) { return self->state.dispatch(x); },
    [=](settings_request& x) {
      return self->state.to_leader<settings_reply>(control, x, x.set.empty() ? effect::none : effect::once);
    },
    [=](generate_request& x) { return self->state.to_leader<submit_reply>(control, x, effect::once); },
    [=](event_request& x) { return self->state.here<event_batch>(x); },
    [=](metrics_request& x) { return self->state.here<metrics_reply>(x); },
    [=](patch_request& x) { return self->state.to_leader<task_record>(self->state.of(x.id), x, effect::once); },
    [=](approve_request& x) { return self->state.to_leader<task_record>(self->state.of(x.id), x, effect::once); },
    [=](rollback_request& x) { return self->state.to_leader<task_record>(self->state.of(x.id), x, effect::once); },
    [=](get_snapshot_request& x) {
      return self->state.from_all<snapshot_record>(self->state.of(x.id), x, add_snapshot);
    },
    [=](submit_workflow_request& x) { return self->state.to_leader<workflow_record>(control, x, effect::once); },
    [=](get_workflow_request& x) { return self->state.read<workflow_record>(self->state.of(x.id), x); },
    [=](cancel_workflow_request& x) {
      return self->state.to_leader<workflow_record>(self->state.of(x.id), x, effect::once);
    },
    [=](list_workflows_request& x) { return self->state.read<workflow_page>(control, x); },
    [=](gates_request& x) { return self->state.to_leader<gates_reply>(control, x, effect::none); },
    [=](set_gate_request& x) { return self->state.to_leader<gate_record>(control, x, effect::once); },
    [=](remove_gate_request& x) { return self->state.to_leader<gate_record>(control, x, effect::once); },
    [=](get_key_request& x) { return self->state.read<key_record>(control, x); },
    [=](put_key_request& x) {
      return self->state.to_leader<key_record>(control, x, x.expected ? effect::once : effect::repeatable);
    },
    [=](remove_key_request& x) { return self->state.to_leader<key_record>(control, x, effect::once); },
    [=](list_keys_request& x) { return self->state.read<key_page>(control, x); },
    [=](schedules_request& x) { return self->state.to_leader<schedules_reply>(control, x, effect::none); },
    [=](schedule_request& x) { return self->state.to_leader<schedule_record>(control, x, effect::none); },
    [=](put_schedule_request& x) { return self->state.to_leader<schedule_record>(control, x, effect::once); },
    [=](remove_schedule_request& x) { return self->state.to_leader<schedule_record>(control, x, effect::once); },
    [=](control_schedule_request& x) { return self->state.to_leader<schedule_record>(control, x, effect::once); },
    [=](next_slots_request& x) { return self->state.to_leader<next_slots_reply>(control, x, effect::none); },
    [=](rules_request& x) { return self->state.to_leader<rules_reply>(control, x, effect::none); },
    [=](rule_request& x) { return self->state.to_leader<rule_record>(control, x, effect::none); },
    [=](put_rule_request& x) { return self->state.to_leader<rule_record>(control, x, effect::once); },
    [=](remove_rule_request& x) { return self->state.to_leader<rule_record>(control, x, effect::once); },
    [=](test_rule_request& x) { return self->state.to_leader<test_rule_reply>(control, x, effect::none); },
    [=](resources_request& x) { return self->state.to_leader<resources_reply>(control, x, effect::none); },
    [=](register_worker_request& x) { return self->state.here<worker_registration>(x); },
    [=](claim_request& x) { return self->state.to_node<claim_reply>(node_of_worker(x.worker), x, x.wait); },
    [=](heartbeat_request& x) { return self->state.to_node<heartbeat_reply>(node_of_worker(x.worker), x); },
    [=](finish_request& x) { return self->state.to_node<finish_reply>(node_of_worker(x.worker), x); },
    [=](leave_request& x) { return self->state.to_node<leave_reply>(node_of_worker(x.worker), x); },
    [=](cluster_request& x) {
      return x.confirmed ? self->state.to_leader<cluster_status>(*x.confirmed, x, effect::none)
                         : self->state.here<cluster_status>(x);
    },
    [=](add_node_request& x) { return self->state.to_leader<cluster_status>(control, x, effect::repeatable); },
    [=](remove_node_request& x) { return self->state.to_leader<cluster_status>(control, x, effect::repeatable); },
    [=](transfer_request& x) { return self->state.to_leader<group_status>(x.partition, x, effect::once); },
    [=](drain_node_request& x) { return self->state.to_leader<cluster_status>(control, x, effect::repeatable); },
    [=](mirror_request& x) { return self->state.to_leader<mirror_reply>(x.partition, x, effect::repeatable); },
    [=](statuses_request& x) { return self->state.to_leader<statuses_reply>(x.partition, x, effect::none); },
    [=](caf::join_atom, partition_id partition, const caf::strong_actor_ptr& own) {
      self->state.connect(partition, caf::actor_cast<partition_gateway_actor>(own));
    },
    [=](const leader_report& x) { self->state.set_leader(x); },
    [=](const peer_report& x) { self->state.set_peer(x); },
    [=](caf::tick_atom) { self->state.tick(); },
  };
}

} // namespace overwatch
