#include "runtime/gateway_services.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <gtest/gtest.h>

namespace overwatch {

namespace {

// Answers what handlers may ask, and remembers the last task.
caf::behavior played_gateway(caf::event_based_actor*, std::shared_ptr<task_spec> last) {
  return {
    [=](const submit_request& x) {
      *last = *x.tasks.at(0).spec;
      submit_reply reply;
      reply.receipts.resize(1);
      if (last->name.empty())
        reply.receipts[0].error = {ec::invalid, "/name", "is missing"};
      else
        reply.receipts[0].id = {1, 2};
      return reply;
    },
    [=](const get_key_request& x) -> caf::result<key_record> {
      if (x.key == "none")
        return make_error(ec::not_found, "there is no none");
      return key_record{x.key, "value", 7, {}};
    },
    [=](const put_key_request& x) -> caf::result<key_record> {
      if (x.expected && *x.expected != 7)
        return make_error(ec::conflict, "another version");
      return key_record{x.key, x.value, 8, {}};
    },
    [=](const remove_key_request& x) { return key_record{x.key, "value", 7, {}}; },
    [=](const cluster_request& x) {
      cluster_status reply;
      reply.partitions.resize(x.confirmed ? 1 : 3);
      for (partition_id i = 0; i < reply.partitions.size(); ++i)
        reply.partitions[i].partition = x.confirmed.value_or(i);
      if (x.confirmed)
        reply.partitions[0].committed = 10 + uint64_t{*x.confirmed};
      return reply;
    },
  };
}

struct config : caf::actor_system_config {
  config() { add_messages(*this); }
};

class GatewayServicesTest : public ::testing::Test {
protected:
  config config_;
  caf::actor_system system_{config_};
  std::shared_ptr<task_spec> last_ = std::make_shared<task_spec>();
  std::shared_ptr<node_services> services_ = make_gateway_services(
    system_, caf::actor_cast<gateway_actor>(system_.spawn(played_gateway, last_)), milliseconds{5000});

  void TearDown() override { services_.reset(); }

  attempt_context context() {
    auto spec = std::make_shared<task_spec>();
    spec->id = {3, 4};
    return {spec, std::make_shared<const std::string>("{}"), {1, 1}, std::make_shared<cancellation>(),
            std::make_shared<attempt_report>(), {}, services_};
  }
};

TEST_F(GatewayServicesTest, TaskOfATaskNamesItsOrigin) {
  auto from = context();
  task_spec spec;
  spec.name = "child";
  auto receipt = from.node().submit(from, spec, "{}");
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->id, (task_id{1, 2}));
  EXPECT_EQ(last_->origin.kind, origin_kind::task);
  EXPECT_EQ(last_->origin.id, to_string(task_id{3, 4}));
}

TEST_F(GatewayServicesTest, RefusedTaskIsAnError) {
  auto from = context();
  auto receipt = from.node().submit(from, {}, "{}");
  ASSERT_FALSE(receipt);
  EXPECT_EQ(describe(receipt.error()).field, "/name");
}

TEST_F(GatewayServicesTest, KeysAreReadAndWritten) {
  EXPECT_EQ(services_->get_key("a")->value, "value");
  EXPECT_EQ(services_->put_key("a", "b", 7)->version, 8u);
  EXPECT_EQ(describe(services_->put_key("a", "b", 6).error()).code, ec::conflict);
  EXPECT_EQ(services_->remove_key("a")->key, "a");
  EXPECT_EQ(describe(services_->get_key("none").error()).code, ec::not_found);
}

TEST_F(GatewayServicesTest, LeadersOfAllPartitionsSayWhatWasAcknowledged) {
  auto positions = services_->acknowledged();
  ASSERT_TRUE(positions);
  EXPECT_EQ(*positions, (std::vector<uint64_t>{10, 11, 12}));
}

TEST_F(GatewayServicesTest, AttemptWithoutANodeSaysSo) {
  services_.reset();
  EXPECT_THROW(context().node(), std::logic_error);
}

} // namespace

} // namespace overwatch
