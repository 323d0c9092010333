#include "http/json_text.hpp"
#include "http/task_reader.hpp"
#include "http/task_json.hpp"
#include "http/time_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace overwatch;
using namespace overwatch::http;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

timestamp at(int64_t seconds) { return timestamp{std::chrono::seconds{seconds}}; }

struct parsed {
  std::optional<submission> task;
  std::optional<syntax_error> syntax;
  error_list errors;

  std::string error(const std::string& field) const {
    for (const auto& x : errors.errors())
      if (x.field == field)
        return x.message;
    return {};
  }
};

parsed parse(std::string_view text) {
  parsed out;
  out.task = parse_task(text, at(1'000'000), out.syntax, out.errors);
  return out;
}

std::string literal_of(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

} // namespace

TEST(JsonTextTest, KeepsUtf8AndReplacesWhatIsNone) {
  EXPECT_EQ(literal_of("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"), "\"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"");
  constexpr std::string_view lost = "\xEF\xBF\xBD";
  for (const auto* wrong : {"\xFF", "\xC3", "\x80", "\xC0\xAF", "\xED\xA0\x80", "\xE0\x80\x80", "\xF4\x90\x80\x80"}) {
    auto out = literal_of(std::string{"a"} + wrong + "b");
    EXPECT_THAT(out, HasSubstr(std::string{lost})) << out;
    EXPECT_TRUE(is_json(out)) << out;
  }
  EXPECT_EQ(literal_of("\xE2\x82\"\n"), "\"" + std::string{lost} + std::string{lost} + "\\\"\\n\"");
}

TEST(JsonTextTest, ResultThatIsNoJsonIsWrittenAsText) {
  task_record task;
  task.payload = "{\"a\": 1}";
  task.result = "{\"half\": ";
  std::string out;
  append_task(out, task, true);
  EXPECT_TRUE(is_json(out)) << out;
  EXPECT_THAT(out, HasSubstr(R"("result":"{\"half\": ")"));
  EXPECT_THAT(out, HasSubstr(R"("payload":{"a": 1})"));
}

TEST(TimeTextTest, WritesUtcWithMicroseconds) {
  EXPECT_EQ(to_text(timestamp{std::chrono::microseconds{1'795'324'267'000'042}}), "2026-11-22T05:11:07.000042Z");
  EXPECT_EQ(to_text(at(0)), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(to_text(at(951'782'400)), "2000-02-29T00:00:00.000000Z");
}

TEST(TimeTextTest, ReadsWhatItWrites) {
  for (int64_t seconds = 0; seconds < 4'102'444'800; seconds += 86'399 * 17)
    ASSERT_EQ(parse_time(to_text(at(seconds)), at(0)), at(seconds)) << to_text(at(seconds));
}

TEST(TimeTextTest, ReadsOffsetsAndTakesNaiveTimesAsUtc) {
  auto expected = at(1'795'324'267);
  EXPECT_EQ(parse_time("2026-11-22T05:11:07Z", at(0)), expected);
  EXPECT_EQ(parse_time("2026-11-22T05:11:07", at(0)), expected);
  EXPECT_EQ(parse_time("2026-11-22 05:11:07", at(0)), expected);
  EXPECT_EQ(parse_time("2026-11-22T07:41:07+02:30", at(0)), expected);
  EXPECT_EQ(parse_time("2026-11-22T07:41:07 02:30", at(0)), expected);
  EXPECT_EQ(parse_time("2026-11-22T00:11:07-05:00", at(0)), expected);
  EXPECT_EQ(parse_time("2026-11-22T05:11:07.5Z", at(0)), expected + std::chrono::milliseconds{500});
}

TEST(TimeTextTest, ReadsRelativeTimes) {
  EXPECT_EQ(parse_time("+5m", at(1000)), at(1300));
  EXPECT_EQ(parse_time("-1h", at(10'000)), at(6400));
}

TEST(TimeTextTest, RefusesWhatIsNoTime) {
  for (const auto* text : {"", "now", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-22",
                           "2026-11-22T25:00:00Z", "2026-11-22T05:11:07+25:00", "2026-11-22T05:11:07Zx",
                           "2026-11-22T05:11:07.Z", "+", "+5x", "99999-01-01T00:00:00Z", "1969-01-01T00:00:00Z"})
    EXPECT_EQ(parse_time(text, at(0)), std::nullopt) << text;
}

TEST(TimeTextTest, ReadsDurations) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds{250});
  EXPECT_EQ(parse_duration("30s"), milliseconds{30'000});
  EXPECT_EQ(parse_duration("1.5"), milliseconds{1500});
  EXPECT_EQ(parse_duration("2h"), milliseconds{7'200'000});
  EXPECT_EQ(parse_duration("1d"), milliseconds{86'400'000});
  for (const auto* text : {"", "s", "-1s", "5 m", "5y", "nan", "inf", "1e999", "99999999999999999d"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(TaskReaderTest, NameIsEnough) {
  auto x = parse(R"({"name":"n"})");
  ASSERT_TRUE(x.task) << x.errors.summary();
  EXPECT_EQ(x.task->spec->name, "n");
  EXPECT_EQ(x.task->spec->task_type, "user_task");
  EXPECT_EQ(x.task->spec->created_at, at(1'000'000));
  EXPECT_TRUE(x.task->spec->id.is_nil());
  EXPECT_EQ(*x.task->payload, "{}");
}

TEST(TaskReaderTest, ReadsEveryField) {
  auto x = parse(R"({"id":"01935000-0000-7000-8000-00000000002a","name":"n","description":"d","task_type":"t",
    "subsystem":"s","priority":"HIGH","payload":{"a":[1,2.5,"x\n",null,true,18446744073709551615,1.0]},"tags":["a","b"],
    "assigned_to":"me","context":{"user_id":"u"},"scheduled_at":"+10s","deadline":"1970-01-13T00:00:00Z","timeout":"5m",
    "retry":{"max_attempts":3,"backoff":"exponential","base":0.25,"max":"1h","jitter":0},"required_gates":["g"],
    "on_closed_gate":"wait","depends_on":["01935000-0000-7000-8000-00000000002b"],"on_dependency_failure":"run",
    "resources":{"cpu":0.5,"memory_mb":10,"io":1,"exclusive":["obd2:can0"]},"unique_key":"k","unique_for":"1d",
    "concurrency":{"key":"c","limit":2},"snapshot":{"keys":["k"],"files":["/f"]},"origin":{"kind":"api","id":"o"}})");
  ASSERT_TRUE(x.task) << x.errors.summary();
  const auto& spec = *x.task->spec;
  EXPECT_EQ(to_string(spec.id), "01935000-0000-7000-8000-00000000002a");
  EXPECT_EQ(spec.importance, priority::high);
  EXPECT_EQ(*x.task->payload, R"({"a":[1,2.5,"x\n",null,true,18446744073709551615,1.0]})");
  EXPECT_THAT(spec.tags, ElementsAre("a", "b"));
  EXPECT_EQ(spec.scheduled_at, at(1'000'010));
  EXPECT_EQ(spec.deadline, at(12 * 86'400));
  EXPECT_EQ(spec.timeout, milliseconds{300'000});
  EXPECT_EQ(spec.retry.max_attempts, 3u);
  EXPECT_EQ(spec.retry.base, milliseconds{250});
  EXPECT_EQ(spec.retry.max, milliseconds{3'600'000});
  EXPECT_EQ(spec.on_closed_gate, gate_policy::wait);
  EXPECT_EQ(spec.depends_on.size(), 1u);
  EXPECT_EQ(spec.on_dependency_failure, dependency_policy::run);
  EXPECT_EQ(spec.resources.memory_mb, 10u);
  EXPECT_EQ(spec.unique_for, milliseconds{86'400'000});
  EXPECT_EQ(spec.concurrency.limit, 2u);
  EXPECT_THAT(spec.snapshot.files, ElementsAre("/f"));
  EXPECT_EQ(spec.origin.id, "o");
}

TEST(TaskReaderTest, WrittenTaskIsJsonWithEveryField) {
  auto x = parse(R"({"name":"q\"\u0001é","payload":{"k":1},"retry":{"base":"1500ms"}})");
  ASSERT_TRUE(x.task);
  auto text = submitted_task_json(
    *x.task, {*parse_task_id("01935000-0000-7000-8000-00000000002a"), task_status::queued, false, {}});
  auto object = json::parse(text).as_object();
  for (const auto* field :
       {"id", "name", "description", "task_type", "subsystem", "priority", "status", "payload", "metadata", "tags",
        "assigned_to", "context", "created_at", "queued_at", "started_at", "finished_at", "scheduled_at", "deadline",
        "timeout", "retry", "required_gates", "on_closed_gate", "depends_on", "on_dependency_failure", "resources",
        "unique_key", "unique_for", "concurrency", "snapshot", "origin", "attempt", "progress", "result", "error",
        "rollback", "node", "worker", "cancel_requested", "execution_time", "error_message"})
    EXPECT_TRUE(object.contains(field)) << field;
  EXPECT_EQ(object["name"].as_string(), "q\"\x01é");
  EXPECT_EQ(object["status"].as_string(), "queued");
  EXPECT_EQ(object["timeout"], json::value(1800));
  EXPECT_EQ(object["retry"].at("base"), json::value(1.5));
  EXPECT_EQ(object["metadata"], object["payload"]);
}

TEST(TaskReaderTest, PriorityIsANumberOrAName) {
  EXPECT_EQ(parse(R"({"name":"n","priority":0})").task->spec->importance, priority::critical);
  EXPECT_EQ(parse(R"({"name":"n","priority":4})").task->spec->importance, priority::background);
  EXPECT_EQ(parse(R"({"name":"n","priority":"Low"})").task->spec->importance, priority::low);
  EXPECT_EQ(parse(R"({"name":"n","priority":5})").error("/priority"), "expected an integer from 0 to 4, got 5");
  auto x = parse(R"({"name":"n","priority":"urgent"})");
  EXPECT_THAT(x.error("/priority"), HasSubstr("critical, high, normal, low, background, got \"urgent\""));
  EXPECT_EQ(x.errors.errors().front().allowed.size(), 5u);
}

TEST(TaskReaderTest, NamesThePlaceTheValueAndWhatIsAllowed) {
  auto x = parse(R"({"name":"n","retry":{"max_attempts":"x"},"tags":["a",5],"timeout":"soon"})");
  EXPECT_FALSE(x.task);
  EXPECT_EQ(x.error("/retry/max_attempts"), "expected an integer from 1 to 1000, got \"x\"");
  EXPECT_EQ(x.error("/tags/1"), "expected text of 1 to 256 bytes, got 5");
  EXPECT_THAT(x.error("/timeout"), HasSubstr("\"30s\""));
  EXPECT_EQ(x.errors.errors()[0].location, R"(["body","retry","max_attempts"])");
  EXPECT_EQ(x.errors.errors()[0].value, "\"x\"");
}

TEST(TaskReaderTest, UnknownFieldNamesTheNearest) {
  auto x = parse(R"({"name":"n","prioritty":1})");
  EXPECT_THAT(x.error("/prioritty"), HasSubstr("nearest that are allowed: priority,"));
  EXPECT_THAT(parse(R"({"name":"n","a/b~":1})").error("/a~1b~0"), HasSubstr("unknown field"));
}

TEST(TaskReaderTest, ReportsAtMostTwentyErrorsAndCountsTheRest) {
  std::string text = R"({"name":"n")";
  for (int i = 0; i < 30; ++i)
    text += ",\"x" + std::to_string(i) + "\":1";
  auto x = parse(text + "}");
  EXPECT_EQ(x.errors.errors().size(), error_list::max_errors);
  EXPECT_EQ(x.errors.count(), 30u);
  EXPECT_THAT(x.errors.summary(), HasSubstr("(and 29 more)"));
}

TEST(TaskReaderTest, HoldsEveryLimit) {
  auto refused = [](const std::string& field, const std::string& value) {
    return !parse("{\"name\":\"n\",\"" + field + "\":" + value + "}").error("/" + field).empty();
  };
  auto text = [](size_t size) { return '"' + std::string(size, 'x') + '"'; };
  EXPECT_NE(parse("{}").error("/name"), "");
  EXPECT_NE(parse(R"({"name":""})").error("/name"), "");
  EXPECT_NE(parse("{\"name\":" + text(257) + "}").error("/name"), "");
  EXPECT_TRUE(refused("description", text(4097)));
  EXPECT_TRUE(refused("task_type", text(65)));
  EXPECT_TRUE(refused("subsystem", text(257)));
  EXPECT_TRUE(refused("payload", "{\"a\":" + text(task_limits::payload_bytes) + "}"));
  EXPECT_TRUE(refused("payload", "[]"));
  EXPECT_TRUE(refused("timeout", "0"));
  EXPECT_TRUE(refused("timeout", "2592001"));
  EXPECT_TRUE(refused("unique_for", "-1"));
  EXPECT_TRUE(refused("id", "\"6f9619ff-8b86-4011-b42d-00cf4fc964ff\""));
  EXPECT_TRUE(refused("scheduled_at", "\"tomorrow\""));
  EXPECT_TRUE(refused("origin", "\"rule\""));
  EXPECT_NE(parse(R"({"name":"n","origin":{"kind":"rule"}})").error("/origin/kind"), "");
  EXPECT_NE(parse(R"({"name":"n","resources":{"cpu":1.1}})").error("/resources/cpu"), "");
  EXPECT_NE(parse(R"({"name":"n","concurrency":{"limit":1}})").error("/concurrency/key"), "");
  std::string tags = "[\"a\"";
  for (int i = 0; i < 64; ++i)
    tags += ",\"a\"";
  EXPECT_TRUE(refused("tags", tags + "]"));
}

TEST(TaskReaderTest, PayloadAndMetadataAreOneField) {
  EXPECT_EQ(*parse(R"({"name":"n","metadata":{"a":1}})").task->payload, R"({"a":1})");
  EXPECT_THAT(parse(R"({"name":"n","metadata":{},"payload":{}})").error("/payload"), HasSubstr("two names"));
}

TEST(TaskReaderTest, RefusesNumbersThatAreNotFinite) {
  EXPECT_THAT(parse(R"({"name":"n","payload":{"a":[1e999]}})").error("/payload/a/0"), HasSubstr("a double can hold"));
  EXPECT_NE(parse(R"({"name":"n","retry":{"jitter":1e999}})").error("/retry/jitter"), "");
  EXPECT_TRUE(parse(R"({"name":"n","payload":{"a":NaN}})").syntax);
}

TEST(TaskReaderTest, LastOfEqualKeysWins) { EXPECT_EQ(parse(R"({"name":"a","name":"b"})").task->spec->name, "b"); }

TEST(TaskReaderTest, SyntaxErrorsSayWhere) {
  auto x = parse("{\"name\":\n  oops}");
  ASSERT_TRUE(x.syntax);
  EXPECT_THAT(x.syntax->message, HasSubstr("line 2, column 3"));
  EXPECT_TRUE(parse("").syntax);
  EXPECT_TRUE(parse("  ").syntax);
  EXPECT_TRUE(parse("{\"name\":\"n\"} x").syntax);
  EXPECT_TRUE(parse("{\"name\":\"n\"").syntax);
  EXPECT_THAT(parse("\xEF\xBB\xBF{}").syntax->message, HasSubstr("byte order mark"));
  EXPECT_TRUE(parse("{\"name\":\"\xff\"}").syntax);
  EXPECT_TRUE(parse("{\"name\":\"\xC0\xAF\"}").syntax);
  EXPECT_TRUE(parse(R"({"name":"\ud800"})").syntax);
  EXPECT_TRUE(parse(R"({"name":01})").syntax);
}

TEST(TaskReaderTest, DepthIsLimited) {
  auto nested = [](size_t depth) {
    return "{\"name\":\"n\",\"payload\":{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}}";
  };
  EXPECT_TRUE(parse(nested(30)).task);
  auto x = parse(nested(31));
  ASSERT_TRUE(x.syntax);
  EXPECT_THAT(x.syntax->message, HasSubstr("deeper than 32"));
  EXPECT_TRUE(parse(nested(100'000)).syntax);
}

TEST(TaskReaderTest, WholeDocumentMustBeAnObject) {
  EXPECT_EQ(parse("[]").error(""), "expected an object, got an array");
  EXPECT_EQ(parse("7").error(""), "expected an object, got 7");
}
