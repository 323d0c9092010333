#include "tests/cluster/run_record.hpp"
#include "tests/support/process/eventually.hpp"
#include "tests/support/process/node_api.hpp"
#include "tests/support/process/node_process.hpp"
#include "tests/support/process/task_ledger.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <unordered_map>

namespace overwatch {

namespace {

using support::eventually;
using support::node_api;
using support::task_view;
using clock = std::chrono::steady_clock;

constexpr unsigned default_rounds = 20;
constexpr unsigned submitters = 3;
constexpr unsigned max_round_batches = 40;
constexpr unsigned batch_commands = 2; // of each batch; the rest does nothing, to put load on the log
constexpr unsigned batch_noops = 18;
constexpr std::chrono::microseconds max_extra_delay{20'000};
constexpr std::chrono::seconds progress_limit{60};

unsigned number_from_environment(const char* name, unsigned otherwise) {
  const auto* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

std::string command_task(const std::string& command, const std::string& priority = "normal") {
  return R"({"name":")" + command + R"(","task_type":"user_task","priority":")" + priority
         + R"(","payload":{"command":")" + command + "\"}}\n";
}

std::string mixed_batch() {
  std::string result;
  for (unsigned i = 0; i < batch_commands; ++i)
    result += command_task("record");
  for (unsigned i = 0; i < batch_noops; ++i)
    result += "{\"name\":\"nothing\",\"task_type\":\"noop\"}\n";
  return result;
}

/// Clients of one round: they submit and watch until the node is killed under them.
class round_load {
public:
  round_load(uint16_t port, const run_record& record) {
    for (unsigned i = 0; i < submitters; ++i)
      threads_.emplace_back([this, port] { guard([&] { submit(port); }); });
    threads_.emplace_back([this, port, &record] { guard([&] { watch(port, record); }); });
  }

  /// Returns once so many batches were acknowledged and `extra` has passed; false when that did not happen.
  bool wait_for(unsigned batches, std::chrono::microseconds extra) {
    std::unique_lock lock{mutex_};
    if (!progress_.wait_for(lock, progress_limit, [&] { return batches_ >= batches || !problem_.empty(); }))
      return false;
    progress_.wait_for(lock, extra, [&] { return !problem_.empty(); });
    return problem_.empty();
  }

  /// From now on lost connections are expected.
  void expect_end() { ending_ = true; }

  void join() {
    for (auto& x : threads_)
      x.join();
    threads_.clear();
  }

  ~round_load() { join(); }

  // To be read after `join`.
  const std::vector<task_id>& acknowledged() const { return acknowledged_; }
  const std::unordered_map<task_id, uint64_t>& seen_completed() const { return seen_completed_; }
  const std::string& problem() const { return problem_; }

private:
  template <class Function>
  void guard(Function function) {
    try {
      function();
    } catch (const support::http_error& error) {
      if (!ending_)
        report(error.what());
    } catch (const std::exception& error) {
      report(error.what());
    }
  }

  void report(const char* what) {
    std::lock_guard lock{mutex_};
    problem_ = what;
    progress_.notify_all();
  }

  void submit(uint16_t port) {
    node_api api{port};
    auto batch = mixed_batch();
    for (unsigned i = 0; i < max_round_batches && !ending_; ++i) {
      auto ids = api.submit_batch(batch);
      ids.push_back(api.submit(command_task("record")));
      std::lock_guard lock{mutex_};
      acknowledged_.insert(acknowledged_.end(), ids.begin(), ids.end());
      ++batches_;
      progress_.notify_all();
    }
  }

  void watch(uint16_t port, const run_record& record) {
    node_api api{port};
    while (!ending_) {
      std::vector<task_id> completed;
      api.for_each_task([&](const task_view& task) { return completed.push_back(task.id), completed.size() < 200; },
                        "&status=completed&task_type=user_task");
      auto size = record.size(); // after the answer: what is written from now on was written too late
      for (const auto& id : completed)
        seen_completed_.try_emplace(id, size);
    }
  }

  std::mutex mutex_;
  std::condition_variable progress_;
  unsigned batches_ = 0;
  std::string problem_;
  std::vector<task_id> acknowledged_;
  std::unordered_map<task_id, uint64_t> seen_completed_; // with the size of the record then
  std::atomic<bool> ending_{false};
  std::vector<std::thread> threads_;
};

class KillTest : public ::testing::Test {
protected:
  support::scratch_directory directory_;
  run_record record_{directory_.path() + "/runs"};
  support::node_process node_{options()};
  support::task_ledger ledger_;
  std::unordered_map<task_id, uint64_t> seen_completed_;
  std::vector<task_id> held_;

  support::node_options options() const {
    support::node_options result;
    result.binary = support::built_node_binary();
    result.max_concurrent_tasks = 64;
    result.slots = {{"noop", 32}, {"user_task", 16}};
    result.commands = {{"record", record_.recording_command()}, {"hold", record_.holding_command()}};
    return result;
  }

  /// One round: load, kill at a random moment, restart, and look for what was promised.
  void play_round(std::mt19937& random) {
    std::uniform_int_distribution<unsigned> any_batch{1, submitters * max_round_batches / 2};
    std::uniform_int_distribution<int64_t> any_delay{0, max_extra_delay.count()};
    held_.push_back(node_api{node_.http_port()}.submit(command_task("hold", "critical"))); // before all that is left
    ledger_.add(held_.back());
    round_load load{node_.http_port(), record_};
    auto held_runs = eventually([&] { return node_api{node_.http_port()}.task(held_.back()).status == "running"; });
    auto reached = load.wait_for(any_batch(random), std::chrono::microseconds{any_delay(random)});
    load.expect_end();
    node_.kill();
    load.join();
    ASSERT_TRUE(held_runs);
    ASSERT_TRUE(reached) << load.problem();
    ASSERT_EQ(load.problem(), "");
    node_.start();

    node_api api{node_.http_port()};
    support::task_ledger round;
    round.add(load.acknowledged());
    ledger_.add(load.acknowledged());
    EXPECT_EQ(round.missing(api).size(), 0u) << "of " << round.size() << " acknowledged tasks";
    for (const auto& [id, size] : load.seen_completed()) {
      seen_completed_.try_emplace(id, size);
      EXPECT_EQ(api.task(id).status, "completed") << to_string(id);
    }
  }

  void drain(node_api& api) {
    uint64_t before = 0;
    auto all_ended = [&] {
      auto now = api.counters();
      before = now.completed + now.failed + now.cancelled;
      return before == now.submitted;
    };
    for (uint64_t last = UINT64_MAX; !eventually(all_ended, progress_limit) && before != last;)
      last = before; // it goes on as long as there is progress
  }

  void check_runs(node_api& api) {
    std::set<std::pair<task_id, uint32_t>> starts;
    for (const auto& line : record_.lines()) {
      EXPECT_TRUE(starts.emplace(line.id, line.attempt).second)
        << to_string(line.id) << " started twice as attempt " << line.attempt;
      auto seen = seen_completed_.find(line.id);
      EXPECT_TRUE(seen == seen_completed_.end() || line.offset < seen->second)
        << to_string(line.id) << " ran again as attempt " << line.attempt << " after it was seen completed";
    }
    api.for_each_task(
      [&](const task_view& task) {
        EXPECT_EQ(starts.count({task.id, static_cast<uint32_t>(task.attempt)}), 1u)
          << to_string(task.id) << " is " << task.status << ", but its attempt " << task.attempt << " never ran";
        return true;
      },
      "&task_type=user_task");
  }
};

TEST_F(KillTest, AcknowledgedTasksSurviveAndFinishedOnesNeverRunAgain) {
  auto rounds = number_from_environment("OVERWATCH_KILL_ROUNDS", default_rounds);
  auto seed = number_from_environment("OVERWATCH_KILL_SEED", std::random_device{}());
  std::cout << "OVERWATCH_KILL_ROUNDS=" << rounds << " OVERWATCH_KILL_SEED=" << seed << std::endl;
  std::mt19937 random{seed};
  node_.start();
  for (unsigned i = 0; i < rounds && !HasFailure(); ++i) {
    SCOPED_TRACE("round " + std::to_string(i));
    play_round(random);
  }
  ASSERT_FALSE(HasFailure()) << node_.log_tail();

  node_api api{node_.http_port()};
  drain(api);
  auto counters = api.counters();
  auto census = support::take_census(api);
  EXPECT_EQ(ledger_.missing(api).size(), 0u) << "of " << ledger_.size() << " acknowledged tasks";
  EXPECT_EQ(census.listed, counters.submitted);
  EXPECT_EQ(census.completed, counters.submitted);
  EXPECT_EQ(counters.completed, census.completed) << "a task has more than one outcome, or none";
  EXPECT_EQ(counters.failed + counters.cancelled + census.ended_otherwise + census.unfinished, 0u);
  EXPECT_EQ(census.listed_twice, 0u);
  for (const auto& id : held_)
    EXPECT_GE(api.task(id).attempt, 2u) << to_string(id) << " was running when the node was killed";
  EXPECT_GE(counters.lost, held_.size());
  EXPECT_GT(seen_completed_.size(), 0u);
  check_runs(api);
  node_.stop();
  if (HasFailure())
    std::cout << node_.log_tail() << std::endl;
  else
    std::cout << ledger_.size() << " acknowledged, " << record_.lines().size() << " commands run, "
              << seen_completed_.size() << " seen completed, " << counters.lost << " attempts lost" << std::endl;
}

} // namespace

} // namespace overwatch
