#include "config/certificates.hpp"
#include "tests/cli/command_run.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace overwatch::cli {

using testing::HasSubstr;
using testing::IsEmpty;

namespace {

class ClusterCommandsTest : public testing::Test {
protected:
  ClusterCommandsTest() {
    auto pattern = (std::filesystem::temp_directory_path() / "overwatch-ca-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    directory = root_ + "/ca";
  }
  ~ClusterCommandsTest() override { std::filesystem::remove_all(root_); }

  std::string path(const std::string& name) const { return directory + "/" + name; }

  mode_t mode(const std::string& name) const {
    struct stat status {};
    return ::stat(path(name).c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
  }

  std::string content(const std::string& name) const {
    std::ifstream in{path(name)};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  auto findings(const std::string& node, int after_days = 0) const {
    return check_certificates({path(node + ".crt"), path(node + ".key"), path("ca.crt")},
                              std::chrono::system_clock::now() + std::chrono::hours{24} * after_days);
  }

  std::string directory;

private:
  std::string root_;
};

} // namespace

TEST_F(ClusterCommandsTest, CertificatesOfOneAuthorityAreGood) {
  auto made = run_command({"cluster", "init-ca", directory});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("overwatch cluster issue " + directory + " NAME --host ADDRESS"));
  auto issued = run_command({"cluster", "issue", directory, "a", "--host", "10.0.0.1", "--host", "a.example.org"});
  ASSERT_EQ(issued.code, 0) << issued.err;
  EXPECT_THAT(issued.out, HasSubstr("certificate = \"/etc/overwatch/a.crt\""));
  EXPECT_THAT(findings("a"), IsEmpty());
}

TEST_F(ClusterCommandsTest, KeysAreClosed) {
  run_command({"cluster", "init-ca", directory});
  run_command({"cluster", "issue", directory, "a"});
  EXPECT_EQ(mode("ca.key"), 0600);
  EXPECT_EQ(mode("a.key"), 0600);
  EXPECT_EQ(mode("ca.crt"), 0644);
}

TEST_F(ClusterCommandsTest, ValidityEndsAsAskedFor) {
  run_command({"cluster", "init-ca", directory});
  run_command({"cluster", "issue", directory, "a", "--days", "100"});
  EXPECT_THAT(findings("a", 60), IsEmpty());
  ASSERT_EQ(findings("a", 101).size(), 1U);
  EXPECT_THAT(findings("a", 101)[0].message, HasSubstr("has expired"));
}

TEST_F(ClusterCommandsTest, NothingIsOverwrittenUnasked) {
  run_command({"cluster", "init-ca", directory});
  run_command({"cluster", "issue", directory, "a"});
  auto authority = content("ca.key");
  auto certificate = content("a.crt");
  auto again = run_command({"cluster", "init-ca", directory});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("is there already"));
  EXPECT_EQ(run_command({"cluster", "issue", directory, "a"}).code, 1);
  EXPECT_EQ(content("ca.key"), authority);
  EXPECT_EQ(content("a.crt"), certificate);
  EXPECT_EQ(run_command({"cluster", "issue", directory, "a", "--replace"}).code, 0);
  EXPECT_NE(content("a.crt"), certificate);
  EXPECT_THAT(findings("a"), IsEmpty());
}

TEST_F(ClusterCommandsTest, AnAuthorityMustBeThere) {
  auto run = run_command({"cluster", "issue", directory, "a"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr("overwatch cluster init-ca"));
}

TEST_F(ClusterCommandsTest, DamagedAuthorityIsTold) {
  run_command({"cluster", "init-ca", directory});
  std::ofstream{path("ca.key")} << "no key";
  auto run = run_command({"cluster", "issue", directory, "a"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr("reading the key of the authority"));
}

TEST_F(ClusterCommandsTest, NamesThatLeaveTheDirectoryAreRefused) {
  run_command({"cluster", "init-ca", directory});
  for (const auto* name : {"../a", "a b", "", "ca"})
    EXPECT_EQ(run_command({"cluster", "issue", directory, name}).code, 2) << name;
}

TEST_F(ClusterCommandsTest, HostsThatAreNoneAreRefused) {
  run_command({"cluster", "init-ca", directory});
  EXPECT_EQ(run_command({"cluster", "issue", directory, "a", "--host", "x,DNS:other"}).code, 2);
}

TEST_F(ClusterCommandsTest, JsonNamesTheFiles) {
  EXPECT_THAT(run_command({"--json", "cluster", "init-ca", directory}).out, HasSubstr("ca.crt"));
}

} // namespace overwatch::cli
