#include "runtime/rules/script_value.hpp"

#include <gtest/gtest.h>

namespace overwatch::test {

namespace {

using kind = script_value::kind;

std::string json(const script_value& x) {
  std::string out;
  auto fault = append_json(out, x);
  return fault.empty() ? out : fault;
}

script_value list(std::vector<script_value> items) {
  auto x = script_value::make(kind::list);
  x.items = std::move(items);
  return x;
}

script_value object(std::map<std::string, script_value> fields) {
  auto x = script_value::make(kind::object);
  x.fields = std::move(fields);
  return x;
}

} // namespace

TEST(ScriptValueTest, NumbersKeepTheirKind) {
  EXPECT_EQ(json(int64_t{5}), "5");
  EXPECT_EQ(json(5.0), "5.0");
  EXPECT_EQ(json(0.1), "0.1");
  EXPECT_EQ(json(1e300), "1e+300");
  EXPECT_EQ(json(int64_t{-9223372036854775807}), "-9223372036854775807");
}

TEST(ScriptValueTest, TextIsEscaped) {
  EXPECT_EQ(json("a\"b\\c\n\x01\x7F"), R"("a\"b\\c\n\u0001\u007f")");
  EXPECT_EQ(json("caf\xC3\xA9"), "\"caf\xC3\xA9\"");
}

TEST(ScriptValueTest, TextThatIsNotUtf8IsRefusedWithItsPlace) {
  EXPECT_EQ(json(object({{"payload", list({"ok", "\xFF"})}})), "/payload/1: the text is not UTF-8");
  EXPECT_EQ(json(object({{"\xFF", true}})), "/: a key is not UTF-8");
}

TEST(ScriptValueTest, ListsAndObjectsAreNested) {
  EXPECT_EQ(json(object({{"b", list({int64_t{1}, script_value{}, true})}, {"a", object({})}})),
            R"({"a":{},"b":[1,null,true]})");
  EXPECT_EQ(json(list({})), "[]");
}

TEST(ScriptValueTest, EmptyTableIsAListWhereATaskHasOne) {
  std::string out;
  EXPECT_EQ(append_task_json(out, object({{"tags", object({})},
                                          {"payload", object({{"tags", object({})}})},
                                          {"resources", object({{"exclusive", object({})}})},
                                          {"snapshot", object({{"files", object({})}, {"keys", list({"a"})}})}})),
            "");
  EXPECT_EQ(out,
            R"({"payload":{"tags":{}},"resources":{"exclusive":[]},"snapshot":{"files":[],"keys":["a"]},"tags":[]})");
}

} // namespace overwatch::test
