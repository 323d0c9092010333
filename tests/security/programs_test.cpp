#include "runtime/security/program.hpp"
#include "tests/security/certificates.hpp"
#include "tests/security/prepared_root.hpp"

#include <gmock/gmock.h>

#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

namespace overwatch::security {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

const std::string dpkg_status = "Package: curl\nStatus: install ok installed\nVersion: 7.0-1\nArchitecture: amd64\n\n"
                                "Package: vim\nStatus: install ok installed\nVersion: 9.0-1\nArchitecture: amd64\n\n"
                                "Package: bash\nStatus: install ok installed\nVersion: 5.2-1\nArchitecture: amd64\n\n";

// As Debian's tracker serves it: names, then packages with flags (B binary, urgency, R remote, F fixed), then sources.
void serve(const prepared_root& root, settings& config) {
  const std::string data =
    "VERSION 1\nCVE-2024-1,,a hole\nCVE-2024-2,,another\n\n"
    "curl,0,SHRF,7.1-1,\nvim,1,S  F,9.1-1,\nbash,1,SM  ,9.9-1,\n\ncurl,curl\nvim,vim\nbash,bash\n\n";
  std::string packed(compressBound(data.size()), '\0');
  auto size = static_cast<uLongf>(packed.size());
  ASSERT_EQ(
    compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(data.data()), data.size()),
    Z_OK);
  auto directory = std::filesystem::path{root.path()}.parent_path().string() + "/served";
  std::filesystem::create_directory(directory);
  std::ofstream{directory + "/bookworm", std::ios::binary}.write(packed.data(), static_cast<std::streamsize>(size));
  config.security.vulnerability_source = "file://" + directory;
}

} // namespace

TEST(ProgramsTest, DebsecanSaysWhatAnUpdateMends) {
  if (find_system_program("debsecan").empty())
    GTEST_SKIP() << "debsecan is not installed";
  prepared_root root;
  root.write("/var/lib/dpkg/status", dpkg_status);
  serve(root, root.config);
  auto scan = scan_tree(root, {{"checks", {"packages"}}});
  EXPECT_THAT(scan.blind(), IsEmpty());
  EXPECT_EQ(scan.levels(), (std::map<std::string, std::string>{{"vulnerable-package:curl", "high"},
                                                               {"vulnerable-package:vim", "low"},
                                                               {"vulnerabilities-without-fix:packages", "info"}}));
}

TEST(ProgramsTest, PackagesThatCouldNotBeJudgedAreNotGoneNextTime) {
  if (find_system_program("debsecan").empty())
    GTEST_SKIP() << "debsecan is not installed";
  prepared_root root;
  root.write("/var/lib/dpkg/status", dpkg_status);
  serve(root, root.config);
  scan_tree(root, {{"checks", {"packages"}}});
  auto source = root.config.security.vulnerability_source;
  root.config.security.vulnerability_source = "file:///nowhere/at/all";
  auto blind = scan_tree(root, {{"checks", {"packages"}}});
  EXPECT_THAT(blind.blind(), ElementsAre(AllOf(HasSubstr("known vulnerabilities"), HasSubstr("debsecan failed"))));
  EXPECT_EQ(blind.result.at("difference").at("gone").as_int64(), 0);
  root.config.security.vulnerability_source = source;
  auto again = scan_tree(root, {{"checks", {"packages"}}});
  EXPECT_EQ(again.result.at("difference").at("new").as_int64(), 0);
}

TEST(ProgramsTest, AReportOfLynisIsRead) {
  prepared_root root;
  root.write("/var/log/lynis-report.dat",
             "warning[]=FIRE-4512|No firewall|-|-|\nsuggestion[]=SSH-7408|Harden ssh|Port|-|\n");
  auto scan = scan_tree(root, {{"checks", {"lynis"}}});
  EXPECT_EQ(scan.levels(),
            (std::map<std::string, std::string>{{"lynis:FIRE-4512", "medium"}, {"lynis:SSH-7408 Port", "info"}}));
}

// The node's own place and commands, on the machine itself: only what is planted here is expected.
TEST(ProgramsTest, ANodeThatIsOpenIsTold) {
  prepared_root root;
  auto base = std::filesystem::path{root.path()}.parent_path().string();
  ASSERT_EQ(::chmod(base.c_str(), 0755), 0);
  root.config.node.data_dir = base + "/data";
  std::filesystem::create_directory(root.config.node.data_dir);
  ASSERT_EQ(::chmod(root.config.node.data_dir.c_str(), 0757), 0);
  root.config.http.address = "0.0.0.0";
  root.config.http.port = 80;
  root.config.caf.address = "10.1.1.1";
  root.config.caf.port = 4242;
  root.write("/run", "#!/bin/sh\n", 0757);
  root.config.commands["site"].argv = {root.path() + "/run"};
  auto data = std::filesystem::canonical(root.config.node.data_dir).string();
  auto scan = scan_tree(root, {{"checks", {"node"}}, {"root", "/"}});
  EXPECT_EQ(scan.ids(), (std::set<std::string>{"node-api-exposed:http.address", "node-caf-exposed:caf.address",
                                               "node-command-writable:site: " + root.path() + "/run",
                                               "node-data-readable:" + data, "node-data-writable:" + data}));
}

TEST(ProgramsTest, AProgramThatDoesNotEndIsStopped) {
  prepared_root root;
  tree below{root.path()};
  account_book accounts{below};
  scan_options options;
  findings found;
  scan_control control;
  scan s{below, accounts, options, root.config, control, now(), {}, found};
  EXPECT_THAT(run_program(s, {"/bin/sleep", "600"}, milliseconds{50}).problem, HasSubstr("had no answer"));
  EXPECT_THAT(run_program(s, {"/bin/sh", "-c", "echo no luck >&2; exit 3"}, milliseconds{60'000}).problem,
              HasSubstr("no luck"));
  EXPECT_EQ(run_program(s, {"/bin/echo", "good"}, milliseconds{60'000}).output, "good\n");
  EXPECT_NE(run_program(s, {"/nowhere/program"}, milliseconds{60'000}).problem, "");
}

TEST(ProgramsTest, MachinesHaveSocketsWithPrograms) {
  prepared_root root;
  auto scan = scan_tree(root, {{"checks", {"sockets", "kernel"}}, {"root", "/"}});
  EXPECT_EQ(scan.ended.kind, violation::none) << scan.ended.message;
  EXPECT_THAT(scan.result.at("checks").as_array().size(), 2U);
}

} // namespace overwatch::security
