#pragma once

#include "actors/cluster_interfaces.hpp"
#include "actors/interfaces.hpp"
#include "actors/worker_sessions.hpp"

#include <set>

namespace overwatch {

struct gateway_options {
  /// that it answers for; the control partition's answers for the node, too
  partition_id partition = control_partition;
  node_status status;                 ///< what does not change: name, instance, version, data directory, start
  std::set<std::string> task_types;   ///< that are known without the log: built in or configured
  std::map<std::string, std::string> settings; ///< live settings with their configured values
  uint32_t max_concurrent_tasks = 10;
  size_t max_tasks_in_flight = 100'000; ///< submits that are not durable yet
  size_t max_bytes_in_flight = 256ULL << 20;
  milliseconds request_timeout{30'000};
  uint64_t seed = 1; ///< of the task ids
  std::vector<std::string> snapshot_roots; ///< under which the files of snapshots must lie
  milliseconds keep_for_compensation{std::chrono::hours{24}}; ///< snapshots of a workflow's tasks
  std::function<timestamp()> clock = now;
};

/// The components behind the gateway; told again when they were restarted.
struct gateway_links {
  scheduler_actor scheduler;
  replica_actor replica;
  task_reader_actor reader;
  journal_actor journal;
  event_hub_actor events;
  metrics_actor metrics;
  generator_actor generator;
  gate_manager_actor gates;
  mirror_actor mirror; ///< of the control partition; none while that is the only one
  snapshotter_actor snapshotter;
  std::vector<pool_actor> pools;
  worker_sessions_actor sessions;
  membership_actor membership;
  std::vector<replica_actor> replicas; ///< of all partitions
  gateway_actor front;                 ///< of the node; none: this gateway is
  std::string waiting_for; ///< why there is no replica yet
  uint32_t restarts = 0;
};

/// Routes, checks and bounds what comes from outside. Keeps nothing but what is in flight.
class gateway_state {
public:
  static inline const char* name = "gateway";
  // The public interface and what only the node itself says to it.
  using interface = partition_gateway_actor::extend<caf::reacts_to<gateway_links>, caf::reacts_to<disk_report>,
                                                    caf::reacts_to<caf::leave_atom>>;
  using pointer = interface::stateful_pointer<gateway_state>;

  void set_up(pointer self, gateway_options options);
  void connect(gateway_links links);

  caf::result<submit_reply> submit(submit_request& x);
  caf::result<submit_reply> generate(const generate_request& x);
  caf::result<task_record> change(command x, const task_id& id);
  caf::result<task_record> remove(const remove_request& x);
  caf::result<submit_receipt> retry(const retry_request& x);
  caf::result<task_record> wait(const wait_request& x);
  caf::result<event_batch> events(const event_request& x);
  caf::result<log_page> log(const log_request& x);
  caf::result<task_page> list(const list_request& x);
  caf::result<node_status> status();
  caf::result<pools_reply> pools();
  caf::result<workers_reply> workers();
  caf::result<dispatch_reply> dispatch(const dispatch_request& x);
  caf::result<settings_reply> settings(const settings_request& x);
  caf::result<metrics_reply> metrics();
  caf::result<task_record> approve(const approve_request& x);
  caf::result<task_record> roll_back(const rollback_request& x);
  caf::result<snapshot_record> snapshot(const get_snapshot_request& x);
  caf::result<workflow_record> submit_workflow(submit_workflow_request& x);
  caf::result<workflow_record> cancel_workflow(const cancel_workflow_request& x);
  caf::result<workflow_page> list_workflows(const list_workflows_request& x);
  caf::result<key_record> get_key(const get_key_request& x);
  caf::result<key_record> put_key(put_key_request& x);
  caf::result<key_record> remove_key(const remove_key_request& x);
  caf::result<key_page> list_keys(const list_keys_request& x);
  caf::result<cluster_status> cluster(const cluster_request& x);
  caf::result<cluster_status> add_node(const add_node_request& x);
  caf::result<cluster_status> remove_node(const remove_node_request& x);
  caf::result<cluster_status> drain_node(const drain_node_request& x);
  caf::result<mirror_reply> mirror(mirror_request& x);
  caf::result<statuses_reply> statuses(const statuses_request& x);
  void set_disk(const disk_report& x) { disk_ = x; }
  void leave();

  /// Passes a request on and its answer back.
  template <class Reply, class Handle, class Request>
  caf::result<Reply> forward(const Handle& to, const Request& x, milliseconds extra = milliseconds{0});

  /// The same for a read.
  template <class Reply, class Handle, class Request>
  caf::result<Reply> read(const Handle& to, const Request& x, consistency level);

  const gateway_links& links() const { return links_; }

private:
  template <class Reply, class Then>
  void when_current(consistency level, Then then, caf::typed_response_promise<Reply> promise);
  template <class Reply, class Then>
  void when_mirrored(Then then, caf::typed_response_promise<Reply> promise);
  void change_cluster(command x, caf::typed_response_promise<cluster_status> promise);
  caf::result<cluster_status> change_member(std::function<caf::expected<command>(const group_status&)> make);
  void describe_cluster(caf::typed_response_promise<cluster_status> promise);
  template <class Reply, class Handle, class Request, class Then>
  void ask(const Handle& to, const Request& x, Then then, caf::typed_response_promise<Reply> promise);
  template <class Reply, class Then>
  void propose(std::vector<command> commands, Then then, caf::typed_response_promise<Reply> promise);
  template <class Reply, class Request, class Item>
  void gather(const Request& x, std::function<void(std::vector<Item>&)> done);
  void store(submit_request& x, caf::typed_response_promise<submit_reply> promise);
  void store_workflow(submit_workflow_request& x, caf::typed_response_promise<workflow_record> promise);
  void with_attached(pools_reply reply, caf::typed_response_promise<pools_reply> promise);
  void learn_types(const std::map<std::string, std::string>& settings);
  template <class Reply, class Then>
  void with_declared_types(Then then, caf::typed_response_promise<Reply> promise);
  failure cannot_submit(size_t tasks, size_t bytes) const;
  failure check_workflow(const submit_workflow_request& x) const;
  failure check_setting(const std::string& key, const std::string& value) const;

  pointer self_ = nullptr;
  gateway_options options_;
  gateway_links links_;
  task_id_generator ids_{1};
  disk_report disk_;
  std::set<std::string> types_; // that are known: those of the options, and those that the log declares
  bool leaving_ = false;
  size_t tasks_in_flight_ = 0;
  size_t bytes_in_flight_ = 0;
};

gateway_state::interface::behavior_type gateway(gateway_state::pointer self, gateway_options options);

} // namespace overwatch

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::gateway_links)
