#include "tests/simulation/slot_mistakes.hpp"

#include "messages/codec.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>

namespace overwatch::simulation {

namespace {

constexpr std::chrono::seconds patience{20};

void forget_newest_slot(propose_request& x) {
  auto* put = std::get_if<put_command>(&x.commands.back());
  schedule_record record;
  if (!put || !put->value || x.commands.size() < 2 || !decode(*put->value, record) || !record.handled)
    return;
  *record.handled -= record.definition.interval;
  put->value = encode(record);
}

} // namespace

scheduler_actor make_mistakes(caf::actor_system& system, const scheduler_actor& scheduler, mutation fault) {
  auto between = [scheduler, fault](caf::event_based_actor* self) -> caf::behavior {
    return {
      [=](const scheduler_status_request& x) { return self->delegate(scheduler, x); },
      [=](propose_request& x) -> caf::result<propose_reply> {
        if (fault == mutation::forget_slot)
          forget_newest_slot(x);
        if (fault != mutation::split_slots || x.commands.size() < 2)
          return self->delegate(scheduler, std::move(x));
        auto promise = self->make_response_promise<propose_reply>();
        propose_request put;
        put.commands.push_back(std::move(x.commands.back()));
        x.commands.pop_back();
        auto failed = [promise](caf::error& why) mutable { promise.deliver(std::move(why)); };
        self->request(scheduler, patience, std::move(put))
          .then(
            [=](propose_reply& stored) mutable {
              self->request(scheduler, patience, std::move(x))
                .then(
                  [promise, stored](propose_reply& made) mutable {
                    made.results.push_back(stored.results.front());
                    promise.deliver(std::move(made));
                  },
                  failed);
            },
            failed);
        return promise;
      },
    };
  };
  return caf::actor_cast<scheduler_actor>(system.spawn(between));
}

} // namespace overwatch::simulation
