#include "actors/worker.hpp"

#include <caf/event_based_actor.hpp>

#include <chrono>
#include <exception>

namespace overwatch {

outcome run_handler(const handler_function& run, const attempt_context& context) {
  outcome result;
  try {
    result = run(context);
  } catch (const std::exception& error) {
    result = outcome::failed(std::string{"the handler threw: "} + error.what());
  } catch (...) {
    result = outcome::failed("the handler threw something that is no std::exception");
  }
  if (result.result.size() > task_limits::result_bytes)
    return outcome::failed_for_good("the result has " + std::to_string(result.result.size()) + " bytes; at most "
                                    + std::to_string(task_limits::result_bytes)
                                    + " are kept: store it elsewhere and return where it is");
  if (result.message.size() > task_limits::message_bytes)
    result.message.resize(task_limits::message_bytes);
  return result;
}

worker_actor::behavior_type worker(worker_actor::stateful_pointer<worker_state> self, uint64_t number,
                                   handler_function run, pool_actor owner) {
  return {
    [=](const work& x) {
      attempts_done done;
      done.worker = number;
      for (const auto& context : x.attempts) {
        attempts_done::item item;
        item.id = context->task().id;
        item.fence = context->fence();
        item.started_at = now();
        auto begin = std::chrono::steady_clock::now();
        item.how = run_handler(run, *context);
        item.execution =
          std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
        done.items.push_back(std::move(item));
      }
      self->send(owner, std::move(done));
    },
    [](const stop_attempt&) {},
    [](const settled_batch&) {},
  };
}

} // namespace overwatch
