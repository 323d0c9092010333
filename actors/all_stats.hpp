#pragma once

#include "actors/merged_replies.hpp"
#include "actors/state_interfaces.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace overwatch {

/// Adds up the counters of these replicas, one of each partition; those that only follow may be a moment behind. `then`
/// gets nothing when one of them does not answer within `limit`.
template <class Self>
void ask_all_stats(Self* self, const std::vector<replica_actor>& replicas, milliseconds limit,
                   std::function<void(const std::optional<stats_reply>&)> then) {
  struct gathered {
    std::optional<stats_reply> all{stats_reply{}};
    size_t missing = 0;
  };
  auto answers = std::make_shared<gathered>();
  answers->missing = replicas.size();
  auto count_down = [answers, then = std::move(then)] {
    if (--answers->missing == 0)
      then(answers->all);
  };
  for (const auto& one : replicas)
    self->request(one, limit, stats_request{})
      .then(
        [answers, count_down](stats_reply& stats) {
          if (answers->all)
            add_stats(*answers->all, std::move(stats));
          count_down();
        },
        [answers, count_down](const caf::error&) {
          answers->all.reset();
          count_down();
        });
}

} // namespace overwatch
