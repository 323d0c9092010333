#include "runtime/snapshots/manifest.hpp"

#include "messages/codec.hpp"
#include "runtime/snapshots/descriptor.hpp"
#include "runtime/snapshots/trouble.hpp"
#include "tests/snapshots/scratch.hpp"

#include <fcntl.h>

namespace overwatch::test {

using namespace snapshots;

class ManifestTest : public ::testing::Test {
protected:
  ManifestTest() : directory_{::open(at_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)} {
    x_.started = timestamp{std::chrono::microseconds{77}};
    saved_entry top;
    top.name = "top";
    top.kind = captured_kind::directory;
    top.metadata = {0755, 1, 2, {-3, 4}, {{"user.a", "b"}}};
    saved_entry file;
    file.name = "file";
    file.parent = 0;
    file.kind = captured_kind::file;
    file.size = 1ULL << 40;
    file.place = content_place::packed;
    file.offset = 9;
    x_.entries = {top, file};
    x_.scopes = {{"/a/top", 0, {{"/a", true, {}}}}};
    x_.hook_state = "state";
  }

  std::string complaint() {
    try {
      read_manifest(directory_.get(), "it");
    } catch (const trouble& x) {
      return x.what();
    }
    return {};
  }

  scratch at_{scratch::place::memory};
  descriptor directory_;
  manifest x_;
};

TEST_F(ManifestTest, ComesBackAsItWas) {
  write_manifest(directory_.get(), x_);
  auto read = read_manifest(directory_.get(), "it");
  ASSERT_TRUE(read);
  EXPECT_EQ(overwatch::encode(*read), overwatch::encode(x_));
  EXPECT_EQ(read->path_of(1), "/a/top/file");
  EXPECT_EQ(read->entries[0].metadata.modified.seconds, -3);
}

TEST_F(ManifestTest, NoneIsNoError) { EXPECT_FALSE(read_manifest(directory_.get(), "it")); }

TEST_F(ManifestTest, EveryFlippedBitIsFound) {
  write_manifest(directory_.get(), x_);
  auto bytes = read_file(at_.path() + "/manifest");
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    auto damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ 1 << i % 8);
    write_file(at_.path() + "/manifest", damaged);
    ASSERT_NE(complaint(), "") << "bit " << i;
  }
}

TEST_F(ManifestTest, EveryLostEndIsFound) {
  write_manifest(directory_.get(), x_);
  auto bytes = read_file(at_.path() + "/manifest");
  for (size_t i = 0; i < bytes.size(); ++i) {
    write_file(at_.path() + "/manifest", bytes.substr(0, i));
    ASSERT_NE(complaint(), "") << i << " bytes";
  }
}

TEST_F(ManifestTest, NewerFormatIsRefused) {
  x_.version = manifest_version + 1;
  write_manifest(directory_.get(), x_);
  EXPECT_NE(complaint().find("newer version"), std::string::npos) << complaint();
}

TEST_F(ManifestTest, NamesThatWouldLeaveTheScopeAreRefused) {
  for (const auto* name : {"", ".", "..", "a/b", "/etc"}) {
    x_.entries[1].name = name;
    write_manifest(directory_.get(), x_);
    EXPECT_NE(complaint().find("contradicts"), std::string::npos) << name;
  }
}

TEST_F(ManifestTest, CirclesAreRefused) {
  x_.entries[0].parent = 1;
  write_manifest(directory_.get(), x_);
  EXPECT_NE(complaint().find("contradicts"), std::string::npos);
}

} // namespace overwatch::test
