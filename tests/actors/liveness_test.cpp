#include "tests/actors/played_partition.hpp"
#include "tests/actors/random_commands.hpp"
#include "tests/actors/reference_model.hpp"

#include "actors/wait_reason.hpp"

#include <gtest/gtest.h>

#include <algorithm>

/// Nothing is stuck: after any commands, a scheduler that only follows what the entries say gets every task to its end.
namespace overwatch::test {

namespace {

using namespace std::chrono_literals;

// Lets parked tasks try again as `scheduler` and `parked_tasks` do, in the simplest way.
class played_waker {
public:
  static constexpr uint32_t all = UINT32_MAX;

  void react(const applied_entry& entry) {
    for (const auto& x : entry.changes)
      if (x.kind <= change_kind::retrying || x.kind == change_kind::parked)
        if (!x.state.waits_for.empty() && x.state.waits_for != wait_reason::parents)
          wanted_[x.state.waits_for] = 0; // the reason holds
    for (const auto& x : entry.rate_waits)
      rates_[x.reason] = x;
    for (const auto& reason : entry.freed)
      release(reason);
  }

  void release(const std::string& reason) {
    auto together = wait_reason::is(reason, wait_reason::gate) || wait_reason::is(reason, wait_reason::snapshot);
    wanted_[reason] = together ? all : wanted_[reason] + (wanted_[reason] < all ? 1 : 0);
  }

  // Who is let go now: the first ones of those that wait.
  std::vector<task_id> take(const partition_state& state, timestamp time) {
    std::map<std::string, std::vector<std::pair<uint64_t, task_id>>> parked;
    for (uint64_t n = 1; n <= random_commands::last_task; ++n)
      if (auto x = state.find(id_of(n)))
        parked[x->state.waits_for].emplace_back(parked_rank(x->spec, x->state), x->spec.id);
    for (auto& [reason, wait] : rates_)
      for (; parked.count(reason) && wait.next <= time; wait.next += rate_bucket::interval(wait.rate))
        wanted_[reason] += wanted_[reason] < all ? 1 : 0;
    std::vector<task_id> result;
    for (auto& [reason, wanted] : wanted_) {
      auto& tasks = parked[reason];
      std::sort(tasks.begin(), tasks.end());
      auto count = std::min<size_t>(wanted, tasks.size());
      for (size_t i = 0; i < count; ++i)
        result.push_back(tasks[i].second);
      wanted = count == tasks.size() || wanted == all ? 0 : wanted - static_cast<uint32_t>(count);
    }
    return result;
  }

private:
  std::map<std::string, uint32_t> wanted_;
  std::map<std::string, rate_wait> rates_;
};

// What a scheduler with slots for all proposes next; empty when there is nothing to do but to wait.
std::vector<command> next_commands(const played_partition& real, played_waker& waker) {
  std::vector<command> result;
  for (const auto& id : waker.take(*real.state, real.time))
    result.push_back(promote_command{id});
  for (uint64_t n = 1; n <= random_commands::last_task; ++n) {
    auto x = real.state->find(id_of(n));
    if (!x)
      continue;
    const auto& state = x->state;
    if (state.due && *state.due <= real.time)
      result.push_back(promote_command{id_of(n)});
    if (state.status == task_status::queued && state.waits_for.empty())
      result.push_back(start_command{id_of(n), "here", "noop"});
    if (state.status == task_status::running)
      result.push_back(real.outcome(n));
    else if (state.rollback == rollback_status::running)
      result.push_back(rollback_command{id_of(n), rollback_status::done, {}});
  }
  return result;
}

} // namespace

TEST(LivenessTest, EveryTaskGetsToItsEnd) {
  for (unsigned seed = 1; seed <= 800; ++seed) {
    random_commands random{seed};
    reference_model model;
    played_partition real;
    played_waker waker;
    for (int step = 0; step < 120; ++step) {
      real.time += std::chrono::milliseconds{random.below(1500)};
      auto x = random.next(model, real.time);
      model.apply(x, real.time);
      waker.react(real.apply({x}));
      if (random.once_in(12))
        real.flush();
    }
    if (random.once_in(2)) { // the next leader knows only what the state says
      real.crash();
      waker = {};
      for (const auto& reason : real.state->free_reasons())
        waker.release(reason);
    }
    for (const auto* name : {"g1", "g2", "g3"})
      waker.react(real.apply({gate(name, true)}));
    auto unfinished = [&] {
      std::string text;
      for (uint64_t n = 1; n <= random_commands::last_task; ++n)
        if (auto x = real.state->find(id_of(n)); x && !is_terminal(x->state.status))
          text += " task " + std::to_string(n) + " is " + std::string{name_of(x->state.status)} + ", waits for '" +
                  x->state.waits_for + "';";
      return text;
    };
    for (int round = 0; round < 200 && !unfinished().empty(); ++round) {
      auto commands = next_commands(real, waker);
      real.time += commands.empty() ? 1s : 1ms;
      std::shuffle(commands.begin(), commands.end(), std::mt19937{seed + static_cast<unsigned>(round)});
      for (const auto& x : commands)
        waker.react(real.apply({x}));
    }
    ASSERT_EQ(unfinished(), "") << "seed " << seed;
  }
}

} // namespace overwatch::test
