#include "runtime/maintenance/rotation.hpp"

#include "runtime/maintenance/compression.hpp"
#include "runtime/maintenance/rotation_names.hpp"
#include "tests/maintenance/tree.hpp"

#include <fcntl.h>
#include <rapidcheck.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

namespace fs = std::filesystem;

namespace overwatch::maintenance {

namespace {

/// All parts of a packed file, one after the other.
std::string unpacked(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::string bytes{std::istreambuf_iterator<char>{in}, {}};
  std::string result;
  if (fs::path{path}.extension() == ".gz") {
    auto* file = ::gzopen(path.c_str(), "rb");
    char block[65'536];
    for (int size = 0; (size = ::gzread(file, block, sizeof(block))) > 0;)
      result.append(block, static_cast<size_t>(size));
    ::gzclose(file);
    return result;
  }
  if (fs::path{path}.extension() != ".zst")
    return bytes;
  auto* context = ::ZSTD_createDCtx();
  std::string block(1 << 20, '\0');
  for (::ZSTD_inBuffer source{bytes.data(), bytes.size(), 0}; source.pos < source.size;) {
    ::ZSTD_outBuffer target{block.data(), block.size(), 0};
    auto left = ::ZSTD_decompressStream(context, &target, &source);
    EXPECT_FALSE(::ZSTD_isError(left)) << path;
    if (::ZSTD_isError(left) != 0)
      break;
    result.append(block, 0, target.pos);
  }
  ::ZSTD_freeDCtx(context);
  return result;
}

class RotationTest : public testing::Test {
protected:
  rotation_rule rule(const std::string& method, const std::string& compress = "zstd") const {
    rotation_rule x;
    x.path = tree_.at("log");
    x.max_mb = 0;
    x.max_files = 3;
    x.method = method;
    x.compress = compress;
    return x;
  }

  action_result rotate(const rotation_rule& x, bool dry_run = false) {
    work doing{"rotate_logs", dry_run};
    rotate_logs({{"test", x}}, {tree_.at("log")}, {}, doing.environment(), doing.result);
    return doing.result;
  }

  std::set<std::string> names() const {
    std::set<std::string> result;
    for (const auto& x : fs::directory_iterator{tree_.at("log")})
      result.insert(x.path().filename().string());
    return result;
  }

  tree tree_;
};

} // namespace

TEST(RotationNamesTest, AreRead) {
  auto x = parse_rotated("site.log.12.zst");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->base, "site.log");
  EXPECT_EQ(x->number, 12u);
  EXPECT_EQ(x->ending, ".zst");
  EXPECT_EQ(x->text(), "site.log.12.zst");
  for (auto name : {"site.log", "site.log.gz", "site.log.x.gz", "site.log.007", ".1", "site.log.", "1", ""})
    EXPECT_FALSE(parse_rotated(name)) << name;
}

// The steps are played: no file is overwritten, the order stays, nothing above the limit is left, place 1 is free.
TEST(RotationNamesTest, MakingRoomLosesOnlyWhatIsTooOld) {
  EXPECT_TRUE(rc::check([] {
    auto numbers = *rc::gen::container<std::set<unsigned>>(rc::gen::inRange(1U, 12U));
    auto limit = *rc::gen::inRange(1U, 12U);
    std::map<std::string, unsigned> directory{{"a.log", 0}, {"b.log.1", 100}};
    std::vector<std::string> names{"a.log", "b.log.1"};
    for (auto n : numbers) {
      auto name = "a.log." + std::to_string(n) + (*rc::gen::arbitrary<bool>() ? ".gz" : "");
      directory[name] = n;
      names.push_back(name);
    }
    for (const auto& step : make_room("a.log", names, limit)) {
      RC_ASSERT(directory.count(step.from) == 1);
      auto content = directory[step.from];
      directory.erase(step.from);
      if (step.to.empty()) {
        RC_ASSERT(content >= limit);
        continue;
      }
      RC_ASSERT(directory.count(step.to) == 0);
      directory[step.to] = content;
    }
    RC_ASSERT(directory.at("a.log") == 0 && directory.at("b.log.1") == 100);
    for (const auto& [name, content] : directory)
      if (auto x = parse_rotated(name); x && x->base == "a.log")
        RC_ASSERT(x->number == content + 1 && x->number <= limit);
    auto kept = std::count_if(numbers.begin(), numbers.end(), [&](auto n) { return n < limit; });
    RC_ASSERT(directory.size() == static_cast<size_t>(kept) + 2);
  }));
}

TEST_F(RotationTest, FilesGrowOlderArePackedAndGo) {
  for (auto content : {"first", "second", "third", "fourth", "fifth"}) {
    tree_.write("log/site.log", content);
    EXPECT_EQ(rotate(rule("rename")).status, action_status::done);
  }
  EXPECT_EQ(names(), (std::set<std::string>{"site.log", "site.log.1", "site.log.2.zst", "site.log.3.zst"}));
  EXPECT_EQ(tree_.read("log/site.log"), "");
  EXPECT_EQ(tree_.read("log/site.log.1"), "fifth");
  EXPECT_EQ(unpacked(tree_.at("log/site.log.2.zst")), "fourth");
  EXPECT_EQ(unpacked(tree_.at("log/site.log.3.zst")), "third");
}

TEST_F(RotationTest, ASmallFileStaysAsItIs) {
  auto x = rule("rename");
  x.max_mb = 1;
  tree_.write("log/small.log", "a line\n");
  tree_.write("log/large.log", std::string(1 << 20, 'x'));
  tree_.write("log/other.txt", std::string(1 << 20, 'x'));
  rotate(x);
  EXPECT_EQ(names(), (std::set<std::string>{"small.log", "large.log", "large.log.1", "other.txt"}));
}

TEST_F(RotationTest, ModeAndOwnerStay) {
  tree_.write("log/site.log", "x");
  ::chmod(tree_.at("log/site.log").c_str(), 0640);
  rotate(rule("rename"));
  struct stat st {};
  ASSERT_EQ(::stat(tree_.at("log/site.log").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0640u);
}

// A program that keeps its descriptor open writes on into the renamed file, one that opens it again into the new one.
TEST_F(RotationTest, NoLineIsLostWhileAWriterIsAtWork) {
  fs::create_directories(tree_.at("log"));
  tree_.write("log/site.log", "");
  std::atomic<bool> done{false};
  int written = 0;
  std::thread writer{[&] {
    while (!done) {
      int fd = ::open(tree_.at("log/site.log").c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600);
      for (int i = 0; i < 20; ++i) {
        auto line = std::to_string(written++) + "\n";
        ASSERT_EQ(::write(fd, line.data(), line.size()), static_cast<ssize_t>(line.size()));
      }
      ::close(fd);
    }
  }};
  auto x = rule("rename", "gzip");
  x.max_files = 1000;
  for (int i = 0; i < 60; ++i)
    EXPECT_EQ(rotate(x).left(), 0u);
  done = true;
  writer.join();
  std::set<int> found;
  for (const auto& name : names()) {
    std::istringstream lines{unpacked(tree_.at("log/" + name))};
    for (std::string line; std::getline(lines, line);)
      EXPECT_TRUE(found.insert(std::stoi(line)).second) << "twice: " << line;
  }
  EXPECT_GT(written, 0);
  EXPECT_EQ(found.size(), static_cast<size_t>(written));
}

TEST_F(RotationTest, CopytruncateKeepsTheFileThatAWriterHolds) {
  for (std::string compress : {"zstd", "gzip", "none"}) {
    fs::remove_all(tree_.at("log"));
    auto content = std::string(700'000, 'a') + "end\n";
    tree_.write("log/site.log", content);
    int fd = ::open(tree_.at("log/site.log").c_str(), O_WRONLY | O_APPEND);
    rotate(rule("copytruncate", compress));
    EXPECT_EQ(::write(fd, "later\n", 6), 6);
    ::close(fd);
    EXPECT_EQ(tree_.read("log/site.log"), "later\n") << compress;
    EXPECT_EQ(unpacked(tree_.at("log/site.log.1" + std::string{ending_of(packing_of(compress))})), content) << compress;
  }
}

// Lines between the last look and the cut are the price of this method; but none is torn, doubled or out of order.
TEST_F(RotationTest, CopytruncateTearsNoLineOfABusyWriter) {
  fs::create_directories(tree_.at("log"));
  std::atomic<bool> done{false};
  int written = 0;
  std::thread writer{[&] {
    int fd = ::open(tree_.at("log/site.log").c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600);
    while (!done) {
      auto line = std::to_string(written++) + "\n";
      ASSERT_EQ(::write(fd, line.data(), line.size()), static_cast<ssize_t>(line.size()));
    }
    ::close(fd);
  }};
  auto x = rule("copytruncate");
  x.max_files = 1000;
  for (int i = 0; i < 20; ++i)
    rotate(x);
  done = true;
  writer.join();
  std::map<unsigned, std::string> by_age; // the oldest first
  for (const auto& name : names())
    if (auto rotated = parse_rotated(name))
      by_age[1000 - rotated->number] = unpacked(tree_.at("log/" + name));
  by_age[1000] = tree_.read("log/site.log");
  int last = -1;
  for (const auto& [age, content] : by_age) {
    std::istringstream lines{content};
    for (std::string line; std::getline(lines, line);) {
      ASSERT_EQ(line.find_first_not_of("0123456789"), std::string::npos) << line;
      EXPECT_GT(std::stoi(line), last);
      last = std::stoi(line);
    }
  }
}

TEST_F(RotationTest, LinksAreLeftAlone) {
  tree_.write("outside/precious.log", "x");
  fs::create_directories(tree_.at("log"));
  fs::create_symlink(tree_.at("outside/precious.log"), tree_.at("log/link.log"));
  auto result = rotate(rule("copytruncate"));
  EXPECT_EQ(tree_.read("outside/precious.log"), "x");
  EXPECT_NE(why_left(result, "link.log").find("symbolic link"), std::string::npos);
}

TEST_F(RotationTest, AFileThatHasAnotherNameElsewhereIsNotCut) {
  tree_.write("outside/precious", "x");
  fs::create_directories(tree_.at("log"));
  fs::create_hard_link(tree_.at("outside/precious"), tree_.at("log/trap.log"));
  for (auto method : {"copytruncate", "rename"}) {
    auto result = rotate(rule(method));
    EXPECT_EQ(tree_.read("outside/precious"), "x");
    EXPECT_NE(why_left(result, "trap.log").find("hard link"), std::string::npos);
    EXPECT_EQ(names(), (std::set<std::string>{"trap.log"}));
  }
}

TEST_F(RotationTest, ADryRunChangesNothing) {
  tree_.write("log/site.log", "x");
  auto result = rotate(rule("rename"), true);
  EXPECT_EQ(names(), (std::set<std::string>{"site.log"}));
  EXPECT_EQ(result.details.at("rules").at(0).at("rotated").to_number<int>(), 1);
}

TEST_F(RotationTest, WhatAKilledRunLeftIsMadeAgain) {
  tree_.write("log/site.log", "new");
  tree_.write("log/site.log.2", "old");
  tree_.write("log/.site.log.3.zst.partial", "half");
  rotate(rule("rename"));
  EXPECT_EQ(unpacked(tree_.at("log/site.log.3.zst")), "old");
  EXPECT_FALSE(tree_.has("log/.site.log.3.zst.partial"));
}

} // namespace overwatch::maintenance
