#include "actors/generator.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

namespace overwatch {

namespace {

using generator_pointer = generator_actor::stateful_pointer<generator_state>;

constexpr auto submit_timeout = std::chrono::seconds{30};

submission periodic(std::string name, std::string task_type, priority importance, timestamp at) {
  auto spec = std::make_shared<task_spec>();
  spec->name = std::move(name);
  spec->task_type = std::move(task_type);
  spec->importance = importance;
  spec->scheduled_at = at;
  spec->origin = {origin_kind::rule, "periodic"};
  spec->unique_key = "periodic:" + spec->task_type;
  return {std::move(spec), std::make_shared<const std::string>("{}")};
}

submit_request due_now(generator_pointer self) {
  const auto& state = self->state;
  auto time = state.options.clock();
  auto uptime = std::chrono::duration_cast<std::chrono::seconds>(time - state.started);
  return {periodic_tasks(time, uptime)};
}

void arm(generator_pointer self) {
  auto& state = self->state;
  ++state.generation;
  if (state.options.interval.count() > 0)
    self->delayed_send(self, state.options.interval, caf::tick_atom::value, state.generation);
}

// The durable setting may differ from the configured interval: it counts.
void look_and_submit(generator_pointer self) {
  auto& state = self->state;
  self->request(state.gateway, submit_timeout, settings_request{})
    .then(
      [=](const settings_reply& now) {
        auto& state = self->state;
        if (auto i = now.values.find("generation_interval"); i != now.values.end())
          state.options.interval = std::chrono::seconds{std::stoll(i->second)};
        if (state.options.interval.count() > 0)
          self->request(state.gateway, submit_timeout, due_now(self))
            .then([](const submit_reply&) {}, [](const caf::error&) {}); // what is refused is tried again next time
        arm(self);
      },
      [=](const caf::error&) { arm(self); });
}

} // namespace

std::vector<submission> periodic_tasks(timestamp time, std::chrono::seconds uptime) {
  using std::chrono::minutes;
  std::vector<submission> result{
    periodic("System Health Check", "system_health", priority::normal, time + minutes{5}),
    periodic("Performance Monitor", "performance_check", priority::low, time + minutes{15})};
  if (uptime > std::chrono::hours{24})
    result.push_back(periodic("System Maintenance", "maintenance", priority::high, time + std::chrono::hours{1}));
  return result;
}

generator_actor::behavior_type generator(generator_pointer self, generator_options options, gateway_actor gateway) {
  auto& state = self->state;
  state.options = std::move(options);
  state.gateway = std::move(gateway);
  state.started = state.options.clock();
  arm(self);
  return {
    [=](const generate_request&) -> caf::result<submit_reply> {
      auto promise = self->make_response_promise<submit_reply>();
      self->request(self->state.gateway, submit_timeout, due_now(self))
        .then([promise](submit_reply& reply) mutable { promise.deliver(std::move(reply)); },
              [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
      return promise;
    },
    [=](caf::tick_atom, uint64_t generation) {
      if (generation == self->state.generation) // else the interval was changed since
        look_and_submit(self);
    },
    [=](caf::update_atom, uint32_t seconds) {
      self->state.options.interval = std::chrono::seconds{seconds};
      arm(self);
    },
  };
}

} // namespace overwatch
