#include "runtime/handlers/builtin.hpp"

#include "tests/handlers/attempt.hpp"

#include <gmock/gmock.h>

using namespace overwatch;

TEST(BuiltinTest, EveryNodeHasTheFour) {
  handler_registry registry;
  add_builtin_handlers(registry, {});
  std::vector<std::string> names;
  for (const auto& [name, entry] : registry.entries()) {
    names.push_back(name);
    EXPECT_FALSE(entry.options.description.empty()) << name;
    EXPECT_EQ(entry.options.blocking, name != "noop") << name;
  }
  EXPECT_THAT(names, testing::ElementsAre("noop", "performance_check", "system_health", "user_task"));
}

TEST(BuiltinTest, NoopReadsNothing) {
  handler_registry registry;
  add_builtin_handlers(registry, {});
  attempt attempt{"not even JSON"};
  auto result = registry.entries().at("noop").run(*attempt.context);
  EXPECT_EQ(result.kind, violation::none);
  EXPECT_EQ(result.result, "");
  EXPECT_TRUE(attempt.report->take().empty());
}

TEST(BuiltinTest, CommandsOutliveTheSettings) {
  handler_registry registry;
  {
    settings config;
    config.commands["greet"].argv = {"/bin/echo", "hello"};
    add_builtin_handlers(registry, config);
  }
  attempt attempt{R"({"command": "greet"})"};
  auto result = registry.entries().at("user_task").run(*attempt.context);
  EXPECT_EQ(result.kind, violation::none) << result.message;
  EXPECT_EQ(lines_at(attempt.report->take(), log_level::info).substr(0, 6), "hello\n");
}
