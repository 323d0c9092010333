#include "tests/simulation/played_worker.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

namespace overwatch::simulation {

namespace {

constexpr uint64_t longest_ms = 900;   ///< of most attempts
constexpr uint64_t very_long_ms = 12'000; ///< of the others: longer than a node may be out of sight
constexpr uint64_t one_is_long = 6;
constexpr uint64_t one_fails = 8;

// The same on every node, and in every run.
uint64_t fate_of(const task_id& id, const fencing_token& fence) {
  auto x = (id.low ^ id.high * 31) + fence.attempt * 0x9E3779B97F4A7C15ULL;
  x = (x ^ x >> 31) * 0xBF58476D1CE4E5B9ULL;
  return x ^ x >> 29;
}

struct played_worker_state {
  std::shared_ptr<const attempt_context> running;
  uint64_t turn = 0;
  static inline const char* name = "played_worker";
};

using worker_pointer = caf::stateful_actor<played_worker_state>*;

std::string result_of(const fencing_token& x) {
  return "{\"epoch\":" + std::to_string(x.epoch) + ",\"attempt\":" + std::to_string(x.attempt) + "}";
}

} // namespace

worker_actor play_worker(caf::actor_system& system, uint64_t number, pool_actor owner, const host& where,
                         task_checker& checker) {
  auto play = [&checker, number, owner, &where](worker_pointer self) -> caf::behavior {
    auto finish = [&checker, self, number, owner, &where](outcome how) {
      auto running = std::exchange(self->state.running, nullptr);
      const auto& id = running->task().id;
      checker.ended(where.id(), id, running->fence(), how.kind);
      attempts_done done{number, {{id, std::move(how), {}, std::chrono::microseconds{0}, running->fence()}}};
      self->send(owner, std::move(done));
    };
    return {
      [=, &checker, &where](const work& x) {
        if (!where.is_alive())
          return;
        if (x.attempts.size() != 1 || self->state.running) {
          checker.fail("a worker got more than one attempt");
          return;
        }
        self->state.running = x.attempts.front();
        const auto& attempt = *self->state.running;
        checker.began(where.id(), attempt.task(), attempt.fence());
        auto fate = fate_of(attempt.task().id, attempt.fence());
        auto longest = fate % one_is_long == 0 ? very_long_ms : longest_ms;
        self->delayed_send(self, milliseconds{1 + (fate >> 8) % longest}, caf::tick_atom::value, ++self->state.turn);
      },
      [=, &where](caf::tick_atom, uint64_t turn) {
        if (!where.is_alive() || !self->state.running || turn != self->state.turn)
          return;
        auto fence = self->state.running->fence();
        auto fails = (fate_of(self->state.running->task().id, fence) >> 32) % one_fails == 0;
        finish(fails ? outcome::failed("it failed") : outcome::completed(result_of(fence)));
      },
      [=, &where](const stop_attempt& x) {
        const auto& running = self->state.running;
        if (where.is_alive() && running && running->task().id == x.id && running->fence() == x.fence)
          finish(outcome::failed("it was told to stop"));
      },
      [](const settled_batch&) {},
    };
  };
  return caf::actor_cast<worker_actor>(system.spawn(play));
}

} // namespace overwatch::simulation
