// An upgrade: three nodes are stopped and started again one after the other, while clients submit to all of them.

#include "tests/support/process/eventually.hpp"
#include "tests/support/process/node_group.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

namespace overwatch {

namespace {

namespace json = boost::json;
using support::eventually;
using support::text_at;

constexpr size_t enough = 50; // acknowledged submits between two steps

/// Clients of which each goes on to the next node when one does not take its task: it is stopping, or away.
class steady_load {
public:
  explicit steady_load(const support::node_group& nodes) : nodes_{nodes} {
    for (size_t i = 0; i < nodes.names().size(); ++i)
      threads_.emplace_back([this, i] { submit_from(i); });
  }
  ~steady_load() { end(); }

  void end() {
    ending_ = true;
    for (auto& x : threads_)
      x.join();
    threads_.clear();
  }

  std::vector<std::string> acknowledged() const {
    std::lock_guard guard{mutex_};
    return acknowledged_;
  }

  /// Submits that no node took.
  size_t refused() const { return refused_; }

private:
  void submit_from(size_t first) {
    const auto& names = nodes_.names();
    while (!ending_) {
      std::optional<std::string> id;
      for (size_t i = 0; i < names.size() && !id; ++i)
        id = nodes_.submit(names[(first + i) % names.size()]);
      if (!id) {
        ++refused_;
        continue;
      }
      std::lock_guard guard{mutex_};
      acknowledged_.push_back(*id);
    }
  }

  const support::node_group& nodes_;
  std::atomic<bool> ending_{false};
  std::atomic<size_t> refused_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> acknowledged_;
  std::vector<std::thread> threads_;
};

class RollingRestartTest : public ::testing::Test {
protected:
  RollingRestartTest() {
    support::group_options options;
    options.names = {"a", "b", "c"};
    options.cluster_config = "  partitions = 2\n";
    nodes_ = std::make_unique<support::node_group>(options);
    nodes_->start();
  }

  json::object task(const std::string& id) const {
    auto answer = nodes_->ask("a", "/tasks/" + id);
    return answer && answer->status == 200 ? json::parse(answer->body).as_object() : json::object{};
  }

  void TearDown() override {
    if (HasFailure())
      nodes_->print_logs();
  }

  std::unique_ptr<support::node_group> nodes_;
};

} // namespace

TEST_F(RollingRestartTest, ClientsLoseNothingAndAreNeverRefused) {
  ASSERT_TRUE(eventually([&] { return nodes_->is_whole(); }));
  steady_load load{*nodes_};
  auto more_work = [&] {
    auto before = load.acknowledged().size();
    return eventually([&] { return load.acknowledged().size() >= before + enough; });
  };
  for (const auto& name : nodes_->names()) {
    ASSERT_TRUE(more_work());
    nodes_->process(name).stop();
    ASSERT_TRUE(more_work()) << "without " << name;
    nodes_->process(name).start();
    ASSERT_TRUE(eventually([&] { return nodes_->is_whole(); })) << name;
  }
  load.end();
  auto acknowledged = load.acknowledged();
  EXPECT_EQ(load.refused(), 0U) << "of " << acknowledged.size();
  for (const auto& id : acknowledged)
    EXPECT_TRUE(eventually([&] { return text_at(task(id), "status") == "completed"; })) << id;
  auto stats = json::parse(nodes_->ask("b", "/stats")->body).as_object();
  EXPECT_GE(stats["total_completed"].to_number<size_t>(), acknowledged.size()) << json::serialize(stats);
}

} // namespace overwatch
