#include "runtime/maintenance/plan.hpp"

#include "config/checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace overwatch::maintenance {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(PlanTest, WithoutAnythingAllActionsAreDoneButTrimming) {
  plan x;
  EXPECT_EQ(parse_plan("", {}, x), "");
  EXPECT_THAT(x.actions, ElementsAre("retention", "cleanup", "rotate_logs", "compact", "disk_health", "updates"));
  EXPECT_FALSE(x.dry_run);
}

TEST(PlanTest, ThePayloadIsStrongerThanTheConfiguration) {
  settings config;
  config.maintenance.actions = {"updates"};
  config.maintenance.cleanup["configured"].path = "/srv";
  config.maintenance.cleanup["configured"].keep_newest = 1;
  plan x;
  EXPECT_EQ(parse_plan("{}", config, x), "");
  EXPECT_THAT(x.actions, ElementsAre("updates"));
  EXPECT_EQ(x.cleanup.count("configured"), 1u);
  EXPECT_EQ(parse_plan(R"({"actions": ["rotate_logs", "cleanup"], "dry_run": true,
                           "cleanup": {"mine": {"path": "/srv/x", "older_than": "30min", "larger_than_mb": 2}}})",
                       config, x),
            "");
  EXPECT_THAT(x.actions, ElementsAre("cleanup", "rotate_logs"));
  EXPECT_TRUE(x.dry_run);
  EXPECT_EQ(x.cleanup.size(), 1u);
  EXPECT_EQ(x.cleanup["mine"].older_than, std::chrono::minutes{30});
  EXPECT_EQ(x.cleanup["mine"].larger_than_mb, 2u);
}

TEST(PlanTest, WhatWouldDoHarmOrIsNotKnownIsRefused) {
  plan x;
  EXPECT_THAT(parse_plan(R"({"cleanup": {"all": {"path": "/srv"}}})", {}, x), HasSubstr("would remove every file"));
  EXPECT_THAT(parse_plan(R"({"cleanup": {"a": {"path": "srv", "keep_newest": 1}}})", {}, x),
              HasSubstr("must be an absolute path"));
  EXPECT_THAT(parse_plan(R"({"cleanup": {"a": {"older": 1}}})", {}, x), HasSubstr("no field \"older\""));
  EXPECT_THAT(parse_plan(R"({"cleanup": {"a": {"older_than": true}}})", {}, x), HasSubstr("must be a duration"));
  EXPECT_THAT(parse_plan(R"({"cleanup": []})", {}, x), HasSubstr("must be an object"));
  EXPECT_THAT(parse_plan(R"({"actions": ["polish"]})", {}, x), HasSubstr("\"polish\" is not an action"));
  EXPECT_THAT(parse_plan(R"({"actions": []})", {}, x), HasSubstr("must be a list"));
  EXPECT_THAT(parse_plan(R"({"dry-run": true})", {}, x), HasSubstr("unknown field \"dry-run\""));
  EXPECT_THAT(parse_plan(R"({"dry_run": 1})", {}, x), HasSubstr("true or false"));
  EXPECT_NE(parse_plan("[]", {}, x), "");
}

} // namespace overwatch::maintenance
