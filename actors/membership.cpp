#include "actors/membership.hpp"

#include "config/log.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

namespace overwatch {

void membership_state::set_up(pointer self, membership_options options, connector_actor connector,
                              identity_keeper_actor keeper, identity_listener listener) {
  self_ = self;
  options_ = std::move(options);
  connector_ = std::move(connector);
  keeper_ = std::move(keeper);
  listener_ = std::move(listener);
  identity_ = options_.identity;
  random_.seed(options_.seed);
}

void membership_state::start() {
  if (identity_.settled())
    self_->send(listener_, identity_report{identity_, {}});
  for (const auto& entry : options_.nodes)
    add_peer(entry, source::configuration);
  settle();
}

membership_state::peer& membership_state::peer_named(const std::string& node) {
  auto [i, is_new] = peers_.try_emplace(node);
  if (is_new) {
    auto options = options_.link;
    options.node = node;
    options.clock = options_.clock;
    i->second.link = self_->spawn<caf::linked>(link, std::move(options), membership_reports{membership_actor{self_}});
    i->second.since = options_.clock();
    self_->send(i->second.link, local_replicas{components_.replicas});
  }
  return i->second;
}

// -- dialling ------------------------------------------------------------------

void membership_state::schedule_dial(const std::string& node, milliseconds delay) {
  auto& x = peers_.at(node);
  x.greeting = false;
  self_->delayed_send(self_, delay, caf::connect_atom::value, node, ++x.dial_number);
}

// The dial of this number is still wanted; nullptr: something else happened meanwhile.
membership_state::peer* membership_state::dialled(const std::string& node, uint64_t number) {
  auto i = peers_.find(node);
  return i != peers_.end() && i->second.dial_number == number && i->second.session == 0 ? &i->second : nullptr;
}

void membership_state::dial(const std::string& node, uint64_t number) {
  auto* x = dialled(node, number);
  if (!x || x->known_by == source::none || removed_.count(node) > 0)
    return;
  self_->request(connector_, options_.dial_timeout, dial_request{x->address})
    .then([=](const dial_reply& reply) { greet(node, number, reply.membership); },
          [=](const caf::error& error) { dial_failed(node, number, describe(error)); });
}

void membership_state::greet(const std::string& node, uint64_t number, const caf::strong_actor_ptr& there) {
  auto* x = dialled(node, number);
  if (!x)
    return;
  auto session = identity_number(random_());
  x->greeting = true;
  x->told = revision_;
  self_->request(caf::actor_cast<membership_actor>(there), options_.hello_timeout, own_hello(*x, session))
    .then([=](hello& theirs) { answered(node, number, session, theirs); },
          [=](const caf::error& error) { dial_failed(node, number, describe(error)); });
}

void membership_state::answered(const std::string& node, uint64_t number, uint64_t session, hello& theirs) {
  auto* x = dialled(node, number);
  if (!x)
    return;
  auto refusal = theirs.node != node ? "at " + x->address + " answers the node \"" + theirs.node + "\", not \"" + node
                                         + "\": see cluster.nodes"
                                     : judge(theirs);
  if (refusal.empty())
    begin_session(*x, std::move(theirs), session);
  else
    dial_failed(node, number, {ec::conflict, {}, refusal});
}

void membership_state::dial_failed(const std::string& node, uint64_t number, const failure& why) {
  auto* x = dialled(node, number);
  if (!x)
    return;
  ++x->failures;
  // Once per reason: a node may be away for days. `overloaded`: it dials this node at the same moment.
  if (why.code != ec::overloaded && std::exchange(x->problem, why.message) != why.message)
    log_line(why.code == ec::conflict ? severity::error : severity::warning, "membership", "no link to a node",
             {{"peer", node}, {"address", x->address}, {"reason", why.message}});
  schedule_dial(node, redial_delay(x->failures, std::generate_canonical<double, 32>(random_)));
}

// -- hello ---------------------------------------------------------------------

hello membership_state::own_hello(const peer& x, uint64_t session) const {
  hello result;
  result.version = options_.version;
  result.cluster = identity_.cluster;
  result.partitions = identity_.partitions;
  result.node = options_.node;
  result.member = identity_.member;
  result.instance = options_.instance;
  result.address = options_.address;
  result.clock = options_.clock();
  result.session = session;
  result.membership = caf::actor_cast<caf::strong_actor_ptr>(self_);
  result.link = caf::actor_cast<caf::strong_actor_ptr>(x.link);
  result.handles = components_.handles;
  result.roster = roster();
  return result;
}

std::string membership_state::judge(const hello& theirs) const {
  hello_view view;
  view.node = options_.node;
  view.instance = options_.instance;
  view.identity = identity_;
  auto i = peers_.find(theirs.node);
  view.known = i != peers_.end() && i->second.known_by != source::none;
  view.removed = removed_.count(theirs.node) > 0;
  for (const auto& [node, x] : peers_)
    if (x.up)
      view.up.push_back({node, x.theirs.instance, x.theirs.address, x.theirs.member});
  return why_refused(theirs, view);
}

caf::result<hello> membership_state::greeted(hello& x) {
  if (auto refusal = judge(x); !refusal.empty()) {
    if (refusals_.size() < max_refusals && refusals_.insert(refusal).second)
      log_line(severity::error, "membership", "refused a node", {{"peer", x.node}, {"reason", refusal}});
    return make_error(ec::conflict, refusal);
  }
  if (x.session == 0 || !x.link || !x.membership)
    return make_error(ec::invalid, "this hello names no session, link or membership");
  auto& known = peer_named(x.node);
  // Both greet at the same moment: the name that sorts first goes on.
  if (known.greeting && options_.node < x.node)
    return make_error(ec::overloaded, "this node is being dialled by the one that it dials");
  end_session(x.node, "it was started again, or lost the connection");
  auto session = x.session;
  begin_session(known, std::move(x), session);
  known.told = revision_;
  return own_hello(known, session);
}

caf::result<hello> membership_state::news(hello& x) {
  auto i = peers_.find(x.node);
  if (i == peers_.end() || i->second.session == 0 || i->second.session != x.session)
    return make_error(ec::not_found, "this session is over");
  auto node = x.node;
  auto session = x.session;
  if (auto refusal = judge(x); !refusal.empty()) {
    end_session(node, refusal);
    return make_error(ec::conflict, refusal);
  }
  i->second.told = revision_;
  take_news(i->second, std::move(x));
  return own_hello(i->second, session);
}

void membership_state::tell_news(const std::string& node) {
  auto& x = peers_.at(node);
  if (!x.up || x.told == revision_)
    return;
  x.told = revision_;
  auto session = x.session;
  self_->request(caf::actor_cast<membership_actor>(x.theirs.membership), options_.hello_timeout,
                 caf::update_atom::value, own_hello(x, session))
    .then(
      [=](hello& theirs) {
        if (auto& peer = peers_.at(node); peer.session == session)
          take_news(peer, std::move(theirs));
      },
      [=](const caf::error& error) {
        auto& peer = peers_.at(node);
        auto why = describe(error);
        if (peer.session != session)
          return;
        if (why.code != ec::timed_out) {
          end_session(node, why.message);
          return;
        }
        peer.told = 0; // its link says that it lives: it is only busy
        tell_news(node);
      });
}

void membership_state::take_news(peer& x, hello theirs) {
  x.theirs = std::move(theirs);
  learn(x.theirs);
  if (x.up)
    report(x);
  settle();
}

// -- sessions ------------------------------------------------------------------

void membership_state::begin_session(peer& x, hello theirs, uint64_t session) {
  ++x.dial_number; // whatever else was tried is not wanted any more
  x.greeting = false;
  x.session = session;
  self_->send(x.link, link_session{session, theirs.link});
  x.theirs = std::move(theirs);
  learn(x.theirs);
}

void membership_state::end_session(const std::string& node, const std::string& reason) {
  auto& x = peers_.at(node);
  if (x.session == 0)
    return;
  self_->send(x.link, link_session{});
  session_ended(node, reason);
}

void membership_state::session_ended(const std::string& node, const std::string& reason) {
  auto& x = peers_.at(node);
  x.session = 0;
  x.problem = reason;
  if (std::exchange(x.up, false)) {
    x.since = options_.clock();
    log_line(severity::warning, "membership", "a node is down", {{"peer", node}, {"reason", reason}});
    report(x);
  } else {
    ++x.failures;
  }
  auto delay = redial_delay(x.failures, std::generate_canonical<double, 32>(random_));
  schedule_dial(node, delay + dial_patience(options_.node, node));
  settle();
}

void membership_state::link_changed(const link_report& change) {
  auto i = peers_.find(change.node);
  if (i == peers_.end() || i->second.session != change.session)
    return;
  if (!change.up) {
    session_ended(change.node, change.reason);
    return;
  }
  auto& x = i->second;
  x.up = true;
  x.since = options_.clock();
  x.failures = 0;
  x.problem.clear();
  log_line(severity::info, "membership", "a node is up",
           {{"peer", change.node}, {"address", x.theirs.address}, {"version", x.theirs.version}});
  report(x);
  tell_news(change.node);
  settle();
}

void membership_state::measured(const link_stats& x) {
  if (auto i = peers_.find(x.node); i != peers_.end())
    i->second.stats = x;
}

// -- who wants to know ---------------------------------------------------------

peer_report membership_state::report_of(const peer& x) const {
  peer_report result;
  result.node = x.theirs.node;
  result.address = x.theirs.address;
  result.member = x.theirs.member;
  result.instance = x.theirs.instance;
  result.cluster = x.theirs.cluster;
  result.protocol = x.theirs.protocol;
  result.up = x.up;
  if (x.up)
    result.handles = x.theirs.handles;
  result.link = caf::actor_cast<caf::strong_actor_ptr>(x.link);
  return result;
}

void membership_state::report(const peer& x) {
  for (const auto& subscriber : subscribers_)
    self_->send(subscriber, report_of(x));
}

void membership_state::subscribe(const caf::strong_actor_ptr& listener) {
  subscribers_.push_back(caf::actor_cast<peer_listener>(listener));
  for (const auto& [node, x] : peers_)
    if (x.up)
      self_->send(subscribers_.back(), report_of(x));
}

void membership_state::change_components(local_components x) {
  components_ = std::move(x);
  ++revision_;
  for (const auto& [node, peer] : peers_) {
    self_->send(peer.link, local_replicas{components_.replicas});
    tell_news(node);
  }
}

peers_reply membership_state::status() const {
  peers_reply result{options_.node, options_.address, identity_.member, options_.instance, options_.version,
                     identity_.cluster, identity_.partitions, waiting_for_, {}};
  for (const auto& [node, x] : peers_) {
    peer_status y;
    y.node = node;
    y.address = x.address.empty() ? x.theirs.address : x.address;
    y.member = x.theirs.member;
    y.instance = x.theirs.instance;
    y.up = x.up;
    y.since = x.since;
    y.version = x.theirs.version;
    y.protocol = x.theirs.node.empty() ? 0 : x.theirs.protocol;
    y.format = x.theirs.node.empty() ? 0 : x.theirs.format;
    y.round_trip = x.stats.round_trip;
    y.clock_offset = x.stats.clock_offset;
    y.bytes_sent = x.stats.bytes_sent;
    y.bytes_received = x.stats.bytes_received;
    y.dropped = x.stats.dropped;
    y.problem = x.problem;
    result.peers.push_back(std::move(y));
  }
  return result;
}

membership_actor::behavior_type membership(membership_state::pointer self, membership_options options,
                                           connector_actor connector, identity_keeper_actor keeper,
                                           identity_listener listener) {
  auto& state = self->state;
  state.set_up(self, std::move(options), std::move(connector), std::move(keeper), std::move(listener));
  state.start();
  return {
    [=](hello& x) { return self->state.greeted(x); },
    [=](caf::update_atom, hello& x) { return self->state.news(x); },
    [=](const peers_request&) { return self->state.status(); },
    [=](caf::subscribe_atom, const caf::strong_actor_ptr& listener) { self->state.subscribe(listener); },
    [=](local_components& x) { self->state.change_components(std::move(x)); },
    [=](const node_roster& x) { self->state.change_roster(x); },
    [=](const link_report& x) { self->state.link_changed(x); },
    [=](const link_stats& x) { self->state.measured(x); },
    [=](caf::tick_atom) { self->state.settle(); },
    [=](caf::connect_atom, const std::string& node, uint64_t number) { self->state.dial(node, number); },
  };
}

} // namespace overwatch
