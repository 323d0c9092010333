#pragma once

#include "actors/cancellation.hpp"
#include "actors/handler.hpp"
#include "actors/snapshotter.hpp"
#include "actors/state_interfaces.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <set>

/// The upper half of the map inside a node: what its actors say to each other. The messages declared here never leave it, so
/// they may carry pointers to immutable values; what schedulers and pools of different nodes say is in `execution.hpp`.
namespace overwatch {

/// Answered when nothing that was decided is still on its way: into the log, or into the other partitions.
struct settle_request {};

// -- partitions ----------------------------------------------------------------

/// What a gateway answers for the partition that it leads, and routers pass on: what comes from outside, and what the other
/// partitions ask.
using partition_gateway_actor = gateway_actor::extend<
  // Stores what the control partition says.
  caf::replies_to<mirror_request>::with<mirror_reply>,
  // What became of tasks that tasks of another partition depend on.
  caf::replies_to<statuses_request>::with<statuses_reply>>;

/// Brings the other partitions to what the control partition says; see `mirror.hpp`.
using mirror_actor = caf::typed_actor<
  // Answered with the position once all partitions have what the control partition had applied when it was asked.
  caf::replies_to<settle_request>::with<uint64_t>,
  // What the control partition applied.
  caf::reacts_to<applied_ptr>,
  // Internal: what failed is tried again, waits end.
  caf::reacts_to<caf::tick_atom>>;

// -- scheduler -----------------------------------------------------------------

/// Commands from clients. Answered when they are applied, with one result each.
struct propose_request {
  std::vector<command> commands;
  bool together = false; ///< all in one log entry: all or none of them survive a crash
};

struct propose_reply {
  std::vector<command_result> results;
};

struct scheduler_status_request {};

struct scheduler_status {
  bool leads = false;
  bool dispatching = true;
  uint32_t running = 0;
  uint64_t ready_in_memory = 0;
  std::map<std::string, std::string> settings; ///< durable ones
};

/// Decides which task runs next and where. Lives where its partition leads; everything it knows is rebuilt
/// from the store when leadership arrives.
using scheduler_actor = caf::typed_actor<
  caf::replies_to<propose_request>::with<propose_reply>,
  caf::replies_to<why_request>::with<why_reply>,
  caf::replies_to<scheduler_status_request>::with<scheduler_status>,
  caf::replies_to<settle_request>::with<scheduler_status>,
  // Undoes a completed task.
  caf::replies_to<rollback_request>::with<task_record>,
  caf::replies_to<resources_request>::with<resources_reply>,
  caf::reacts_to<snapshotter_offer>,
  caf::reacts_to<role_report>,
  caf::reacts_to<applied_ptr>,
  caf::reacts_to<pool_offer, caf::strong_actor_ptr>,
  caf::reacts_to<node_capacity>,
  // From the keeper of a node's slots, which is the second value.
  caf::reacts_to<slot_share, caf::strong_actor_ptr>,
  // From pools. Answered with a `lease_grant`, or not at all.
  caf::reacts_to<lease_request>,
  caf::reacts_to<outcome_batch>,
  caf::reacts_to<progress_batch>,
  caf::reacts_to<disk_report>,
  // Cancels every running task of the partition.
  caf::reacts_to<caf::close_atom>,
  // The node stops: nothing new is taken or started.
  caf::reacts_to<caf::leave_atom>,
  // Internal: propose what has gathered.
  caf::reacts_to<caf::flush_atom>,
  // Internal: timers.
  caf::reacts_to<caf::tick_atom, uint64_t>,
  // Internal: retention.
  caf::reacts_to<caf::idle_atom>,
  // Internal: look after pools and nodes that are away.
  caf::reacts_to<caf::monitor_atom>,
  // Internal: ask for parents in other partitions; the number tells a timer that is in force from an older one.
  caf::reacts_to<caf::get_atom, uint64_t>>;

// -- pool and worker -----------------------------------------------------------

/// From a worker: the attempts that it was given have ended.
struct attempts_done {
  struct item {
    task_id id;
    outcome how;
    timestamp started_at;
    std::chrono::microseconds execution{0};
    fencing_token fence;
  };
  uint64_t worker = 0;
  std::vector<item> items;
};

/// The scheduler that leads a partition, on whatever node.
struct leader_in_sight {
  partition_id partition = 0;
  caf::strong_actor_ptr scheduler;      ///< null: none
  bool grants_leases = true;            ///< false: it is of an older protocol
};

/// The workers of one task type on one node.
using pool_actor = caf::typed_actor<
  caf::reacts_to<assignment_batch>,
  caf::reacts_to<stop_attempt>,
  caf::reacts_to<deadline_change>,
  caf::reacts_to<attempts_done>,
  // Changes the number of slots; 0: to the configured one.
  caf::reacts_to<caf::update_atom, uint32_t>,
  caf::reacts_to<lease_grant>,
  caf::reacts_to<leader_in_sight>,
  // The keeper of the node's slots, when several partitions share them. Said before the first scheduler is.
  caf::reacts_to<caf::subscribe_atom, caf::strong_actor_ptr>,
  caf::replies_to<drain_request>::with<drain_reply>,
  caf::replies_to<pools_request>::with<pool_status>,
  caf::replies_to<workers_request>::with<workers_reply>,
  // Internal: one more attempt may run on the node.
  caf::reacts_to<caf::flush_atom>,
  // Internal: timeouts, reports.
  caf::reacts_to<caf::tick_atom, uint64_t>>;

/// What a worker gets: one attempt if its handler blocks, several if it does not.
struct work {
  std::vector<std::shared_ptr<const attempt_context>> attempts;
};

/// Executes handlers, one attempt at a time; on its own thread when they block. Only workers that were made by
/// `pool_options::make_worker` hear of stops and settled outcomes: the others look at the cancellation of the attempt.
using worker_actor = caf::typed_actor<
  caf::reacts_to<work>,
  caf::reacts_to<stop_attempt>,
  caf::reacts_to<settled_batch>>;

// -- events and metrics --------------------------------------------------------

/// Events that are not in the log. In a struct of its own: were a vector of events called unsafe, no batch of them could cross a
/// wire.
struct live_events {
  partition_id partition = 0;
  std::vector<event> events;
};

/// Ordered, resumable streams of events to any number of readers.
using event_hub_actor = caf::typed_actor<
  // From all replicas of the node.
  caf::reacts_to<applied_ptr>,
  caf::reacts_to<applied_position>,
  // Progress and log lines, from the schedulers that lead here.
  caf::reacts_to<live_events>,
  caf::replies_to<event_request>::with<event_batch>,
  caf::reacts_to<peer_report>,
  // From the hubs of other nodes.
  caf::reacts_to<live_interest>,
  caf::reacts_to<live_batch>,
  // Internal: waits end.
  caf::reacts_to<caf::tick_atom>,
  // Internal: what was gathered for other nodes goes out.
  caf::reacts_to<caf::flush_atom>,
  // Internal: tell the others that there are readers here.
  caf::reacts_to<caf::idle_atom>>;

/// Counters and latencies of a node.
using metrics_actor = caf::typed_actor<
  caf::reacts_to<applied_ptr>,
  caf::replies_to<metrics_request>::with<metrics_reply>>;

/// Creates tasks by itself: schedules and rules.
using generator_actor = caf::typed_actor<
  // Judges all rules now; answers with the receipts of what they created.
  caf::replies_to<generate_request>::with<submit_reply>,
  caf::replies_to<schedules_request>::with<schedules_reply>,
  caf::replies_to<schedule_request>::with<schedule_record>,
  caf::replies_to<put_schedule_request>::with<schedule_record>,
  caf::replies_to<remove_schedule_request>::with<schedule_record>,
  caf::replies_to<control_schedule_request>::with<schedule_record>,
  caf::replies_to<next_slots_request>::with<next_slots_reply>,
  caf::replies_to<rules_request>::with<rules_reply>,
  caf::replies_to<rule_request>::with<rule_record>,
  caf::replies_to<put_rule_request>::with<rule_record>,
  caf::replies_to<remove_rule_request>::with<rule_record>,
  caf::replies_to<test_rule_request>::with<test_rule_reply>,
  // What was applied: ended tasks, settings, documents.
  caf::reacts_to<applied_ptr>,
  // Internal: slots and intervals; the number tells a timer that is in force from an older one.
  caf::reacts_to<caf::tick_atom, uint64_t>,
  // A new interval of the rules in seconds; 0 stops them.
  caf::reacts_to<caf::update_atom, uint32_t>>;

/// Owns the gates: declares and switches them, and judges those of kinds health and window.
using gate_manager_actor = caf::typed_actor<
  caf::replies_to<gates_request>::with<gates_reply>,
  caf::replies_to<set_gate_request>::with<gate_record>,
  caf::replies_to<remove_gate_request>::with<gate_record>,
  // Internal: judge.
  caf::reacts_to<caf::tick_atom, uint64_t>>;

} // namespace overwatch

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::propose_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::propose_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::scheduler_status_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::settle_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::scheduler_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::attempts_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::leader_in_sight)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::work)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::pool_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::scheduler_actor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::live_events)
