#pragma once

#include "tests/cluster/node_client.hpp"
#include "tests/support/process/node_process.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace overwatch {

/// A test that starts one node of its own, with the options that it wants. The end of the node's log is part of
/// a failure.
class node_fixture : public ::testing::Test {
protected:
  support::node_options options_ = default_options();
  std::unique_ptr<support::node_process> node_;
  std::unique_ptr<node_client> client_;

  static support::node_options default_options() {
    support::node_options result;
    result.binary = support::built_node_binary();
    return result;
  }

  void start() {
    if (!node_)
      node_ = std::make_unique<support::node_process>(options_);
    node_->start();
    client_ = std::make_unique<node_client>(node_->http_port());
  }

  /// The node still does its work: a task goes all the way.
  void expect_working() {
    EXPECT_TRUE(node_->running());
    EXPECT_EQ(text_at(client_->ended(client_->submit(typed_task("noop"))), "status"), "completed");
    EXPECT_EQ(text_at(client_->object("/health"), "status"), "healthy") << client_->get("/health").body;
  }

  void TearDown() override {
    if (HasFailure() && node_)
      std::cout << "the node's log ends with:\n" << node_->log_tail() << std::endl;
  }
};

} // namespace overwatch
