#include "tests/support/played_network.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>

namespace overwatch::test {

namespace {

const timestamp beginning{std::chrono::hours{24 * 365 * 56}};
constexpr milliseconds step{50};
constexpr std::chrono::seconds patience{86'400}; // more than any test lets pass
constexpr uint16_t port = 7000;

std::string address_of(const std::string& node) { return node + ":" + std::to_string(port); }

// Dies with its target, so that who watches it learns of that.
void follow(caf::event_based_actor* self, const caf::strong_actor_ptr& target) {
  self->monitor(caf::actor_cast<caf::actor>(target));
  self->set_down_handler([=](const caf::down_msg&) { self->quit(caf::exit_reason::remote_link_unreachable); });
}

caf::behavior link_forwarder(caf::event_based_actor* self, played_network* net, std::string from, std::string to,
                             caf::strong_actor_ptr target) {
  follow(self, target);
  return {[=](const link_batch& x) {
    if (!net->is_cut(from, to))
      caf::anon_send(caf::actor_cast<link_end>(target), x);
  }};
}

caf::behavior membership_forwarder(caf::event_based_actor* self, played_network* net, std::string from, std::string to,
                                   caf::strong_actor_ptr target) {
  follow(self, target);
  // Each side gets handles that lead through a forwarder.
  auto wrap = [=](hello x, const std::string& user, const std::string& owner) {
    x.link = net->forward(user, owner, x.link);
    x.membership = net->forward(user, owner, x.membership);
    return x;
  };
  auto pass = [=](auto... message) {
    auto promise = self->make_response_promise<hello>();
    if (net->is_cut(from, to))
      return promise;
    self->request(caf::actor_cast<membership_actor>(target), patience, std::move(message)...)
      .then(
        [=](hello& reply) mutable {
          if (!net->is_cut(to, from))
            promise.deliver(wrap(std::move(reply), from, to));
        },
        [=](caf::error& error) mutable {
          if (!net->is_cut(to, from))
            promise.deliver(std::move(error));
        });
    return promise;
  };
  return {
    [=](hello& x) { return pass(wrap(std::move(x), to, from)); },
    [=](caf::update_atom update, hello& x) { return pass(update, wrap(std::move(x), to, from)); },
  };
}

connector_actor::behavior_type played_connector(connector_actor::pointer self, played_network* net, std::string from) {
  return {[=](const dial_request& x) -> caf::result<dial_reply> {
    auto to = x.address.substr(0, x.address.find(':'));
    ++net->dials[from + " " + to];
    if (net->is_cut(from, to) || net->is_cut(to, from))
      return self->make_response_promise<dial_reply>(); // packets vanish
    auto& there = net->at(to).handle;
    if (!there)
      return make_error(ec::unavailable, "connection refused");
    return dial_reply{net->forward(from, to, caf::actor_cast<caf::strong_actor_ptr>(there))};
  }};
}

caf::behavior played_listener(caf::event_based_actor*, played_network::node* owner) {
  return {
    [=](const identity_report& x) { owner->identities.push_back(x); },
    [=](const peer_report& x) { owner->reports.push_back(x); },
  };
}

caf::behavior played_replica(caf::event_based_actor*, played_network::node* owner) {
  return {[=](const log_delivery& x) { owner->delivered.push_back(x); }};
}

} // namespace

const peer_report* played_network::node::last_report(const std::string& peer) const {
  auto i = std::find_if(reports.rbegin(), reports.rend(), [&](const auto& x) { return x.node == peer; });
  return i == reports.rend() ? nullptr : &*i;
}

played_network::config::config() {
  add_node_messages(*this);
  set("scheduler.policy", caf::atom("testing"));
}

played_network::played_network()
  : coordinator_{dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())} {
  coordinator_.clock().current_time += std::chrono::hours{1};
}

played_network::~played_network() {
  for (const auto& [name, x] : nodes_)
    kill(name);
  for (const auto& x : forwarders_)
    caf::anon_send_exit(x, caf::exit_reason::kill);
  settle();
  coordinator_.clock().cancel_all();
}

played_network::node& played_network::add(const std::string& name, const std::vector<std::string>& nodes) {
  auto& x = *(nodes_[name] = std::make_unique<node>());
  x.options.node = name;
  x.options.address = address_of(name);
  x.options.version = "1.0";
  for (const auto& y : nodes)
    x.options.nodes.push_back({y, address_of(y)});
  x.options.clock = [this] { return time(); };
  return x;
}

void played_network::start(const std::string& name) {
  auto& x = at(name);
  x.options.seed = std::hash<std::string>{}(name) + 1'000 * ++x.starts;
  x.options.instance = name + "#" + std::to_string(x.starts);
  auto random = [seed = x.options.seed]() mutable { return ++seed; };
  x.options.identity = *open_identity(*x.db, x.options.nodes.empty(), x.options.partitions, random);
  auto keep = [&](auto handle) {
    x.spawned.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  };
  x.listener = keep(system_.spawn(played_listener, &x));
  x.replica = keep(system_.spawn(played_replica, &x));
  auto keeper = keep(system_.spawn(identity_keeper, x.db.get()));
  auto connector = keep(system_.spawn(played_connector, this, name));
  x.handle =
    keep(system_.spawn(membership, x.options, connector, keeper, caf::actor_cast<identity_listener>(x.listener)));
  local_components components;
  components.handles.router = caf::actor_cast<caf::strong_actor_ptr>(x.listener);
  components.replicas.push_back(caf::actor_cast<caf::strong_actor_ptr>(x.replica));
  caf::anon_send(x.handle, components);
  caf::anon_send(x.handle, caf::subscribe_atom::value, caf::actor_cast<caf::strong_actor_ptr>(x.listener));
  settle();
}

void played_network::kill(const std::string& name) {
  auto& x = at(name);
  for (const auto& y : x.spawned)
    caf::anon_send_exit(y, caf::exit_reason::kill);
  x.spawned.clear();
  x.handle = nullptr;
  x.listener = nullptr;
  x.replica = nullptr;
  settle();
}

void played_network::wipe(const std::string& name) { at(name).db = std::make_unique<memory_store>(); }

void played_network::settle() {
  while (coordinator_.try_run_once())
    continue;
}

void played_network::advance(milliseconds duration) {
  for (auto left = duration; left.count() > 0; left -= step) {
    coordinator_.clock().advance_time(std::min(left, step));
    settle();
  }
}

timestamp played_network::time() const {
  auto since_start = coordinator_.clock().now().time_since_epoch();
  return beginning + std::chrono::duration_cast<std::chrono::microseconds>(since_start);
}

bool played_network::sees(const std::string& name, const std::string& peer) const {
  const auto* x = nodes_.at(name)->last_report(peer);
  return x && x->up;
}

peers_reply played_network::status(const std::string& name) {
  peers_reply result;
  auto response = self_->request(at(name).handle, patience, peers_request{});
  settle();
  response.receive([&](peers_reply& x) { result = std::move(x); },
                   [&](caf::error& error) { ADD_FAILURE() << describe(error).message; });
  return result;
}

peer_status played_network::peer(const std::string& name, const std::string& other) {
  for (auto& x : status(name).peers)
    if (x.node == other)
      return x;
  ADD_FAILURE() << name << " does not know " << other;
  return {};
}

void played_network::send_log(const std::string& from, const std::string& to, const std::string& bytes) {
  const auto* x = at(from).last_report(to);
  ASSERT_TRUE(x && x->link);
  caf::anon_send(caf::actor_cast<link_actor>(x->link), log_delivery{0, bytes});
}

std::string played_network::owner(const caf::strong_actor_ptr& membership) const {
  for (const auto& [name, x] : nodes_)
    if (x->handle && x->handle.address() == caf::actor_cast<caf::actor_addr>(membership))
      return name;
  return {};
}

caf::strong_actor_ptr played_network::forward(const std::string& from, const std::string& to,
                                              const caf::strong_actor_ptr& target) {
  auto handle = owner(target) == to ? system_.spawn(membership_forwarder, this, from, to, target)
                                    : system_.spawn(link_forwarder, this, from, to, target);
  forwarders_.push_back(handle);
  return caf::actor_cast<caf::strong_actor_ptr>(handle);
}

} // namespace overwatch::test
