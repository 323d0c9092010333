#include "runtime/maintenance/machine_reports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace overwatch::maintenance {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(MachineReportsTest, ADiskThatFailsIsSeen) {
  std::string problem;
  auto x =
    parse_smart_report(R"({"device": {"name": "/dev/sda"}, "model_name": "WDC", "smart_status": {"passed": false},
    "temperature": {"current": 61}, "power_on_time": {"hours": 40000},
    "ata_smart_attributes": {"table": [{"id": 5, "raw": {"value": 8}}, {"id": 197, "raw": {"value": 2}}]}})",
                       problem);
  ASSERT_TRUE(x);
  EXPECT_EQ(x->power_on_hours, 40000);
  EXPECT_THAT(x->troubles(), ElementsAre(HasSubstr("failing"), HasSubstr("8 sectors"), HasSubstr("2 sectors"),
                                         HasSubstr("61 degrees")));
}

TEST(MachineReportsTest, AHealthyDiskHasNoTroubles) {
  std::string problem;
  auto x = parse_smart_report(R"({"device": {"name": "/dev/nvme0"}, "smart_status": {"passed": true},
    "nvme_smart_health_information_log": {"percentage_used": 3, "media_errors": 0}})",
                              problem);
  ASSERT_TRUE(x);
  EXPECT_THAT(x->troubles(), IsEmpty());
  EXPECT_EQ(to_json(*x).count("pending_sectors"), 0u);
}

TEST(MachineReportsTest, ADiskThatSaysNothingGivesTheReason) {
  std::string problem;
  EXPECT_FALSE(parse_smart_report(
    R"({"smartctl": {"messages": [{"string": "/dev/vda: Unable to detect device type", "severity": "error"}]}})",
    problem));
  EXPECT_EQ(problem, "/dev/vda: Unable to detect device type");
  EXPECT_FALSE(parse_smart_report("not JSON", problem));
  EXPECT_FALSE(problem.empty());
}

TEST(MachineReportsTest, DevicesOfAScan) {
  EXPECT_THAT(parse_smart_scan(R"({"devices": [{"name": "/dev/sda"}, {"name": "/dev/nvme0"}]})"),
              ElementsAre("/dev/sda", "/dev/nvme0"));
  EXPECT_THAT(parse_smart_scan(R"({"smartctl": {}})"), IsEmpty());
}

TEST(MachineReportsTest, UpdatesAndWhichOfThemAreForSecurity) {
  auto x = parse_apt_list("Listing...\n"
                          "curl/stable-security 7.88.1-10+deb12u14 amd64 [upgradable from: 7.88.1-10+deb12u12]\n"
                          "tzdata/stable,stable-updates 2025b-0 all [upgradable from: 2024b-0]\n"
                          "WARNING: a line of another kind\n");
  ASSERT_EQ(x.size(), 2u);
  EXPECT_EQ(x[0].name, "curl");
  EXPECT_EQ(x[0].available, "7.88.1-10+deb12u14");
  EXPECT_EQ(x[0].installed, "7.88.1-10+deb12u12");
  EXPECT_TRUE(x[0].security);
  EXPECT_FALSE(x[1].security);
}

TEST(MachineReportsTest, TrimmedFileSystems) {
  auto x =
    parse_fstrim("/boot: 512 MiB (536870912 bytes) trimmed on /dev/sda1\n/: 0 B (dry run) trimmed on /dev/vda\n");
  ASSERT_EQ(x.size(), 2u);
  EXPECT_EQ(x[0].mount, "/boot");
  EXPECT_EQ(x[0].bytes, 536'870'912u);
  EXPECT_EQ(x[1].bytes, 0u);
}

} // namespace overwatch::maintenance
