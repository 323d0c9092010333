#include "actors/time_zone.hpp"
#include "messages/error_code.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

failure fault_of(const std::string& name) {
  auto result = time_zone::find(name);
  return result ? failure{} : describe(result.error());
}

} // namespace

TEST(TimeZoneTest, OffsetsHoldBetweenChanges) {
  auto berlin = *time_zone::find("Europe/Berlin");
  auto summer = berlin.at(1'774'746'000s); // 2026-03-29 01:00 UTC
  EXPECT_EQ(summer.begin, 1'774'746'000s);
  EXPECT_EQ(summer.end, 1'792'890'000s); // 2026-10-25 01:00 UTC
  EXPECT_EQ(summer.offset, 2h);
  EXPECT_EQ(berlin.at(summer.begin - 1s).offset, 1h);
  EXPECT_EQ(berlin.at(summer.begin - 1s).end, summer.begin);
  EXPECT_EQ(berlin.at(summer.end).offset, 1h);
}

TEST(TimeZoneTest, OffsetsMayBePartsOfAnHour) {
  EXPECT_EQ((*time_zone::find("Asia/Kathmandu")).at(1'774'746'000s).offset, 5h + 45min);
  EXPECT_EQ((*time_zone::find("Australia/Lord_Howe")).at(1'767'225'600s).offset, 11h);
  EXPECT_EQ((*time_zone::find("Australia/Lord_Howe")).at(1'782'864'000s).offset, 10h + 30min);
}

TEST(TimeZoneTest, UtcNeverChanges) {
  auto period = (*time_zone::find("UTC")).at(0s);
  EXPECT_EQ(period.offset, 0s);
  EXPECT_LT(period.begin, -1'000'000h);
  EXPECT_GT(period.end, 1'000'000h);
}

TEST(TimeZoneTest, UnknownNamesAreRefusedWithThoseThatAreLikeThem) {
  EXPECT_EQ(fault_of("Europe/Berln").message,
            "\"Europe/Berln\" is not a time zone that this machine knows; did you mean Europe/Berlin?");
  EXPECT_EQ(fault_of("europe/berlin").field, "/time_zone");
  EXPECT_EQ(fault_of("europe/berlin").code, ec::invalid);
  EXPECT_NE(fault_of("Kathmandu").message.find("Asia/Kathmandu"), std::string::npos);
  for (auto name : {"", "../../etc/passwd", "leapseconds", "Nowhere/Near_Anything"})
    EXPECT_NE(fault_of(name).message.find("IANA name"), std::string::npos) << name;
  EXPECT_LT(fault_of(std::string(100'000, 'x')).message.size(), 300u);
}

} // namespace overwatch
