#pragma once

#include "tests/http/fake_gateway.hpp"
#include "http/server.hpp"
#include "tests/http/raw_client.hpp"

#include <boost/json.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace overwatch {

struct test_config : caf::actor_system_config {
  test_config() { add_messages(*this); }
};

/// A real server on a free port before a gateway in memory.
class server_fixture : public testing::Test {
protected:
  server_fixture() : node{std::make_shared<fake_node>()}, gateway{spawn_fake_gateway(system, node)} {
    options.port = 0;
    options.threads = 16;
    options.max_long_requests = 4;
    options.version = "1.2.3";
    options.restart_settings = {{"http.port", "8765"}};
  }

  ~server_fixture() override {
    server.reset();
    caf::anon_send_exit(gateway, caf::exit_reason::kill);
  }

  void start() {
    auto started = http_server::start(system, gateway, options);
    ASSERT_TRUE(started) << system.render(started.error());
    server = std::move(*started);
  }

  http_reply call(const std::string& method, const std::string& target, const std::string& body = {},
                  const std::string& headers = {}) {
    return fetch(server->port(), method, "/api/overwatch" + target, body, headers);
  }

  boost::json::value json_of(const http_reply& reply) {
    boost::json::error_code error;
    auto value = boost::json::parse(reply.body, error);
    EXPECT_FALSE(error) << reply.body;
    return value;
  }

  /// The code of an error, after checking its shape.
  std::string error_code(const http_reply& reply) {
    auto value = json_of(reply);
    const auto* object = value.if_object();
    if (object == nullptr || !object->contains("error") || !object->contains("detail"))
      return "wrong shape: " + reply.body;
    const auto& error = object->at("error").as_object();
    EXPECT_FALSE(error.at("message").as_string().empty());
    EXPECT_TRUE(error.at("errors").is_array());
    EXPECT_EQ(object->at("detail").is_array(), reply.status == 422);
    EXPECT_EQ(reply.headers.at("content-type"), "application/json");
    return std::string{error.at("code").as_string().c_str()};
  }

  /// The field of the first error.
  std::string error_field(const http_reply& reply) {
    auto value = json_of(reply);
    return std::string{value.at("error").at("errors").at(0).at("field").as_string().c_str()};
  }

  std::string create(const std::string& task = R"({"name":"n"})") {
    auto reply = call("POST", "/tasks", task);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return std::string{json_of(reply).at("id").as_string().c_str()};
  }

  template <class Function>
  static bool wait_until(Function f) {
    auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!f()) {
      if (std::chrono::steady_clock::now() > limit)
        return false;
      std::this_thread::yield();
    }
    return true;
  }

  test_config config;
  caf::actor_system system{config};
  std::shared_ptr<fake_node> node;
  fake_gateway_actor gateway;
  http_options options;
  std::unique_ptr<http_server> server;
};

} // namespace overwatch
