#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <vector>

namespace overwatch {

namespace {

constexpr auto archive = "http://mirror.example/debian";

class BackportsSourceTest : public testing::Test {
protected:
  BackportsSourceTest() {
    std::string name = testing::TempDir() + "backports.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }

  ~BackportsSourceTest() override {
    for (const auto& file : files_)
      std::remove(file.c_str());
    std::remove(folder_.c_str());
  }

  void write(const std::string& name, const std::string& text) {
    files_.push_back(folder_ + "/" + name);
    std::ofstream{files_.back()} << text;
  }

  // What the script prints for the files; its exit code goes to `code`.
  std::string run(const std::string& uri = archive) {
    std::string command = std::string{SOURCE_SCRIPT} + " bookworm " + uri;
    for (const auto& file : files_)
      command += " " + file;
    auto* out = ::popen(command.c_str(), "r");
    std::string text;
    char buffer[512];
    while (auto n = std::fread(buffer, 1, sizeof(buffer), out))
      text.append(buffer, n);
    code = WEXITSTATUS(::pclose(out));
    return text;
  }

  int code = -1;

private:
  std::string folder_;
  std::vector<std::string> files_;
};

// As Debian's images have it: comments inside of stanzas, security in one of its own.
constexpr auto stanzas = R"(Types: deb
# http://snapshot.example/archive/debian/20250520T000000Z
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
# http://snapshot.example/archive/debian/20250520T000000Z
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Architectures: amd64
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
)";

} // namespace

TEST_F(BackportsSourceTest, TakesTheStanzaOfTheMainArchive) {
  write("debian.sources", stanzas);
  EXPECT_EQ(run(), "Types: deb\n"
                   "URIs: http://mirror.example/debian\n"
                   "Suites: bookworm-backports\n"
                   "Components: main\n"
                   "Architectures: amd64\n"
                   "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n");
  EXPECT_EQ(code, 0);
}

TEST_F(BackportsSourceTest, KeepsAKeyThatIsWrittenInTheStanza) {
  write("debian.sources", "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n"
                          "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBGPL0BUBEADmW5NdOOHwPIJlgPu6\n"
                          "# a comment\n -----END PGP PUBLIC KEY BLOCK-----\nTrusted: no\n");
  EXPECT_EQ(run(), "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\n"
                   "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBGPL0BUBEADmW5NdOOHwPIJlgPu6\n"
                   " -----END PGP PUBLIC KEY BLOCK-----\nTrusted: no\n");
}

TEST_F(BackportsSourceTest, PassesOverWhatIsDisabledOrOfOthers) {
  write("vendor.sources",
        "Types: deb\nURIs: https://vendor.example/debian/12/prod\nSuites: bookworm\nComponents: main\n");
  write("off.sources",
        "Enabled: no\nTypes: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n");
  write("sources.sources", "Types: deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n");
  write("parts.sources", "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: contrib\n");
  EXPECT_EQ(run(), "");
  EXPECT_EQ(code, 1);
}

TEST_F(BackportsSourceTest, TakesTheLineOfTheMainArchive) {
  write("sources.list", "# deb http://mirror.example/debian bookworm main\n"
                        "deb-src http://mirror.example/debian bookworm main\n"
                        "deb http://mirror.example/debian-security bookworm-security main\n"
                        "deb http://mirror.example/debian bookworm-updates main\n"
                        "deb http://mirror.example/debian/ bookworm contrib main non-free-firmware # ours\n");
  EXPECT_EQ(run(), "deb http://mirror.example/debian/ bookworm-backports main\n");
  EXPECT_EQ(code, 0);
}

TEST_F(BackportsSourceTest, KeepsTheOptionsOfALine) {
  write("debian.list", "deb [ arch=amd64 signed-by=/usr/share/keyrings/debian.gpg ]  "
                       "http://mirror.example/debian   bookworm  main\n");
  EXPECT_EQ(run(), "deb [ arch=amd64 signed-by=/usr/share/keyrings/debian.gpg ] http://mirror.example/debian "
                   "bookworm-backports main\n");
}

TEST_F(BackportsSourceTest, LooksThroughAllFiles) {
  write("empty.list", "");
  write("vendor.list", "deb https://vendor.example/debian bookworm main\n");
  write("debian.sources", stanzas);
  EXPECT_NE(run(std::string{archive} + "/").find("Suites: bookworm-backports"), std::string::npos);
  EXPECT_EQ(code, 0);
}

} // namespace overwatch
