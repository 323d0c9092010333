#include "runtime/security/scan.hpp"
#include "runtime/security/suppressions.hpp"
#include "runtime/security/walk.hpp"
#include "tests/security/prepared_root.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace overwatch::security {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

namespace json = boost::json;

/// A node that has keys.
class keys_only : public node_services {
public:
  std::map<std::string, std::string> keys;

  caf::expected<submit_receipt> submit(const attempt_context&, task_spec, std::string) override {
    return make_error(ec::invalid, "no");
  }
  caf::expected<key_record> get_key(const std::string& key) override {
    auto found = keys.find(key);
    if (found == keys.end())
      return make_error(ec::not_found, "no such key");
    return key_record{key, found->second, 1, now()};
  }
  caf::expected<key_record> put_key(const std::string&, std::string, std::optional<uint64_t>) override {
    return make_error(ec::invalid, "no");
  }
  caf::expected<key_record> remove_key(const std::string&, std::optional<uint64_t>) override {
    return make_error(ec::invalid, "no");
  }
  caf::expected<std::vector<uint64_t>> acknowledged() override { return make_error(ec::invalid, "no"); }
};

int64_t in_an_hour() {
  return std::chrono::duration_cast<std::chrono::seconds>(now().time_since_epoch()).count() + 3600;
}

std::string refusal(const char* payload) {
  scan_options options;
  return parse_options(payload, options);
}

} // namespace

TEST(ScanTest, TheScoreCountsWhatIsHighAndMedium) {
  EXPECT_EQ(score_of(0, 0), 100);
  EXPECT_EQ(score_of(1, 3), 50);
  EXPECT_EQ(score_of(6, 0), 0);
  EXPECT_EQ(score_of(1ULL << 60, 1ULL << 60), 0);
}

TEST(ScanTest, ASuppressionHoldsUntilItsEnd) {
  prepared_root root;
  root.write("/srv/a", "x", 0666);
  root.write("/etc/b", "x", 0646);
  auto node = std::make_shared<keys_only>();
  json::object kept{{"world-writable-file:/srv/a", {{"reason", "shared"}, {"by", "ann"}, {"until", nullptr}}},
                    {"world-writable-file:/etc/*", {{"reason", "moving"}, {"until", in_an_hour()}}}};
  node->keys[suppressions_key] = json::serialize(kept);
  auto quiet = scan_tree(root, {}, node);
  EXPECT_THAT(quiet.ids(), IsEmpty());
  EXPECT_EQ(quiet.result.at("score").as_int64(), 100);
  EXPECT_EQ(quiet.result.at("counts").at("suppressed").as_int64(), 2);
  EXPECT_EQ(quiet.result.at("suppressed").at(1).at("reason").as_string(), "shared");

  kept["world-writable-file:/etc/*"].as_object()["until"] = in_an_hour() - 7200;
  node->keys[suppressions_key] = json::serialize(kept);
  auto loud = scan_tree(root, {}, node);
  EXPECT_THAT(loud.ids(), ElementsAre("world-writable-file:/etc/b"));
  EXPECT_EQ(loud.result.at("score").as_int64(), 80);
}

TEST(ScanTest, SuppressionsThatCannotBeReadSuppressNothing) {
  suppressions all;
  EXPECT_NE(parse_suppressions("[]", all), "");
  EXPECT_THAT(parse_suppressions(R"({"a":{"until":"soon"},"b":{"reason":"x"},"c":7})", all), HasSubstr("a, c"));
  EXPECT_EQ(all.size(), 1U);
}

TEST(ScanTest, TheDifferenceToTheLastScanIsTold) {
  prepared_root root;
  root.write("/srv/a", "x", 0666);
  root.write("/srv/b", "x", 0666);
  auto first = scan_tree(root);
  EXPECT_TRUE(first.result.at("difference").at("compared_with").is_null());
  root.mode("/srv/a", 0644);
  root.write("/srv/c", "x", 0666);
  auto second = scan_tree(root).result;
  const auto& difference = second.at("difference");
  EXPECT_EQ(difference.at("new").as_int64(), 1);
  EXPECT_EQ(difference.at("same").as_int64(), 1);
  EXPECT_EQ(json::serialize(difference.at("gone_ids")), R"(["world-writable-file:/srv/a"])");
  EXPECT_FALSE(second.at("findings").at(0).at("new").as_bool());
  EXPECT_TRUE(second.at("findings").at(1).at("new").as_bool());
}

TEST(ScanTest, OnlyChecksThatLookedAreCompared) {
  prepared_root root;
  root.write("/srv/a", "x", 0666);
  scan_tree(root);
  auto other = scan_tree(root, {{"checks", {"sshd"}}});
  EXPECT_EQ(other.result.at("difference").at("gone").as_int64(), 0);
  auto again = scan_tree(root);
  EXPECT_EQ(again.result.at("difference").at("same").as_int64(), 1)
    << "what another scan did not look at is remembered";
}

TEST(ScanTest, AResultIsSmallAndTheReportWhole) {
  prepared_root root;
  for (int i = 0; i < 1500; ++i)
    root.write("/srv/" + std::to_string(i), "", 0666);
  auto scan = scan_tree(root);
  EXPECT_EQ(scan.result.at("findings").as_array().size(), 200U);
  EXPECT_EQ(scan.result.at("findings_left_out").as_int64(), 800);
  EXPECT_EQ(scan.report.at("findings").as_array().size(), findings::max_per_rule);
  EXPECT_THAT(scan.blind(), ElementsAre(HasSubstr("500 more findings")));
  EXPECT_LT(scan.ended.result.size(), 512U * 1024);
  struct stat status {};
  ASSERT_EQ(::stat(std::string{scan.result.at("report").as_string()}.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST(ScanTest, OldReportsGo) {
  prepared_root root;
  root.config.security.max_reports = 2;
  for (int i = 0; i < 4; ++i)
    scan_tree(root, {{"checks", {"sshd"}}});
  size_t reports = 0;
  for (const auto& entry : std::filesystem::directory_iterator{root.config.security.directory})
    reports += entry.path().filename().string().rfind("report-", 0) == 0 ? 1 : 0;
  EXPECT_EQ(reports, 2U);
}

TEST(ScanTest, PayloadsAreRefusedWithTheFieldTheValueAndTheWayOut) {
  EXPECT_EQ(refusal(R"({"checks": "sshd"})"),
            R"(payload.checks is "sshd": it must be a list of texts, for example ["sshd"])");
  EXPECT_THAT(refusal(R"({"checks": ["ssh"]})"),
              HasSubstr(R"(payload.checks[0] is "ssh": it must be one of accounts, sshd)"));
  EXPECT_EQ(refusal(R"({"paths": ["srv"]})"),
            R"(payload.paths[0] is "srv": it must be an absolute path, such as "/srv")");
  EXPECT_THAT(refusal(R"({"exclude": [7]})"), HasSubstr("payload.exclude[0] is 7: it must be a text"));
  EXPECT_THAT(refusal(R"({"root": ""})"), HasSubstr("payload.root is \"\""));
  EXPECT_THAT(refusal(R"({"update_baseline": 1})"), HasSubstr("must be true or false"));
  EXPECT_THAT(refusal(R"({"path": []})"), HasSubstr("payload.path is unknown; known: checks"));
  EXPECT_EQ(refusal(R"({"checks": [], "paths": ["/a/../b/"], "exclude": ["*/x"], "root": "/", "baseline": []})"), "");
  EXPECT_EQ(refusal(""), "");
}

TEST(ScanTest, ARootThatIsNoneIsRefused) {
  prepared_root root;
  auto scan = scan_tree(root, {{"root", root.path() + "/nowhere"}});
  EXPECT_EQ(scan.ended.kind, violation::exception);
  EXPECT_FALSE(scan.ended.retryable);
  EXPECT_THAT(scan.ended.message, HasSubstr("payload.root is"));
}

TEST(ScanTest, NoLinkLeadsOutOfTheRoot) {
  prepared_root root;
  auto outside = std::filesystem::path{root.path()}.parent_path() / "outside";
  std::ofstream{outside} << "root::0:0:::::\n";
  std::filesystem::remove(root.path() + "/etc/shadow");
  root.link("/etc/shadow", "../../../../../.." + outside.string());
  root.link("/srv/out", "../..");
  tree below{root.path()};
  EXPECT_EQ(below.read("/etc/shadow").error, ENOENT);
  EXPECT_EQ(below.read("/srv/out/etc/os-release").error, 0) << "above the root is the root";
  root.link("/srv/loop", "loop");
  EXPECT_EQ(below.read("/srv/loop").error, ELOOP);
  ASSERT_EQ(::mkfifo((root.path() + "/srv/pipe").c_str(), 0600), 0);
  EXPECT_EQ(below.read("/srv/pipe").error, EINVAL);
  EXPECT_EQ(below.read("/srv").error, EISDIR);
}

TEST(ScanTest, ACancelledScanStopsAndKeepsNothing) {
  prepared_root root;
  for (int i = 0; i < 2000; ++i)
    root.write("/srv/" + std::to_string(i), "");
  tree below{root.path()};
  account_book accounts{below};
  scan_options options;
  findings found;
  scan_control control;
  int looks = 0;
  control.stopping = [&] { return ++looks >= 3; };
  scan s{below, accounts, options, root.config, control, now(), {}, found};
  EXPECT_THROW(check_files(s), scan_stopped);
  EXPECT_EQ(looks, 3) << "each " << tick_entries << " entries";

  auto spec = std::make_shared<task_spec>();
  auto stop = std::make_shared<cancellation>();
  stop->request(cancellation::cause::cancelled);
  attempt_context ctx{spec,
                      std::make_shared<const std::string>(R"({"root":")" + root.path() + "\"}"),
                      {1, 1},
                      stop,
                      std::make_shared<attempt_report>()};
  auto ended = run_security_scan(ctx, root.config);
  EXPECT_EQ(ended.kind, violation::exception);
  EXPECT_THAT(ended.message, HasSubstr("stopped"));
  EXPECT_TRUE(std::filesystem::is_empty(root.config.security.directory));
}

TEST(ScanTest, AHugeDirectoryIsWalkedAndItsProgressMoves) {
  prepared_root root;
  root.directory("/srv/huge");
  for (int i = 0; i < 20'000; ++i)
    std::ofstream{root.path() + "/srv/huge/" + std::to_string(i)};
  tree below{root.path()};
  walk_options options;
  options.paths = {"/srv"};
  uint64_t seen = 0;
  uint64_t last = 0;
  int ticks = 0;
  auto walked = walk(
    below, options, [&](const walk_entry&) { ++seen; },
    [&](const walk_result& so_far) {
      EXPECT_GE(so_far.files, last);
      last = so_far.files;
      ++ticks;
    });
  EXPECT_EQ(walked.files, 20'000U);
  EXPECT_EQ(walked.directories, 2U);
  EXPECT_EQ(seen, 20'002U);
  EXPECT_GE(ticks, 20'000 / static_cast<int>(tick_entries));
}

TEST(ScanTest, WalksSkipMountsExcludesAndOtherPathsOfTheirOwn) {
  prepared_root root;
  for (const auto* path : {"/srv/a/1", "/srv/a/2.tmp", "/srv/mnt/1", "/srv/net/1", "/srv/b/1"})
    root.write(path, "x");
  tree below{root.path()};
  walk_options options;
  options.paths = {"/srv", "/srv/b"};
  options.exclude = {"*.tmp"};
  options.mounts = {"/srv/mnt", "/srv/net"};
  options.forbidden_mounts = {"/srv/net"};
  options.sorted = true;
  auto paths = [&] {
    std::vector<std::string> result;
    walk(
      below, options, [&](const walk_entry& x) { result.emplace_back(x.path); }, [](const walk_result&) {});
    return result;
  };
  EXPECT_THAT(paths(), ElementsAre("/srv", "/srv/a", "/srv/a/1", "/srv/b", "/srv/b/1"));
  options.cross = true;
  EXPECT_THAT(paths(), ElementsAre("/srv", "/srv/a", "/srv/a/1", "/srv/mnt", "/srv/mnt/1", "/srv/b", "/srv/b/1"));
}

TEST(ScanTest, DeepDirectoriesAreCountedNotEntered) {
  prepared_root root;
  std::string path = "/srv";
  for (size_t i = 0; i < walk_result::max_depth + 20; ++i)
    path += "/d";
  root.directory(path);
  auto scan = scan_tree(root, {{"checks", {"files"}}});
  EXPECT_THAT(scan.blind(), ElementsAre(HasSubstr("nested deeper")));
}

TEST(ScanTest, IdsOfLongPlacesStayDistinctAndShort) {
  std::string place(5000, 'x');
  auto one = id_of("rule", place + "1");
  EXPECT_LE(one.size(), max_id);
  EXPECT_NE(one, id_of("rule", place + "2"));
  EXPECT_EQ(one, id_of("rule", place + "1"));
}

} // namespace overwatch::security
