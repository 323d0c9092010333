#include "tests/simulation/played_connector.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>

namespace overwatch::simulation {

namespace {

constexpr milliseconds probe_limit{1'500};

struct connector_state {
  struct dial {
    std::string node;
    caf::typed_response_promise<dial_reply> promise;
  };
  std::map<uint64_t, dial> dials;
  uint64_t newest = 0;
  static inline const char* name = "played_connector";
};

using connector_pointer = caf::stateful_actor<connector_state>*;

caf::behavior connector(connector_pointer self, wire* net, chance* random, host_id from) {
  return {
    [=](const dial_request& x) -> caf::result<dial_reply> {
      auto node = x.address.substr(0, x.address.find(':'));
      const auto* here = net->living(from);
      if (!here)
        return make_error(ec::unavailable, "this host is dead");
      auto is_cut = net->is_cut(here->node(), node) || net->is_cut(node, here->node());
      auto wait = is_cut ? probe_limit : random->between(milliseconds{1}, milliseconds{20});
      auto promise = self->make_response_promise<dial_reply>();
      self->state.dials[++self->state.newest] = {node, promise};
      self->delayed_send(self, wait, caf::tick_atom::value, self->state.newest);
      return promise;
    },
    [=](caf::tick_atom, uint64_t number) {
      auto x = std::move(self->state.dials.at(number));
      self->state.dials.erase(number);
      auto* there = net->living(x.node);
      auto* here = net->living(from);
      if (there && here && there->front && net->connect(from, there->id()))
        x.promise.deliver(dial_reply{here->handle_of(*there, there->front)});
      else
        x.promise.deliver(make_error(ec::unavailable, "nobody answers"));
    },
  };
}

} // namespace

connector_actor play_connector(caf::actor_system& system, wire& net, chance& random, host_id from) {
  return caf::actor_cast<connector_actor>(system.spawn(connector, &net, &random, from));
}

} // namespace overwatch::simulation
