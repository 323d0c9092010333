// What a node answers to requests that are wrong, and that it goes on working.

#include "tests/cluster/node_fixture.hpp"

namespace overwatch {

namespace {

namespace json = boost::json;

struct refused_body {
  const char* what;
  std::string body;
  int status;
};

struct refused_value {
  const char* member; ///< added to a good task
  const char* field;  ///< that the answer names
};

struct refused_request {
  const char* method;
  const char* path; ///< continues /api/overwatch
  int status;
};

std::string repeated(std::string_view text, size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i)
    result += text;
  return result;
}

std::vector<refused_body> damaged_bodies() {
  return {
    {"nothing", "", 400},
    {"blanks", " \r\n\t", 400},
    {"half", R"({"name":"x")", 400},
    {"more", R"({"name":"x"} {"name":"y"})", 400},
    {"comment", "{\"name\":\"x\" /* why */}", 400},
    {"last comma", R"({"name":"x",})", 400},
    {"single quotes", "{'name':'x'}", 400},
    {"no number", R"({"name":"x","payload":{"a":NaN}})", 400},
    {"infinity", R"({"name":"x","payload":{"a":-Infinity}})", 400},
    {"too large a number", R"({"name":"x","payload":{"a":1e999}})", 422},
    {"byte order mark", "\xEF\xBB\xBF{\"name\":\"x\"}", 400},
    {"UTF-16", std::string("\xFF\xFE{\0\"\0}\0", 8), 400},
    {"overlong UTF-8", "{\"name\":\"\xC0\xAF\"}", 400},
    {"cut UTF-8", "{\"name\":\"\xE2\x82\"}", 400},
    {"Latin-1", "{\"name\":\"caf\xE9\"}", 400},
    {"surrogate in UTF-8", "{\"name\":\"\xED\xA0\x80\"}", 400},
    {"half a surrogate pair", R"({"name":"\ud800"})", 400},
    {"NUL byte", std::string("{\"name\":\"a\0b\"}", 14), 400},
    {"gzip", "\x1F\x8B\x08\x01\x02\x03\x04\x05", 400},
    {"deep array", R"({"name":"x","payload":)" + repeated("[", 100'000) + repeated("]", 100'000) + "}", 400},
    {"deep object", repeated("{\"a\":", 100'000) + "1" + repeated("}", 100'000), 400},
    {"unclosed and deep", repeated("[", 1'000'000), 400},
    {"an array", "[]", 422},
    {"text", "\"name\"", 422},
    {"null", "null", 422},
    {"no name", R"({"task_type":"noop"})", 422},
    {"long name", R"({"name":")" + std::string(257, 'n') + "\"}", 422},
    {"many unknown fields", R"({"name":"x")" + repeated(R"(,"zz":1)", 50'000) + "}", 422},
    {"payload above its limit", R"({"name":"x","payload":{"a":")" + std::string(1 << 20, 'a') + "\"}}", 422},
  };
}

constexpr refused_value wrong_values[] = {
  {R"("name":7)", "/name"},
  {R"("name":"")", "/name"},
  {R"("nmae":"x")", "/nmae"},
  {R"("task_type":"no_such_type")", "/task_type"},
  {R"("task_type":["noop"])", "/task_type"},
  {R"("priority":5)", "/priority"},
  {R"("priority":-1)", "/priority"},
  {R"("priority":1.5)", "/priority"},
  {R"("priority":"urgent")", "/priority"},
  {R"("payload":[1])", "/payload"},
  {R"("payload":{},"metadata":{})", "/metadata"},
  {R"("tags":"a")", "/tags"},
  {R"("tags":[1])", "/tags/0"},
  {R"("context":{"user_id":7})", "/context/user_id"},
  {R"("scheduled_at":"tomorrow")", "/scheduled_at"},
  {R"("deadline":"2026-13-45T00:00:00Z")", "/deadline"},
  {R"("timeout":0)", "/timeout"},
  {R"("timeout":-5)", "/timeout"},
  {R"("timeout":1e300)", "/timeout"},
  {R"("timeout":"soon")", "/timeout"},
  {R"("retry":{"max_attempts":0})", "/retry/max_attempts"},
  {R"("retry":{"max_attempts":99999999999999999999})", "/retry/max_attempts"},
  {R"("retry":{"jitter":1.01})", "/retry/jitter"},
  {R"("retry":{"backoff":"wild"})", "/retry/backoff"},
  {R"("retry":{"zz":1})", "/retry/zz"},
  {R"("retry":null)", "/retry"},
  {R"("id":"1234")", "/id"},
  {R"("depends_on":["x"])", "/depends_on/0"},
  {R"("origin":{"kind":"rule"})", "/origin/kind"},
  {R"("status":"completed")", "/status"},
};

constexpr const char* some_id = "/tasks/01a201df-03fc-7000-8000-113d2b2b273a";

constexpr refused_request wrong_requests[] = {
  {"GET", "/tasks?limit=0", 422},
  {"GET", "/tasks?limit=99999999999999999999", 422},
  {"GET", "/tasks?status=zz", 422},
  {"GET", "/tasks?zz=1", 422},
  {"GET", "/tasks?cursor=zz", 422},
  {"GET", "/tasks?limit=%zz", 422},
  {"GET", "/tasks?created_from=yesterday", 422},
  {"GET", "/events?from=zz", 422},
  {"GET", "/tasks/zz", 404},
  {"GET", "/tasks/%00", 400},
  {"GET", "/tasks/%FF", 400},
  {"GET", "/tasks/..%2F..%2Fetc%2Fpasswd", 404},
  {"GET", "/../../../../etc/passwd", 404},
  {"GET", "/nothing", 404},
  {"POST", "/tasks/zz/cancel", 404},
  {"PATCH", "/tasks", 405},
  {"DELETE", "/tasks", 405},
  {"PUT", "/config?generation_interval=x", 422},
  {"PUT", "/config?zz=1", 422},
};

class BadInputTest : public node_fixture {
protected:
  static constexpr const char* prefix = "/api/overwatch";

  /// A 4xx whose body says in JSON what is wrong.
  static void expect_refused(const support::http_answer& answer, int status) {
    EXPECT_EQ(answer.status, status) << answer.body.substr(0, 500);
    json::error_code damaged;
    auto body = json::parse(answer.body, damaged);
    ASSERT_FALSE(damaged) << answer.body.substr(0, 500);
    EXPECT_NE(text_at(body.as_object(), "error", "message"), "");
    EXPECT_LT(answer.body.size(), 20'000u) << "an error must not repeat a large request";
  }

  uint64_t submitted() { return client_->object("/stats").at("total_submitted").to_number<uint64_t>(); }
};

TEST_F(BadInputTest, DamagedBodiesAreRefused) {
  start();
  for (const auto& x : damaged_bodies()) {
    SCOPED_TRACE(x.what);
    expect_refused(client_->post("/tasks", x.body), x.status);
  }
  EXPECT_EQ(submitted(), 0u);
  expect_working();
}

TEST_F(BadInputTest, WrongValuesAreRefusedWithTheirField) {
  start();
  for (const auto& x : wrong_values) {
    SCOPED_TRACE(x.member);
    auto has_name = std::string_view{x.field} == "/name";
    auto answer = client_->post("/tasks", (has_name ? "{" : R"({"name":"x",)") + std::string{x.member} + "}");
    expect_refused(answer, 422);
    auto error = json::parse(answer.body).at("error");
    ASSERT_FALSE(error.at("errors").as_array().empty());
    EXPECT_EQ(text_at(error.at("errors").at(0).as_object(), "field"), x.field);
  }
  EXPECT_EQ(submitted(), 0u);
  expect_working();
}

TEST_F(BadInputTest, WrongPathsQueriesAndMethodsAreRefused) {
  start();
  support::http_client http{node_->http_port()};
  for (const auto& x : wrong_requests) {
    SCOPED_TRACE(std::string{x.method} + " " + x.path);
    expect_refused(http.send(support::http_request_text(x.method, std::string{prefix} + x.path)), x.status);
  }
  for (const auto* action : {"", "/logs", "/why"})
    expect_refused(client_->get(std::string{some_id} + action), 404);
  for (const auto* action : {"/cancel", "/retry"})
    expect_refused(client_->post(std::string{some_id} + action), 404);
  expect_working();
}

TEST_F(BadInputTest, OfEqualKeysTheLastWins) {
  start();
  auto answer = client_->post("/tasks", R"({"name":"first","task_type":"zz","task_type":"noop","name":"second"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(text_at(json::parse(answer.body).as_object(), "name"), "second");
  expect_working();
}

TEST_F(BadInputTest, HandlersRefuseWrongPayloads) {
  start();
  const std::pair<const char*, const char*> wrong[] = {
    {"user_task", R"({})"},
    {"user_task", R"({"command":7})"},
    {"user_task", R"({"command":"../../bin/sh"})"},
    {"performance_check", R"({"duration_s":"long"})"},
    {"performance_check", R"({"duration_s":1e9})"},
    {"system_health", R"({"sample_ms":-1})"},
    {"system_health", R"({"thresholds":{"cpu":7}})"},
  };
  for (const auto& [type, payload] : wrong) {
    SCOPED_TRACE(payload);
    auto task = typed_task(type);
    task["payload"] = json::parse(payload);
    task["retry"] = {{"max_attempts", 5}};
    auto ended = client_->ended(client_->submit(task));
    EXPECT_EQ(text_at(ended, "status"), "failed");
    EXPECT_EQ(text_at(ended, "error", "kind"), "exception");
    EXPECT_NE(text_at(ended, "error", "message"), "");
    EXPECT_EQ(ended.at("attempt").to_number<int>(), 1) << "what can never work was tried again";
  }
  expect_working();
}

TEST_F(BadInputTest, BatchesAreBounded) {
  start();
  constexpr const char* path = "/tasks/batch";
  constexpr const char* lines = "application/x-ndjson";
  constexpr std::string_view task = R"({"name":"x","task_type":"noop"})";
  auto line = std::string{task} + "\n";
  auto element = std::string{task} + ",";
  expect_refused(client_->post(path, repeated(line, 10'001), lines), 422);
  expect_refused(client_->post(path, "[" + repeated(element, 10'000) + std::string{task} + "]"), 422);
  expect_refused(client_->post(path, "[]"), 422);
  expect_refused(client_->post(path, "\n\n", lines), 422);
  expect_refused(client_->post(path, repeated("[", 1'000'000)), 400);
  expect_refused(client_->post(path, "[" + element), 400);
  EXPECT_EQ(submitted(), 0u);

  auto mixed =
    line + "{\"name\":\n\n" + R"({"name":"x","task_type":"zz"})" + "\n" + repeated("[", 50'000) + "\n" + line;
  auto answer = client_->post(path, mixed, lines);
  ASSERT_EQ(answer.status, 200) << answer.body;
  auto body = json::parse(answer.body);
  EXPECT_EQ(body.at("accepted").to_number<int>(), 2);
  EXPECT_EQ(body.at("refused").to_number<int>(), 3);
  EXPECT_EQ(text_at(body.at("tasks").at(1).as_object(), "error", "code"), "malformed");
  EXPECT_EQ(text_at(body.at("tasks").at(2).as_object(), "error", "code"), "unknown_type");

  ASSERT_EQ(client_->post(path, repeated(line, 10'000), lines).status, 200);
  EXPECT_EQ(submitted(), 10'002u);
  expect_working();
}

} // namespace

} // namespace overwatch
