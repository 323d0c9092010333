#include "runtime/backup/data_backup.hpp"
#include "tests/backup/backup_fixture.hpp"
#include "tests/handlers/attempt.hpp"

#include <boost/json.hpp>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <future>

namespace overwatch::backup {

namespace {

namespace json = boost::json;

} // namespace

/// The handler, as a task reaches it.
class DataBackupTest : public BackupFixture {
protected:
  DataBackupTest() {
    make_directory(tree());
    write_file(tree("/a.txt"), "hello");
    config.backup.roots = {at.path()};
  }

  /// Runs a task with this payload; its result as JSON goes into `result`.
  outcome run(json::object payload) {
    attempt task{json::serialize(payload)};
    auto ended = run_data_backup(*task.context, config);
    content = task.report->take();
    result = ended.result.empty() ? json::value{} : json::parse(ended.result);
    return ended;
  }

  json::object on_destination(std::string_view action) const {
    return {{"action", action}, {"destination", destination()}};
  }

  outcome create_one() { return run({{"sources", json::array{tree()}}, {"destination", destination()}}); }

  std::string refusal(json::object payload) {
    auto ended = run(std::move(payload));
    EXPECT_EQ(ended.kind, violation::exception);
    EXPECT_FALSE(ended.retryable) << ended.message;
    return ended.message;
  }

  settings config;
  json::value result;
  attempt_report::content content;
};

TEST_F(DataBackupTest, ServesEveryAction) {
  auto made = create_one();
  ASSERT_EQ(made.kind, violation::none) << made.message;
  EXPECT_EQ(result.at("files").to_number<int>(), 1);
  EXPECT_EQ(content.percent, 100);
  auto id = std::string{result.at("backup").as_string()};

  ASSERT_EQ(run(on_destination("list")).kind, violation::none);
  EXPECT_EQ(result.at("backups").at(0).at("backup").as_string(), id);
  EXPECT_EQ(result.at("backups").at(0).at("sources").at(0).as_string(), tree());

  auto listing = on_destination("list");
  listing["backup"] = "latest";
  listing["paths"] = json::array{"*.txt"};
  ASSERT_EQ(run(listing).kind, violation::none);
  EXPECT_EQ(result.at("total").to_number<int>(), 1);
  EXPECT_EQ(result.at("entries").at(0).at("path").as_string(), tree("/a.txt"));

  ASSERT_EQ(run(on_destination("verify")).kind, violation::none);
  EXPECT_TRUE(result.at("whole").as_bool());

  auto restoring_all = on_destination("restore");
  restoring_all["target"] = target();
  ASSERT_EQ(run(restoring_all).kind, violation::none);
  EXPECT_EQ(difference(image_of(tree()), image_of(restored())), "");

  auto pruning = on_destination("prune");
  pruning["keep"] = json::object{{"last", 1}};
  ASSERT_EQ(run(pruning).kind, violation::none);
  EXPECT_EQ(result.at("pruned").at("kept_backups").to_number<int>(), 1);
}

TEST_F(DataBackupTest, AnEmptyPayloadTakesWhatIsConfigured) {
  config.backup.roots.clear();
  config.backup.sources = {tree()};
  config.backup.destination = destination();
  config.backup.keep_last = 2;
  for (int i = 0; i < 4; ++i)
    ASSERT_EQ(run({}).kind, violation::none);
  EXPECT_EQ(result.at("pruned").at("kept_backups").to_number<int>(), 2);
  ASSERT_EQ(run({{"action", "list"}}).kind, violation::none);
  EXPECT_EQ(result.at("total").to_number<int>(), 2);
}

TEST_F(DataBackupTest, WhatIsNotConfiguredIsSaidWithTheWayOut) {
  EXPECT_NE(refusal({}).find("overwatch start --backup-sources"), std::string::npos);
  EXPECT_NE(refusal({{"destination", destination()}}).find("backup.sources is not configured"), std::string::npos);
}

TEST_F(DataBackupTest, PayloadsReachOnlyWhatTheOperatorAllows) {
  config.backup.roots = {at.data()};
  json::array sources{tree()};
  EXPECT_NE(refusal({{"sources", sources}, {"destination", destination()}}).find("--backup-roots"), std::string::npos);
  config.backup.destination = destination(); // always allowed
  ASSERT_EQ(run({{"sources", sources}}).kind, violation::none);
  EXPECT_NE(refusal({{"sources", json::array{"/etc"}}}).find("payload.sources leads to '/etc'"), std::string::npos);
  ASSERT_EQ(::symlink("/etc", tree("/link").c_str()), 0);
  EXPECT_NE(refusal({{"sources", json::array{tree("/link/*")}}}).find("payload.sources leads to '/etc"),
            std::string::npos);
  EXPECT_NE(refusal({{"action", "restore"}, {"target", target()}}).find("payload.target"), std::string::npos);
}

TEST_F(DataBackupTest, WrongFieldsAreNamedWithTheirValue) {
  auto wrong = [&](const char* name, json::value value) {
    json::object payload{{"sources", json::array{tree()}}, {"destination", destination()}};
    payload[name] = std::move(value);
    return refusal(payload);
  };
  EXPECT_EQ(wrong("action", "shred"), "payload.action is \"shred\": it must be create, list, verify, restore or prune");
  EXPECT_EQ(wrong("level", 40), "payload.level is 40: it must be a whole number from 1 to 19");
  EXPECT_EQ(wrong("sqlite", 1), "payload.sqlite is 1: it must be true or false");
  EXPECT_EQ(wrong("sources", json::array{"etc"}),
            "payload.sources is [\"etc\"]: it must be a list of absolute paths, 1000 at most");
  EXPECT_EQ(wrong("keep", json::object{{"last", -1}}),
            "payload.keep.last is -1: it must be a whole number from 0 to 100000");
  EXPECT_EQ(wrong("sauces", true).substr(0, 40), "payload.sauces is unknown; the fields ar");
  EXPECT_NE(wrong("postgresql", json::array{"a b; c"}).find("letters, digits"), std::string::npos);
  EXPECT_NE(wrong("postgresql", json::array{"-f/etc/x"}).find("letters, digits"), std::string::npos);
}

TEST_F(DataBackupTest, AKeyFileSealsAndMustBePrivate) {
  auto key = at.path() + "/key";
  write_file(key, random_text(32, 1));
  json::object payload{{"sources", json::array{tree()}}, {"destination", destination()}, {"key_file", key}};
  ::chmod(key.c_str(), 0644);
  EXPECT_NE(refusal(payload).find("chmod 600"), std::string::npos);
  ::chmod(key.c_str(), 0600);
  ASSERT_EQ(run(payload).kind, violation::none);
  EXPECT_NE(refusal(on_destination("verify")).find("name its key file in key_file"), std::string::npos);
  payload = on_destination("verify");
  payload["key_file"] = key;
  ASSERT_EQ(run(payload).kind, violation::none);
}

TEST_F(DataBackupTest, DamageFailsAVerifyAndStaysInItsResult) {
  create_one();
  write_file(packs().front(), "nonsense");
  auto ended = run(on_destination("verify"));
  EXPECT_EQ(ended.kind, violation::exception);
  EXPECT_NE(ended.message.find("DAMAGED"), std::string::npos);
  EXPECT_FALSE(result.at("whole").as_bool());
  EXPECT_EQ(lines_at(content, log_level::error), ended.message + "\n");
}

TEST_F(DataBackupTest, ABusyRepositoryIsTriedAgainLater) {
  create_one();
  auto held = open();
  auto ended = create_one();
  EXPECT_EQ(ended.kind, violation::exception);
  EXPECT_TRUE(ended.retryable);
  EXPECT_NE(ended.message.find("in use by a test"), std::string::npos);
  EXPECT_EQ(run(on_destination("list")).kind, violation::none) << "looking is always possible";
}

TEST_F(DataBackupTest, CancelWorksWithinASecond) {
  write_file(tree("/large"), random_text(400'000'000, 1));
  attempt task{json::serialize(json::object{{"sources", json::array{tree()}}, {"destination", destination()}})};
  auto ended = std::async(std::launch::async, [&] { return run_data_backup(*task.context, config); });
  while (!exists(destination() + "/packs") || packs().empty())
    ASSERT_NE(ended.wait_for(milliseconds{1}), std::future_status::ready) << "it was too quick to be stopped";
  auto start = std::chrono::steady_clock::now();
  task.stop->request(cancellation::cause::cancelled);
  EXPECT_EQ(ended.get().kind, violation::exception);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{1});
  EXPECT_TRUE(open(false).backups().empty());
}

TEST_F(DataBackupTest, NamesThatAreNoTextDoNotBreakTheResult) {
  write_file(tree("/odd \xff\n"), "x");
  ASSERT_EQ(create_one().kind, violation::none);
  auto listing = on_destination("list");
  listing["backup"] = "latest";
  ASSERT_EQ(run(listing).kind, violation::none);
  EXPECT_EQ(result.at("entries").as_array().back().at("path").as_string(), tree("/odd \xEF\xBF\xBD\n"));
}

} // namespace overwatch::backup
