#include "tests/simulation/host.hpp"

#include "actors/cluster_interfaces.hpp"
#include "tests/simulation/log_checker.hpp"

#include <caf/actor_registry.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/detail/sync_request_bouncer.hpp>
#include <caf/resumable.hpp>
#include <caf/send.hpp>

#include <algorithm>

namespace overwatch::simulation {

namespace {

constexpr uint64_t max_steps_at_once = 2'000'000; ///< of one millisecond: more, and the actors go round in circles

// Sorts before those of CAF's own, whose process number is the real one, and is the same in every run.
caf::node_id node_id_of(host_id id) { return caf::make_node_id(id, {{'s', 'i', 'm'}}); }

host_id host_of(const caf::node_id& x) {
  return static_cast<const caf::node_id::default_data*>(x.operator->())->process_id();
}

caf::resumable* resumable(const caf::actor& x) {
  return dynamic_cast<caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(x));
}

/// Stands for an actor on another host.
class remote_actor final : public caf::actor_proxy {
public:
  remote_actor(caf::actor_config& cfg, host* here) : caf::actor_proxy{cfg}, here_{here} {}

  // What is said over a connection that is lost is lost; CAF answers no request then, either.
  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
    if (here_)
      here_->send(*this, *what);
  }

  void kill_proxy(caf::execution_unit* context, caf::error reason) override {
    here_ = nullptr;
    cleanup(std::move(reason), context);
  }

private:
  host* here_;
};

// Messages whose protocols say that they may get lost, come twice or late. Of the others the loss of one is the loss of
// the connection.
bool is_loose(const caf::message& x) {
  using caf::strong_actor_ptr;
  return x.match_elements<link_batch>() || x.match_elements<pool_offer, strong_actor_ptr>()
         || x.match_elements<outcome_batch>() || x.match_elements<progress_batch>()
         || x.match_elements<assignment_batch>() || x.match_elements<state_offer>()
         || x.match_elements<slot_share, strong_actor_ptr>() || x.match_elements<slot_demand>()
         || x.match_elements<lease_request>() || x.match_elements<lease_grant>();
}

} // namespace

host::config::config() {
  add_node_messages(*this);
  set("scheduler.policy", caf::atom("testing"));
}

host::host(wire& net, chance& random, host_id id, std::string node, milliseconds clock)
  : wire_{net}, random_{random}, id_{id}, node_{std::move(node)}, system_{config_},
    coordinator_{dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())}, proxies_{system_, *this},
    context_{&system_} {
  // CAF gives an id only to systems with its network.
  const_cast<caf::node_id&>(system_.node()) = node_id_of(id);
  context_.proxy_registry_ptr(&proxies_);
  coordinator_.clock().current_time += clock;
  wire_.add(*this);
}

host::~host() { kill(); }

// -- running -------------------------------------------------------------------

void host::keep(const caf::strong_actor_ptr& x) { system_.registry().put(x->id(), x); }

void host::prefer(const caf::actor& x) { preferred_ = resumable(x); }

void host::stall(const caf::actor& x, milliseconds until) {
  stalled_ = resumable(x);
  stalled_until_ = until;
}

bool host::has_work(milliseconds clock) const {
  const auto& timers = coordinator_.clock().schedule();
  return !coordinator_.jobs.empty()
         || (!timers.empty() && timers.begin()->first.time_since_epoch() <= std::chrono::nanoseconds{clock});
}

bool host::run(milliseconds clock) {
  auto& own = coordinator_.clock();
  auto target = caf::actor_clock::time_point{clock};
  if (target > own.current_time)
    own.advance_time(target - own.current_time);
  uint64_t steps = 0;
  while (run_one(clock)) {
    if (!failure_.empty())
      throw broken_rule{node_ + ": " + failure_};
    if (++steps > max_steps_at_once)
      throw broken_rule{node_ + " does not come to rest"};
    if (crash_after > 0 && --crash_after == 0)
      return false;
  }
  return true;
}

bool host::run_one(milliseconds clock) {
  auto& due = coordinator_.jobs;
  if (due.empty())
    return false;
  auto next = std::find(due.begin(), due.end(), preferred_);
  if (next == due.end())
    next = due.begin() + static_cast<std::ptrdiff_t>(any_order ? random_.number(0, due.size() - 1) : 0);
  if (*next == stalled_ && clock < stalled_until_) {
    next = std::find_if(due.begin(), due.end(), [&](const auto* x) { return x != stalled_; });
    if (next == due.end())
      return false;
  }
  std::rotate(due.begin(), next, next + 1);
  ++steps_;
  return coordinator_.try_run_once();
}

void host::kill() {
  if (!std::exchange(alive_, false))
    return;
  wire_.remove(id_);
  stalled_ = nullptr;
  preferred_ = nullptr;
  front = nullptr;
  tamper = nullptr;
  auto& registry = system_.registry();
  while (registry.running() > 0 || !coordinator_.jobs.empty()) {
    auto before = registry.running();
    for (caf::actor_id x = 1; x <= system_.latest_actor_id(); ++x)
      if (auto known = registry.get(x))
        caf::anon_send_exit(caf::actor_cast<caf::actor>(known), caf::exit_reason::kill);
    while (coordinator_.try_run_once())
      continue;
    coordinator_.clock().cancel_all();
    if (registry.running() >= before && before > 0)
      throw broken_rule{node_ + ": " + std::to_string(before) + " actors do not end"};
  }
  proxies_.clear();
}

// -- to others -----------------------------------------------------------------

caf::strong_actor_ptr host::make_proxy(caf::node_id there, caf::actor_id id) {
  if (!there || id == caf::invalid_actor_id)
    return nullptr;
  caf::actor_config cfg;
  auto result = caf::make_actor<remote_actor, caf::strong_actor_ptr>(id, there, &system_, cfg, this);
  frame x;
  x.what = frame::kind::watch;
  x.receiver = id;
  wire_.send(id_, host_of(there), std::move(x));
  return result;
}

caf::strong_actor_ptr host::handle_of(host& there, const caf::strong_actor_ptr& x) {
  there.keep(x);
  return proxies_.get_or_put(there.system_.node(), x->id());
}

void host::send(const caf::actor_proxy& to, caf::mailbox_element& what) {
  if (!alive_)
    return;
  frame x;
  x.receiver = to.id();
  x.message = what.mid.integer_value();
  if (what.sender) {
    x.sender = what.sender->id();
    x.sender_host = host_of(what.sender->node());
    if (x.sender_host == id_)
      keep(what.sender);
  }
  auto content = what.move_content_to_message();
  x.loose = what.mid.is_async() && is_loose(content);
  caf::binary_serializer sink{&context_, x.content};
  if (auto error = sink(content))
    failure_ = "this does not cross between nodes: " + to_string(content) + ": " + system_.render(error);
  wire_.send(id_, host_of(to.node()), std::move(x));
}

// -- from others ---------------------------------------------------------------

void host::deliver(host_id from, const frame& x) {
  if (x.what == frame::kind::watch)
    watch(from, x.receiver);
  else if (x.what == frame::kind::down)
    proxies_.erase(node_id_of(from), x.receiver);
  else
    take_message(x);
}

void host::take_message(const frame& x) {
  caf::message content;
  caf::binary_deserializer source{&context_, x.content};
  if (auto error = source(content)) {
    failure_ = "what came over the wire is not readable: " + system_.render(error);
    return;
  }
  if (tamper)
    tamper(content);
  auto& registry = system_.registry();
  caf::strong_actor_ptr sender;
  if (x.sender != 0)
    sender = x.sender_host == id_ ? registry.get(x.sender) : proxies_.get_or_put(node_id_of(x.sender_host), x.sender);
  auto number = caf::make_message_id(x.message);
  auto receiver = registry.get(x.receiver);
  if (receiver)
    receiver->enqueue(std::move(sender), number, std::move(content), nullptr);
  else if (number.is_request())
    caf::detail::sync_request_bouncer{caf::exit_reason::remote_link_unreachable}(sender, number);
}

void host::watch(host_id from, uint64_t actor) {
  auto tell = [this, from, actor] {
    frame x;
    x.what = frame::kind::down;
    x.receiver = actor;
    if (alive_)
      wire_.send(id_, from, std::move(x));
  };
  if (auto known = system_.registry().get(actor))
    known->get()->attach_functor([tell](const caf::error&) { tell(); });
  else
    tell();
}

void host::lost(host_id peer) { proxies_.erase(node_id_of(peer)); }

} // namespace overwatch::simulation
