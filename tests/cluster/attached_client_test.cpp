// The client library of `messages/client` against a node in a process of its own.

#include "tests/cluster/node_fixture.hpp"

#include "messages/client/client.hpp"
#include "tests/support/process/eventually.hpp"
#include "tests/support/process/reserved_port.hpp"

#include <atomic>
#include <set>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

constexpr auto patience = 60s;

class AttachedClientTest : public node_fixture {
protected:
  void SetUp() override {
    options_.caf = true;
    start();
    program = std::make_unique<client>(client_options{{address()}, "test", 30s, {}, {}, {}});
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(node_->caf_port()); }

  static task_spec task(std::string type, std::string name = "n") {
    task_spec x;
    x.task_type = std::move(type);
    x.name = std::move(name);
    return x;
  }

  std::unique_ptr<client> program;
};

TEST_F(AttachedClientTest, ServedTasksHaveResultProgressAndLog) {
  program->serve("double", 2, [](remote_attempt& x) {
    x.progress(50, "half");
    x.log(log_level::warning, "seen " + x.payload(), R"({"a":1})");
    return "{\"text\":" + x.payload() + "}";
  });
  auto receipt = program->submit(task("double"), R"({"n":1})");
  EXPECT_FALSE(receipt.existing);
  auto ended = program->wait(receipt.id, patience);
  EXPECT_EQ(ended.state.status, task_status::completed);
  EXPECT_EQ(ended.result, R"({"text":{"n":1}})");
  EXPECT_EQ(client_->log_of(to_string(receipt.id)), "seen {\"n\":1}\n");
  auto workers = client_->object("/workers").at("workers").as_array();
  ASSERT_EQ(workers.size(), 1u);
  EXPECT_EQ(text_at(workers[0].as_object(), "name"), "test");
  EXPECT_EQ(workers[0].at("completed").to_number<int>(), 1);
}

TEST_F(AttachedClientTest, FailuresAreRetriedUnlessTheySayNo) {
  std::atomic<int> calls{0};
  program->serve("fails", 1, [&](remote_attempt& x) -> std::string {
    ++calls;
    if (x.payload() == R"({"for":"good"})")
      throw attempt_failed{"never", false};
    throw std::runtime_error{"oh"};
  });
  auto spec = task("fails");
  spec.retry.max_attempts = 2;
  spec.retry.base = 10ms;
  auto twice = program->wait(program->submit(spec).id, patience);
  EXPECT_EQ(twice.state.status, task_status::failed);
  EXPECT_EQ(twice.state.error.message, "the handler threw: oh");
  EXPECT_EQ(calls, 2);
  auto once = program->wait(program->submit(spec, R"({"for":"good"})").id, patience);
  EXPECT_EQ(once.state.error.message, "never");
  EXPECT_EQ(calls, 3);
}

TEST_F(AttachedClientTest, CancelReachesTheHandler) {
  program->serve("slow", 1, [](remote_attempt& x) -> std::string {
    if (x.wait_for(patience))
      throw attempt_failed{"stopped: " + std::string{name_of(*x.reason())}};
    return {};
  });
  auto id = program->submit(task("slow")).id;
  client_->reaches(to_string(id), "running");
  program->cancel(id, "enough");
  EXPECT_EQ(program->wait(id, patience).state.status, task_status::cancelled);
}

TEST_F(AttachedClientTest, WatchHearsWhatHappensInOrder) {
  std::mutex mutex;
  std::vector<event_kind> heard;
  auto watching = program->watch({}, [&](const event& x) {
    std::lock_guard lock{mutex};
    heard.push_back(x.kind);
  });
  auto id = program->submit(task("noop")).id;
  EXPECT_EQ(program->wait(id, patience).state.status, task_status::completed);
  EXPECT_TRUE(support::eventually([&] {
    std::lock_guard lock{mutex};
    return !heard.empty() && heard.back() == event_kind::task_completed;
  }));
  watching.end();
  EXPECT_EQ(heard.front(), event_kind::task_created);
}

TEST_F(AttachedClientTest, KeysChangeOnCondition) {
  auto first = program->put_key("app/mode", "blue");
  EXPECT_EQ(program->get_key("app/mode").value, "blue");
  EXPECT_EQ(program->put_key("app/mode", "green", first.version).value, "green");
  try {
    program->put_key("app/mode", "red", first.version);
    ADD_FAILURE() << "a change of an older version";
  } catch (const client_error& error) {
    EXPECT_EQ(error.reason().code, ec::conflict);
  }
  program->remove_key("app/mode");
  EXPECT_THROW(program->get_key("app/mode"), client_error);
}

TEST_F(AttachedClientTest, RefusalsNameTheField) {
  try {
    program->submit(task("nobody_knows_it"));
    ADD_FAILURE();
  } catch (const client_error& error) {
    EXPECT_EQ(error.reason().code, ec::unknown_type);
  }
  EXPECT_THROW(program->serve("No Type", 1, [](remote_attempt&) { return std::string{}; }), client_error);
  EXPECT_THROW(client{client_options{}}, client_error);
}

TEST_F(AttachedClientTest, AnyOfSeveralAddressesWillDo) {
  support::reserved_port unused;
  auto nobody = "127.0.0.1:" + unused.text();
  client second{client_options{{nobody, address()}, "second", 30s, {}, {}, {}}};
  EXPECT_EQ(second.wait(second.submit(task("noop")).id, patience).state.status, task_status::completed);
}

TEST_F(AttachedClientTest, CallsFailInTimeWhenNoNodeAnswers) {
  support::reserved_port unused;
  auto nobody = "127.0.0.1:" + unused.text();
  client lonely{client_options{{nobody}, "lonely", 300ms, {}, {}, {}}};
  try {
    lonely.get(task_id{1, 1});
    ADD_FAILURE();
  } catch (const client_error& error) {
    EXPECT_EQ(error.reason().code, ec::timed_out);
  }
}

TEST_F(AttachedClientTest, LeavesOnlyWhenEverythingHasEnded) {
  std::atomic<bool> ended{false};
  program->serve("steady", 1, [&](remote_attempt& x) -> std::string {
    EXPECT_FALSE(x.wait_for(500ms));
    ended = true;
    return "{}";
  });
  auto id = program->submit(task("steady")).id;
  client_->reaches(to_string(id), "running");
  EXPECT_TRUE(program->leave(patience));
  EXPECT_TRUE(ended);
  EXPECT_EQ(program->get(id).state.status, task_status::completed);
}

// The node is killed twice while tasks are submitted and executed: each task ends once, with its own result.
TEST_F(AttachedClientTest, NothingIsLostWhenTheNodeIsKilled) {
  constexpr size_t count = 300;
  std::atomic<size_t> calls{0};
  program->serve("echo", 4, [&](remote_attempt& x) {
    ++calls;
    x.wait_for(5ms);
    return x.payload();
  });
  std::mutex mutex;
  std::map<task_id, int> completed;
  auto watching = program->watch({}, [&](const event& x) {
    std::lock_guard lock{mutex};
    if (x.kind == event_kind::task_completed)
      ++completed[x.spec->id];
  });
  std::vector<std::future<submit_reply>> replies;
  for (size_t i = 0; i < count; ++i) {
    auto spec = std::make_shared<task_spec>(task("echo"));
    replies.push_back(program->submit_all({{spec, std::make_shared<const std::string>("{\"n\":" + std::to_string(i) + "}")}}));
    if (i == count / 3 || i == 2 * count / 3) {
      ASSERT_TRUE(support::eventually([&] { return calls > i / 4; }));
      node_->kill();
      start();
    }
  }
  std::set<task_id> ids;
  for (size_t i = 0; i < count; ++i) {
    auto reply = replies[i].get();
    ASSERT_EQ(reply.receipts.size(), 1u);
    const auto& receipt = reply.receipts.front();
    ASSERT_FALSE(receipt.error) << receipt.error.message;
    EXPECT_TRUE(ids.insert(receipt.id).second);
    auto ended = program->wait(receipt.id, patience);
    EXPECT_EQ(ended.state.status, task_status::completed) << ended.state.error.message;
    EXPECT_EQ(ended.result, "{\"n\":" + std::to_string(i) + "}");
  }
  EXPECT_EQ(client_->object("/stats").at("total_completed").to_number<size_t>(), count);
  watching.end();
  for (const auto& [id, times] : completed)
    EXPECT_EQ(times, 1) << to_string(id);
}

} // namespace

} // namespace overwatch
