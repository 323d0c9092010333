#include "tests/actors/played_partition.hpp"
#include "tests/actors/random_commands.hpp"
#include "tests/actors/reference_model.hpp"

#include "actors/wait_reason.hpp"

#include <gtest/gtest.h>

#include <algorithm>

/// Random commands of every kind: `apply` does what the simple model does, keeps its promises, and gives the same state
/// from memory, from the store and from the log.
namespace overwatch::test {

namespace {

using namespace std::chrono_literals;

// What differs between a task and the model's; empty when nothing does.
std::string difference(const task_record& real, const reference_model::task& x) {
  const auto& state = real.state;
  auto text = [](auto name, auto a, auto b) {
    return std::string{name} + " is " + std::to_string(static_cast<int64_t>(a)) + ", not " +
           std::to_string(static_cast<int64_t>(b));
  };
  if (state.status != x.status)
    return "status is " + std::string{name_of(state.status)} + ", not " + std::string{name_of(x.status)};
  if (state.waits_for != x.waits_for)
    return "waits for '" + state.waits_for + "', not '" + x.waits_for + "'";
  if (state.order != x.place && !is_terminal(state.status) && state.status != task_status::running)
    return text("place", state.order, x.place);
  if (state.fence != x.fence)
    return text("attempt", state.fence.attempt, x.fence.attempt);
  if (state.due != x.due)
    return "is due at another time";
  if (state.parents_left != x.parents.size() && !is_terminal(state.status))
    return text("unfinished parents", state.parents_left, x.parents.size());
  if (state.failures != x.failures || state.lost_in_a_row != x.lost_in_a_row)
    return text("failures", state.failures, x.failures);
  if (state.cancel_requested != x.cancel_requested)
    return text("wish to cancel", state.cancel_requested, x.cancel_requested);
  if (state.error.kind != x.error)
    return text("error", state.error.kind, x.error);
  if (state.rollback != x.rollback)
    return text("rollback", state.rollback, x.rollback);
  if (state.snapshot_until != x.undo_until)
    return "snapshot is kept until another time";
  if (real.result != x.result)
    return "result is " + real.result + ", not " + x.result;
  if (real.spec.importance != x.spec.importance || real.spec.tags != x.spec.tags ||
      real.spec.deadline != x.spec.deadline)
    return "spec differs";
  return {};
}

std::string difference(const partition_state& real, const reference_model& model) {
  for (uint64_t n = 1; n <= random_commands::last_task; ++n) {
    auto record = real.find(id_of(n));
    auto expected = model.tasks.find(id_of(n));
    auto whose = "task " + std::to_string(n) + ": ";
    if (record.has_value() != (expected != model.tasks.end()))
      return whose + (record ? "should not be there" : "is missing");
    if (!record)
      continue;
    const auto& x = expected->second;
    if (auto text = difference(*record, x); !text.empty())
      return whose + text;
    auto saved = real.find_saved(id_of(n));
    auto kept = !x.spec.snapshot.keys.empty() && (x.status == task_status::running || x.undo_until);
    if (saved.has_value() != kept)
      return whose + (kept ? "its keys are not kept" : "its keys are still kept");
    if (kept && saved->keys.size() != x.saved.size())
      return whose + "another number of keys is kept";
    for (size_t i = 0; kept && i < saved->keys.size(); ++i) {
      const auto& [key, value, version] = saved->keys[i];
      if (!x.saved.count(key) || x.saved.at(key) != std::pair{value, version})
        return whose + "key " + key + " is kept otherwise";
    }
  }
  size_t keys = 0;
  for (const auto& [key, row] : real.documents().all()) {
    if (key.first != document_kind::key)
      continue;
    ++keys;
    auto expected = model.keys.find(key.second);
    if (expected == model.keys.end() || *row.value != expected->second.value || row.version != expected->second.version)
      return "key " + key.second + " differs";
  }
  if (keys != model.keys.size())
    return "a key is missing";
  for (uint64_t i = 0; i < random_commands::workflows; ++i) {
    auto id = id_of(random_commands::workflows_at + i);
    auto record = real.find_workflow(id);
    auto expected = model.workflows.find(id);
    if (record.has_value() != (expected != model.workflows.end()))
      return "a workflow is missing or should not be there";
    if (!record)
      continue;
    const auto& x = expected->second;
    if (record->status != x.status || record->compensation != x.compensation || record->failed_task != x.failed_task)
      return "workflow is " + std::string{name_of(record->status)} + " and " +
             std::string{name_of(record->compensation)} + ", not " + std::string{name_of(x.status)} + " and " +
             std::string{name_of(x.compensation)};
    for (size_t member = 0; member < record->tasks.size(); ++member)
      if (record->tasks[member].status != x.tasks[member].status)
        return "a member of a workflow differs";
  }
  auto stats = real.stats();
  if (std::tie(stats.submitted, stats.completed, stats.failed, stats.cancelled, stats.attempts, stats.retries) !=
      std::tie(model.submitted, model.completed, model.failed, model.cancelled, model.attempts, model.retries))
    return "counters differ";
  uint64_t counted = 0;
  for (const auto& x : stats.counts)
    counted += x.count;
  return counted == model.tasks.size() ? std::string{} : "tasks are counted wrongly";
}

// What must hold whatever happens, said once more without the model.
std::string broken_promise(const partition_state& state) {
  std::map<std::string, uint32_t> running;
  std::vector<std::string> scopes;
  for (uint64_t n = 1; n <= random_commands::last_task; ++n) {
    auto x = state.find(id_of(n));
    auto undone = x && x->state.status == task_status::completed && x->state.rollback == rollback_status::running;
    if (!x || (x->state.status != task_status::running && !undone))
      continue;
    for (const auto& scope : scopes_of(x->spec.snapshot)) {
      for (const auto& other : scopes)
        if (scope.rfind(other, 0) == 0 || other.rfind(scope, 0) == 0)
          return "scopes " + scope + " and " + other + " are held together";
      scopes.push_back(scope);
    }
    if (undone)
      continue;
    const auto& names = x->spec.resources.exclusive;
    for (const auto& name : std::set<std::string>{names.begin(), names.end()})
      if (++running["exclusive " + name] > 1)
        return name + " is held twice";
    const auto& [key, limit] = x->spec.concurrency;
    if (!key.empty() && ++running["key " + key] > limit)
      return "too many run with the key " + key;
  }
  return {};
}

} // namespace

TEST(ReferenceModelTest, EveryEntryDoesWhatTheModelDoes) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    random_commands random{seed};
    reference_model model;
    played_partition real;
    for (int step = 0; step < 250; ++step) {
      real.time += std::chrono::milliseconds{random.below(1500)};
      std::vector<command> commands;
      std::vector<bool> expected;
      for (auto count = 1 + random.below(3); count > 0; --count) {
        commands.push_back(random.next(model, real.time));
        expected.push_back(model.apply(commands.back(), real.time));
      }
      auto entry = real.apply(commands);
      auto where = "seed " + std::to_string(seed) + ", step " + std::to_string(step) + ": ";
      for (size_t i = 0; i < expected.size(); ++i)
        ASSERT_EQ(!entry.results.at(i).error, expected[i])
          << where << "command " << commands[i].index() << " of kind " << i << ": " << entry.results[i].error.message;
      ASSERT_EQ(difference(*real.state, model), "") << where;
      ASSERT_EQ(broken_promise(*real.state), "") << where;
      if (random.once_in(12))
        real.flush();
      if (random.once_in(30)) {
        real.crash();
        ASSERT_EQ(difference(*real.state, model), "") << where << "after a crash";
      }
    }
  }
}

// From every state that was ever in the store, the log leads to the same state, whenever it was written and flushed.
TEST(ReferenceModelTest, StateIsTheSameFromEveryFlushAndReplay) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    random_commands random{seed};
    reference_model model;
    played_partition often; // flushed after every entry
    played_partition seldom;
    std::vector<command_batch> log;
    std::vector<std::pair<uint64_t, std::unique_ptr<memory_store>>> stores;
    stores.emplace_back(0, seldom.db.lose_unsynced(memory_store::survival::all));
    for (int step = 0; step < 100; ++step) {
      often.time += std::chrono::milliseconds{random.below(1500)};
      std::vector<command> commands;
      for (auto count = 1 + random.below(3); count > 0; --count) {
        commands.push_back(random.next(model, often.time));
        model.apply(commands.back(), often.time);
      }
      log.push_back({often.time, commands});
      command_batch decoded;
      ASSERT_TRUE(decode_batch(encode_batch(log.back()), decoded)) << "as it comes from the log";
      often.apply(commands);
      often.flush();
      seldom.time = often.time;
      seldom.apply(decoded.commands);
      if (random.once_in(8)) {
        seldom.flush();
        stores.emplace_back(log.size(), seldom.db.lose_unsynced(memory_store::survival::all));
      }
      auto& [first, store] = stores[random.below(static_cast<uint32_t>(stores.size()))];
      auto copy = store->lose_unsynced(memory_store::survival::all);
      partition_state replayed{*copy, 0};
      for (auto i = first; i < log.size(); ++i)
        replayed.apply(log[i], i + 1);
      auto where = "seed " + std::to_string(seed) + ", entry " + std::to_string(log.size()) + ", from " +
                   std::to_string(first) + ": ";
      ASSERT_EQ(difference(replayed, model), "") << where;
      auto sorted = [](auto x) {
        std::sort(x.begin(), x.end());
        return x;
      };
      ASSERT_EQ(sorted(replayed.parked_reasons()), sorted(often.state->parked_reasons())) << where;
      ASSERT_EQ(sorted(replayed.free_reasons()), sorted(seldom.state->free_reasons())) << where;
      ASSERT_EQ(replayed.settings(), often.state->settings()) << where;
      ASSERT_EQ(replayed.unfinished_workflows().size(), often.state->unfinished_workflows().size()) << where;
      write_batch rest;
      replayed.flushed(replayed.flush(rest));
      copy->write(rest, false);
      ASSERT_EQ(replayed.digest(), often.state->digest()) << where;
    }
  }
}

} // namespace overwatch::test
