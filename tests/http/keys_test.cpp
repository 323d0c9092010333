#include "http/base64.hpp"
#include "tests/http/server_fixture.hpp"

using namespace overwatch;

namespace {

const std::string json_type = "Content-Type: application/json\r\n";

class KeysTest : public server_fixture {
protected:
  void SetUp() override { start(); }

  std::string stored(const std::string& key) {
    std::lock_guard lock{node->mutex};
    return node->keys.at(key).value;
  }

  int64_t put(const std::string& key, const std::string& value) {
    auto reply = call("PUT", "/keys/" + key, value);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return json_of(reply).at("version").as_int64();
  }
};

} // namespace

TEST_F(KeysTest, ValueIsTheBody) {
  auto reply = call("PUT", "/keys/app/mode", "blue", "Content-Type: text/plain\r\n");
  ASSERT_EQ(reply.status, 200) << reply.body;
  auto key = json_of(reply);
  EXPECT_EQ(key.at("key").as_string(), "app/mode");
  EXPECT_EQ(key.at("value").as_string(), "blue");
  EXPECT_EQ(reply.headers["etag"], '"' + std::to_string(key.at("version").as_int64()) + '"');
  EXPECT_EQ(json_of(call("GET", "/keys/app/mode")), key);
  EXPECT_EQ(json_of(call("GET", "/keys/app%2Fmode")), key);
  EXPECT_EQ(json_of(call("DELETE", "/keys/app/mode")), key);
  auto gone = call("GET", "/keys/app/mode");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(error_code(gone), "not_found");
  EXPECT_EQ(call("DELETE", "/keys/app/mode").status, 404);
}

TEST_F(KeysTest, KeyIsTheRestOfThePath) {
  for (const auto* key : {"a/b/c/d/e/f/g/h/i/j", "a//b", "a/", "a%20b/c%25", "%C3%A4", "x?version=0"})
    EXPECT_EQ(call("PUT", std::string{"/keys/"} + key, "v").status, 200) << key;
  {
    std::lock_guard lock{node->mutex};
    std::vector<std::string> keys;
    for (const auto& [key, record] : node->keys)
      keys.push_back(key);
    EXPECT_THAT(keys, testing::ElementsAre("a b/c%", "a/", "a//b", "a/b/c/d/e/f/g/h/i/j", "x", "\xC3\xA4"));
  }
  EXPECT_EQ(call("PUT", "/keys/", "v").status, 404);
  EXPECT_EQ(call("PUT", "/keys/a/b/c/d/e/f/g/h/i/%zz", "v").status, 400);
  EXPECT_EQ(call("PUT", "/keys/%00", "v").status, 400);
  EXPECT_EQ(call("POST", "/keys/a/b", "v").headers["allow"], "GET, HEAD, PUT, DELETE, OPTIONS");
}

TEST_F(KeysTest, JsonBodyHasTheValueInAField) {
  EXPECT_EQ(call("PUT", "/keys/k", R"({"value":"5"})", json_type).status, 200);
  EXPECT_EQ(stored("k"), "5");
  EXPECT_EQ(call("PUT", "/keys/k", R"({"value_base64":"AAH/"})", json_type).status, 200);
  EXPECT_EQ(stored("k"), std::string("\0\1\xFF", 3));
  EXPECT_EQ(call("PUT", "/keys/k", R"({"value":"5"})").status, 200); // no content type: these bytes
  EXPECT_EQ(stored("k"), R"({"value":"5"})");
  const std::vector<std::array<const char*, 2>> wrong{{"{}", "/value"},
                                                      {R"({"value":5})", "/value"},
                                                      {R"({"value_base64":"AA"})", "/value_base64"},
                                                      {R"({"value":"a","value_base64":"AAAA"})", "/value_base64"},
                                                      {R"({"version":5})", "/version"}};
  for (const auto& [body, field] : wrong) {
    auto reply = call("PUT", "/keys/k", body, json_type);
    EXPECT_EQ(reply.status, 422) << body;
    EXPECT_EQ(error_field(reply), field) << body;
  }
  EXPECT_EQ(call("PUT", "/keys/k", "{", json_type).status, 400);
}

TEST_F(KeysTest, BytesComeBackAsTheyWere) {
  const std::string bytes{"\0\xFF\r\n\x80", 5};
  put("b", bytes);
  auto shown = json_of(call("GET", "/keys/b"));
  EXPECT_FALSE(shown.as_object().contains("value"));
  EXPECT_EQ(http::from_base64(shown.at("value_base64").as_string().c_str()), bytes);
  for (const auto& raw : {call("GET", "/keys/b?raw=true"),
                          call("GET", "/keys/b", {}, "Accept: application/octet-stream\r\n")}) {
    EXPECT_EQ(raw.body, bytes);
    EXPECT_EQ(raw.headers.at("content-type"), "application/octet-stream");
    EXPECT_EQ(raw.headers.at("etag"), "\"1\"");
  }
  EXPECT_EQ(call("GET", "/keys/b?raw=perhaps").status, 422);
}

TEST_F(KeysTest, VersionGuardsAChange) {
  EXPECT_EQ(call("PUT", "/keys/k?version=0", "first").status, 200);
  auto taken = call("PUT", "/keys/k?version=0", "second");
  EXPECT_EQ(taken.status, 409);
  EXPECT_EQ(error_code(taken), "conflict");
  EXPECT_EQ(taken.headers["etag"], "\"1\"");
  EXPECT_EQ(call("PUT", "/keys/k", "second", "If-Match: \"1\"\r\n").status, 200);
  EXPECT_EQ(call("PUT", "/keys/k", "third", "If-Match: 2\r\n").status, 200);
  EXPECT_EQ(call("DELETE", "/keys/k?version=2").status, 409);
  EXPECT_EQ(call("DELETE", "/keys/k", {}, "If-Match: \"3\"\r\n").status, 200);
  auto absent = call("PUT", "/keys/k?version=3", "fourth");
  EXPECT_EQ(absent.status, 409);
  EXPECT_EQ(absent.headers.count("etag"), 0u);
}

TEST_F(KeysTest, VersionThatIsNoneIsRefused) {
  for (const auto* match : {"*", "\"x\"", "W/\"1\"", "\"\"", "1, 2", "-1", "99999999999999999999"})
    EXPECT_EQ(call("PUT", "/keys/k", "v", std::string{"If-Match: "} + match + "\r\n").status, 422) << match;
  EXPECT_EQ(call("PUT", "/keys/k?version=-1", "v").status, 422);
  EXPECT_EQ(call("PUT", "/keys/k?version=x", "v").status, 422);
  EXPECT_EQ(call("DELETE", "/keys/k?version=1", {}, "If-Match: \"2\"\r\n").status, 422);
}

TEST_F(KeysTest, ValueHasAtMostOneMebibyte) {
  EXPECT_EQ(call("PUT", "/keys/k", std::string(key_limits::value_bytes, 'x')).status, 200);
  auto reply = call("PUT", "/keys/k", std::string(key_limits::value_bytes + 1, 'x'));
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(error_code(reply), "too_large");
}

TEST_F(KeysTest, ListGoesOnAfterAKey) {
  for (const auto* key : {"a/1", "a/2", "a/3", "b/1"})
    put(key, key);
  auto first = json_of(call("GET", "/keys?prefix=a%2F&limit=2"));
  ASSERT_EQ(first.at("keys").as_array().size(), 2u);
  EXPECT_EQ(first.at("keys").at(1).at("value").as_string(), "a/2");
  EXPECT_EQ(first.at("next").as_string(), "a/2");
  auto second = json_of(call("GET", "/keys?prefix=a/&limit=2&after=a/2&values=false"));
  ASSERT_EQ(second.at("keys").as_array().size(), 1u);
  EXPECT_FALSE(second.at("keys").at(0).as_object().contains("value"));
  EXPECT_TRUE(second.at("next").is_null());
  for (const auto* query : {"limit=0", "limit=1001", "values=2", "before=a"})
    EXPECT_EQ(call("GET", std::string{"/keys?"} + query).status, 422) << query;
}

TEST(Base64Test, GoesThereAndBack) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(http::to_base64(bytes).size(), http::base64_size(bytes.size()));
    EXPECT_EQ(http::from_base64(http::to_base64(bytes)), bytes);
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(http::to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(http::to_base64("fooba"), "Zm9vYmE=");
}

TEST(Base64Test, RefusesWhatIsNone) {
  for (const auto* text : {"A", "AA", "AAA", "A===", "AA=A", "=AAA", "AAA!", "Zm9=", "AAAA ", "AA-_"})
    EXPECT_FALSE(http::from_base64(text)) << text;
}
