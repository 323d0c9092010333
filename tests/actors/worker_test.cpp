#include "actors/worker.hpp"

#include "tests/support/deterministic_node.hpp"

namespace overwatch::test {

namespace {

std::shared_ptr<const attempt_context> context(uint64_t n) {
  auto spec = std::make_shared<task_spec>();
  spec->id = {n, 1};
  return std::make_shared<attempt_context>(spec, std::make_shared<const std::string>("{}"), fencing_token{1, 1},
                                           std::make_shared<cancellation>(), std::make_shared<attempt_report>());
}

outcome run(const handler_function& handler) { return run_handler(handler, *context(1)); }

} // namespace

class WorkerTest : public deterministic_node {};

TEST_F(WorkerTest, OutcomeOfTheHandlerIsPassedOn) {
  EXPECT_EQ(run([](const attempt_context&) { return outcome::completed("{\"a\":1}"); }).result, "{\"a\":1}");
  auto failed = run([](const attempt_context&) { return outcome::failed_for_good("no"); });
  EXPECT_EQ(failed.kind, violation::exception);
  EXPECT_FALSE(failed.retryable);
}

TEST_F(WorkerTest, ExceptionsBecomeViolations) {
  auto thrown = run([](const attempt_context&) -> outcome { throw std::runtime_error{"broken"}; });
  EXPECT_EQ(thrown.kind, violation::exception);
  EXPECT_TRUE(thrown.retryable);
  EXPECT_NE(thrown.message.find("broken"), std::string::npos);
  EXPECT_EQ(run([](const attempt_context&) -> outcome { throw 7; }).kind, violation::exception);
  EXPECT_EQ(run(nullptr).kind, violation::exception) << "a handler that is none";
}

TEST_F(WorkerTest, ResultHasABound) {
  auto size = task_limits::result_bytes;
  EXPECT_EQ(run([=](const attempt_context&) { return outcome::completed(std::string(size, 'x')); }).result.size(),
            size);
  auto large = run([=](const attempt_context&) { return outcome::completed(std::string(size + 1, 'x')); });
  EXPECT_EQ(large.kind, violation::exception);
  EXPECT_FALSE(large.retryable) << "the next one would be as large";
  EXPECT_TRUE(large.result.empty());
}

TEST_F(WorkerTest, MessageHasABound) {
  auto x = run([](const attempt_context&) { return outcome::failed(std::string(1'000'000, 'x')); });
  EXPECT_EQ(x.message.size(), task_limits::message_bytes);
}

TEST_F(WorkerTest, OneFailureInABatchLeavesTheOthersAlone) {
  auto owner = caf::actor_cast<pool_actor>(caf::actor_cast<caf::strong_actor_ptr>(self_));
  handler_function handler = [](const attempt_context& x) -> outcome {
    if (x.task().id.high == 2)
      throw std::runtime_error{"broken"};
    return outcome::completed();
  };
  auto handle = system_.spawn(worker, uint64_t{17}, handler, owner);
  spawned_.push_back(caf::actor_cast<caf::actor>(handle));
  caf::anon_send(handle, work{{context(1), context(2), context(3)}});
  settle();
  attempts_done done;
  self_->receive([&](attempts_done& x) { done = std::move(x); }, caf::after(std::chrono::seconds{0}) >> [] {});
  EXPECT_EQ(done.worker, 17u);
  ASSERT_EQ(done.items.size(), 3u);
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(done.items[i].id, (task_id{i + 1, 1}));
    EXPECT_EQ(done.items[i].how.kind, i == 1 ? violation::exception : violation::none);
    EXPECT_GE(done.items[i].execution.count(), 0);
  }
}

} // namespace overwatch::test
