#include "config/checks.hpp"

#include <gmock/gmock.h>

using namespace overwatch;
using testing::HasSubstr;

namespace {

std::vector<std::string> names(const settings& values, bool fatal = true) {
  std::vector<std::string> result;
  for (auto& finding : check_settings(values))
    if (finding.fatal == fatal)
      result.push_back(finding.name);
  return result;
}

} // namespace

TEST(ChecksTest, DefaultsPass) { EXPECT_TRUE(check_settings(settings{}).empty()); }

TEST(ChecksTest, OnlyLoopbackMayTakeCaf) {
  settings values;
  for (auto address : {"127.0.0.1", "127.1.2.3", "::1"}) {
    values.caf.address = address;
    EXPECT_TRUE(check_settings(values).empty()) << address;
  }
  for (auto address : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "example.org", ""}) {
    values.caf.address = address;
    EXPECT_THAT(names(values), testing::ElementsAre("caf.address")) << address;
  }
}

TEST(ChecksTest, OpenHttpIsAWarning) {
  settings values;
  values.http.address = "::";
  EXPECT_TRUE(names(values).empty());
  EXPECT_THAT(names(values, false), testing::ElementsAre("http.address"));
}

TEST(ChecksTest, PartsMustFitTogether) {
  settings values;
  values.node.data_dir.clear();
  values.caf.port = values.http.port;
  values.http.max_long_requests = values.http.threads;
  EXPECT_THAT(names(values), testing::ElementsAre("node.data-dir", "caf.port", "http.max-long-requests"));
}

TEST(ChecksTest, CommandsMustBeRunnable) {
  settings values;
  values.commands["empty"] = {};
  values.commands["fine"].argv = {"true"};
  auto& odd = values.commands["odd"];
  odd.argv = {"/nowhere/at/all"};
  odd.directory = "tmp";
  odd.environment = {{"1A", ""}};
  EXPECT_THAT(names(values),
              testing::ElementsAre("commands.empty.argv", "commands.odd.environment", "commands.odd.directory"));
  EXPECT_THAT(names(values, false), testing::ElementsAre("commands.odd.argv"));
}
