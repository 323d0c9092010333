#include "config/document.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace overwatch;

namespace {

const config_entry& entry(const config_value::map& map, size_t index) { return map.entries.at(index); }

const config_value::map& map_of(const config_value& value) { return std::get<config_value::map>(value.data); }

void expect_position(config_position position, unsigned line, unsigned column) {
  EXPECT_EQ(position.line, line);
  EXPECT_EQ(position.column, column);
}

struct syntax_case {
  std::string text;
  unsigned line;
  unsigned column;
  std::string message_part;
};

} // namespace

TEST(DocumentTest, BothWaysToWriteASectionReadTheSame) {
  auto document = parse_document("http { port = 1 }\n[log]\nlevel = \"info\" ; a comment\n");
  ASSERT_TRUE(document.errors.empty());
  ASSERT_EQ(document.sections.entries.size(), 2u);
  EXPECT_EQ(entry(document.sections, 0).key, "http");
  EXPECT_EQ(std::get<int64_t>(entry(map_of(entry(document.sections, 0).value), 0).value.data), 1);
  EXPECT_EQ(entry(document.sections, 1).key, "log");
  EXPECT_EQ(std::get<std::string>(entry(map_of(entry(document.sections, 1).value), 0).value.data), "info");
}

TEST(DocumentTest, KeysAndValuesHaveTheirPositions) {
  auto document = parse_document("\n  a {\n    b =   [1, ; one\n      30s]\n  }\n");
  ASSERT_TRUE(document.errors.empty());
  auto& section = entry(document.sections, 0);
  expect_position(section.position, 2, 3);
  expect_position(section.value.position, 2, 5);
  auto& option = entry(map_of(section.value), 0);
  expect_position(option.position, 3, 5);
  expect_position(option.value.position, 3, 11);
  auto& items = std::get<config_value::list>(option.value.data).items;
  ASSERT_EQ(items.size(), 2u);
  expect_position(items[0].position, 3, 12);
  expect_position(items[1].position, 4, 7);
  EXPECT_EQ(std::get<caf::timespan>(items[1].data), caf::timespan{std::chrono::seconds{30}});
}

TEST(DocumentTest, WindowsLineEndsAndByteOrderMarkAreRead) {
  auto document = parse_document("\xEF\xBB\xBFhttp {\r\n  port = 1\r\n}\r\n");
  EXPECT_TRUE(document.errors.empty());
  ASSERT_EQ(document.sections.entries.size(), 1u);
  EXPECT_EQ(entry(document.sections, 0).key, "http");
}

TEST(DocumentTest, SyntaxErrorsSayWhereAndWhat) {
  std::vector<syntax_case> cases{
    {"http { level = info }", 1, 16, "double quotes"},
    {"http {\n  wait = 5m\n}", 2, 12, "units are ns, us, ms, s, min and h"},
    {"http {\n  wait = 1.5s\n}", 2, 13, "1500ms instead of 1.5s"},
    {"# http", 1, 1, "comments start with ';'"},
    {"http.port = 3", 1, 5, "section { option = value }"},
    {"http {\n port = 1\n", 3, 1, "opened in line 1, column 6 is not closed"},
    {"http { port = 1 level = 2 }", 1, 17, "a comma between two"},
    {"port = 1 level = 2", 1, 10, "a line of its own"},
    {"text = \"\\q\"", 1, 10, "escape is unknown"},
    {"number = 99999999999999999999", 1, 28, "too large"},
    {std::string{"a = 1\nb\0 = 2", 13}, 2, 2, "NUL byte"},
  };
  for (auto& one : cases) {
    auto document = parse_document(one.text);
    ASSERT_FALSE(document.errors.empty()) << one.text;
    auto& error = document.errors.front();
    EXPECT_NE(error.message.find(one.message_part), std::string::npos) << one.text << ": " << error.message;
    EXPECT_EQ(error.position.line, one.line) << one.text;
    EXPECT_EQ(error.position.column, one.column) << one.text;
  }
}

TEST(DocumentTest, WhatStandsBeforeASyntaxErrorIsKept) {
  auto document = parse_document("http {\n  port = 1\n  threads = x\n}\n");
  ASSERT_EQ(document.errors.size(), 1u);
  ASSERT_EQ(document.sections.entries.size(), 1u);
  EXPECT_EQ(entry(map_of(entry(document.sections, 0).value), 0).key, "port");
}

TEST(DocumentTest, DurationsThatDoNotFitAreRefused) {
  EXPECT_TRUE(std::holds_alternative<config_value::unusable>(parse_value("9999999999999h").data));
  EXPECT_TRUE(std::holds_alternative<config_value::unusable>(parse_value("-9999999999999min").data));
  EXPECT_TRUE(std::holds_alternative<caf::timespan>(parse_value("2562047h").data));
}

TEST(DocumentTest, DeepNestingIsRefusedNotFollowed) {
  for (std::string part : {"[", "a {", "a=["}) {
    std::string text = part == "[" ? "x = " : "";
    for (int i = 0; i < 100'000; ++i)
      text += part;
    EXPECT_FALSE(parse_document(text).errors.empty());
  }
  std::string section = "[a";
  for (int i = 0; i < 100'000; ++i)
    section += ".a";
  auto document = parse_document(section + "]");
  ASSERT_FALSE(document.errors.empty());
  EXPECT_NE(document.errors.front().message.find("at most 16 deep"), std::string::npos);
}

TEST(DocumentTest, HugeFilesAreRefused) {
  auto document = parse_document(std::string(config_limits::file_bytes + 1, ' '));
  ASSERT_EQ(document.errors.size(), 1u);
}

TEST(DocumentTest, NoInputCrashesOrHangs) {
  std::mt19937 random{20261122};
  const std::vector<std::string> pieces{"http",
                                        " ",
                                        "{",
                                        "}",
                                        "[",
                                        "]",
                                        "=",
                                        "\n",
                                        ",",
                                        ";",
                                        "\"",
                                        "'",
                                        "\\",
                                        "-",
                                        "1",
                                        "0x",
                                        "s",
                                        "min",
                                        "h",
                                        "e9",
                                        ".",
                                        "<",
                                        ">",
                                        "true",
                                        "fa",
                                        "9223372036854775807",
                                        "\xff",
                                        "\r\n",
                                        "global",
                                        "a:b",
                                        std::string(1, '\0'),
                                        "\xC3\xA4"};
  for (int round = 0; round < 50'000; ++round) {
    std::string text;
    for (auto length = random() % 40; length > 0; --length)
      text += random() % 8 == 0 ? std::string(1, static_cast<char>(random())) : pieces[random() % pieces.size()];
    for (auto& error : parse_document(text).errors) {
      ASSERT_GE(error.position.line, 1u);
      ASSERT_GE(error.position.column, 1u);
      ASSERT_FALSE(error.message.empty());
    }
    parse_value(text);
  }
}
