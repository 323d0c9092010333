#include "http/bridge.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>

#include <algorithm>
#include <functional>
#include <list>
#include <vector>

namespace overwatch::http {

namespace {

using clock = std::chrono::steady_clock;
using submit_promise = reply_promise<submit_receipt>;
using question = std::function<void(caf::event_based_actor*, const gateway_actor&)>;

struct waiting_submit {
  submission task;
  submit_promise promise;
};

} // namespace

// Bounded by the number of HTTP threads: each waits for one answer. The flags spare wake-ups while one is
// under way.
struct bridge_queue {
  std::mutex mutex;
  std::vector<waiting_submit> submits;
  std::vector<question> questions;
  bool submits_announced = false;
  bool questions_announced = false;
  bool stopped = false;

  // Both: true when the carrier must be woken up. What is refused is dropped with its promise.
  bool add(waiting_submit x) {
    std::lock_guard lock{mutex};
    if (stopped)
      return false;
    submits.push_back(std::move(x));
    return !std::exchange(submits_announced, true);
  }
  bool add(question x) {
    std::lock_guard lock{mutex};
    if (stopped)
      return false;
    questions.push_back(std::move(x));
    return !std::exchange(questions_announced, true);
  }
};

namespace {

// Gathered submits on their way to the gateway.
struct flight {
  std::vector<submit_promise> promises;
  clock::time_point started;

  void land(const submit_reply& reply) {
    for (size_t i = 0; i < promises.size(); ++i) {
      if (i >= reply.receipts.size())
        promises[i].set(make_error(ec::internal, "the runtime answered for fewer tasks than were sent"));
      else if (const auto& receipt = reply.receipts[i]; receipt.error)
        promises[i].set(make_error(receipt.error));
      else
        promises[i].set(receipt);
    }
  }

  void land(const caf::error& error) {
    for (auto& promise : promises)
      promise.set(error);
  }
};

// The actor that carries requests to the gateway. It ends when the bridge stops; what it had under way is then
// dropped, which answers the threads.
struct carrier_state {
  static inline const char* name = "http_bridge";

  caf::event_based_actor* self = nullptr;
  std::shared_ptr<bridge_queue> queue;
  gateway_actor gateway;
  std::list<std::shared_ptr<flight>> flights; // oldest first
  bool looks_again = false;                   // a delayed look for overdue flights is under way

  // Takes what threads have left.
  void drain() {
    drop_overdue();
    std::vector<waiting_submit> submits;
    std::vector<question> questions;
    bool full = flights.size() >= bridge::max_submits_in_flight;
    {
      std::lock_guard lock{queue->mutex};
      queue->questions_announced = false;
      questions.swap(queue->questions);
      if (!full) { // else they gather until a flight lands
        queue->submits_announced = false;
        submits.swap(queue->submits);
      }
    }
    for (auto& question : questions)
      question(self, gateway);
    for (size_t first = 0; first < submits.size(); first += max_submit_tasks)
      launch(submits, first);
    if (full)
      look_again();
  }

  void launch(std::vector<waiting_submit>& submits, size_t first) {
    auto last = std::min(submits.size(), first + max_submit_tasks);
    submit_request request;
    request.tasks.reserve(last - first);
    auto x = std::make_shared<flight>();
    x->promises.reserve(last - first);
    x->started = clock::now();
    for (size_t i = first; i < last; ++i) {
      request.tasks.push_back(std::move(submits[i].task));
      x->promises.push_back(std::move(submits[i].promise));
      x->promises.back().asked();
    }
    flights.push_back(x);
    // No timeout of CAF's: its entry would outlive the answer. The threads have deadlines, flights an age.
    self->request(gateway, caf::infinite, std::move(request))
      .then([this, x](submit_reply& reply) { landed(x, reply); },
            [this, x](caf::error& error) { landed(x, error); });
  }

  template <class Result>
  void landed(const std::shared_ptr<flight>& x, const Result& result) {
    x->land(result);
    flights.remove(x);
    drain();
  }

  // A gateway that lost a request must not hold up the others.
  void drop_overdue() {
    auto limit = clock::now() - bridge::flight_timeout;
    flights.remove_if([&](const std::shared_ptr<flight>& x) { return x->started < limit; });
  }

  void look_again() {
    if (std::exchange(looks_again, true))
      return;
    self->delayed_send(self, bridge::flight_timeout, caf::ok_atom::value);
  }
};

caf::behavior carrier(caf::stateful_actor<carrier_state>* self, std::shared_ptr<bridge_queue> queue,
                      gateway_actor gateway) {
  auto& state = self->state;
  state.self = self;
  state.queue = std::move(queue);
  state.gateway = std::move(gateway);
  return {
    [self](caf::tick_atom) { self->state.drain(); },
    [self](caf::ok_atom) {
      self->state.looks_again = false;
      self->state.drain();
    },
  };
}

} // namespace

bridge::bridge(caf::actor_system& system, gateway_actor gateway)
  : queue_{std::make_shared<bridge_queue>()}, carrier_{system.spawn(carrier, queue_, std::move(gateway))} {}

bridge::~bridge() { stop(); }

caf::expected<submit_receipt> bridge::submit(submission task, milliseconds timeout) {
  auto slot = std::make_shared<reply_slot<submit_receipt>>();
  if (queue_->add(waiting_submit{std::move(task), submit_promise{slot}}))
    caf::anon_send(carrier_, caf::tick_atom::value);
  return slot->wait(timeout);
}

template <class Reply, class Request>
caf::expected<Reply> bridge::ask(Request request, milliseconds timeout) {
  auto slot = std::make_shared<reply_slot<Reply>>();
  auto promise = std::make_shared<reply_promise<Reply>>(slot);
  auto wakes = queue_->add(question{[promise = std::move(promise), request = std::move(request)](
                                 caf::event_based_actor* self, const gateway_actor& gateway) {
    promise->asked();
    self->request(gateway, caf::infinite, request)
      .then([promise](Reply& reply) { promise->set(std::move(reply)); },
            [promise](caf::error& error) { promise->set(std::move(error)); });
  }});
  if (wakes)
    caf::anon_send(carrier_, caf::tick_atom::value);
  return slot->wait(timeout);
}

void bridge::stop() {
  std::vector<waiting_submit> submits;
  std::vector<question> questions;
  {
    std::lock_guard lock{queue_->mutex};
    queue_->stopped = true;
    submits.swap(queue_->submits);
    questions.swap(queue_->questions);
  }
  caf::anon_send_exit(carrier_, caf::exit_reason::user_shutdown);
}

// All that HTTP asks; one line each keeps CAF out of every other file.
template caf::expected<submit_reply> bridge::ask(submit_request, milliseconds);
template caf::expected<task_record> bridge::ask(get_request, milliseconds);
template caf::expected<task_record> bridge::ask(wait_request, milliseconds);
template caf::expected<task_record> bridge::ask(cancel_request, milliseconds);
template caf::expected<submit_receipt> bridge::ask(retry_request, milliseconds);
template caf::expected<task_record> bridge::ask(remove_request, milliseconds);
template caf::expected<why_reply> bridge::ask(why_request, milliseconds);
template caf::expected<log_page> bridge::ask(log_request, milliseconds);
template caf::expected<task_page> bridge::ask(list_request, milliseconds);
template caf::expected<stats_reply> bridge::ask(stats_request, milliseconds);
template caf::expected<node_status> bridge::ask(status_request, milliseconds);
template caf::expected<pools_reply> bridge::ask(pools_request, milliseconds);
template caf::expected<workers_reply> bridge::ask(workers_request, milliseconds);
template caf::expected<dispatch_reply> bridge::ask(dispatch_request, milliseconds);
template caf::expected<settings_reply> bridge::ask(settings_request, milliseconds);
template caf::expected<submit_reply> bridge::ask(generate_request, milliseconds);
template caf::expected<event_batch> bridge::ask(event_request, milliseconds);
template caf::expected<metrics_reply> bridge::ask(metrics_request, milliseconds);
template caf::expected<task_record> bridge::ask(patch_request, milliseconds);
template caf::expected<task_record> bridge::ask(approve_request, milliseconds);
template caf::expected<task_record> bridge::ask(rollback_request, milliseconds);
template caf::expected<snapshot_record> bridge::ask(get_snapshot_request, milliseconds);
template caf::expected<workflow_record> bridge::ask(submit_workflow_request, milliseconds);
template caf::expected<workflow_record> bridge::ask(get_workflow_request, milliseconds);
template caf::expected<workflow_record> bridge::ask(cancel_workflow_request, milliseconds);
template caf::expected<workflow_page> bridge::ask(list_workflows_request, milliseconds);
template caf::expected<gates_reply> bridge::ask(gates_request, milliseconds);
template caf::expected<gate_record> bridge::ask(set_gate_request, milliseconds);
template caf::expected<gate_record> bridge::ask(remove_gate_request, milliseconds);
template caf::expected<key_record> bridge::ask(get_key_request, milliseconds);
template caf::expected<key_record> bridge::ask(put_key_request, milliseconds);
template caf::expected<key_record> bridge::ask(remove_key_request, milliseconds);
template caf::expected<key_page> bridge::ask(list_keys_request, milliseconds);
template caf::expected<schedules_reply> bridge::ask(schedules_request, milliseconds);
template caf::expected<schedule_record> bridge::ask(schedule_request, milliseconds);
template caf::expected<schedule_record> bridge::ask(put_schedule_request, milliseconds);
template caf::expected<schedule_record> bridge::ask(remove_schedule_request, milliseconds);
template caf::expected<schedule_record> bridge::ask(control_schedule_request, milliseconds);
template caf::expected<next_slots_reply> bridge::ask(next_slots_request, milliseconds);
template caf::expected<rules_reply> bridge::ask(rules_request, milliseconds);
template caf::expected<rule_record> bridge::ask(rule_request, milliseconds);
template caf::expected<rule_record> bridge::ask(put_rule_request, milliseconds);
template caf::expected<rule_record> bridge::ask(remove_rule_request, milliseconds);
template caf::expected<test_rule_reply> bridge::ask(test_rule_request, milliseconds);
template caf::expected<resources_reply> bridge::ask(resources_request, milliseconds);
template caf::expected<worker_registration> bridge::ask(register_worker_request, milliseconds);
template caf::expected<claim_reply> bridge::ask(claim_request, milliseconds);
template caf::expected<heartbeat_reply> bridge::ask(heartbeat_request, milliseconds);
template caf::expected<finish_reply> bridge::ask(finish_request, milliseconds);
template caf::expected<leave_reply> bridge::ask(leave_request, milliseconds);
template caf::expected<cluster_status> bridge::ask(cluster_request, milliseconds);
template caf::expected<cluster_status> bridge::ask(add_node_request, milliseconds);
template caf::expected<cluster_status> bridge::ask(remove_node_request, milliseconds);
template caf::expected<cluster_status> bridge::ask(drain_node_request, milliseconds);
template caf::expected<group_status> bridge::ask(transfer_request, milliseconds);

} // namespace overwatch::http
