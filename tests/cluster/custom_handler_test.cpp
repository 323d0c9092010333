// The example in examples/custom_handler does what its README says.

#include "tests/cluster/node_fixture.hpp"

namespace overwatch {

namespace {

namespace json = boost::json;

class CustomHandlerTest : public node_fixture {
protected:
  void SetUp() override {
    options_.binary = CUSTOM_HANDLER_BINARY;
    start();
  }

  json::object count(const json::object& payload) {
    auto task = typed_task("word_count");
    task["payload"] = payload;
    return client_->ended(client_->submit(task));
  }
};

TEST_F(CustomHandlerTest, CountsWords) {
  auto ended = count({{"text", "to be or not to be"}});
  EXPECT_EQ(text_at(ended, "status"), "completed");
  EXPECT_EQ(ended.at("result").at("words").to_number<int>(), 6);
  EXPECT_EQ(text_at(ended, "result", "longest"), "not");
  EXPECT_EQ(client_->log_of(text_at(ended, "id")), "6 words\n");
}

TEST_F(CustomHandlerTest, RefusesWhatIsNoText) {
  auto ended = count({{"text", 7}});
  EXPECT_EQ(text_at(ended, "status"), "failed");
  EXPECT_NE(text_at(ended, "error", "message").find("payload.text"), std::string::npos);
  expect_working();
}

} // namespace

} // namespace overwatch
