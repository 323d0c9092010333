#include "tests/actors/played_partition.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch::test {

class DocumentStateTest : public ::testing::Test, public played_partition {};

TEST_F(DocumentStateTest, VersionsGrowWithEveryChangeOfAnyDocument) {
  auto first = result(key("a", "1")).version;
  auto second = result(key("b", "1")).version;
  auto third = result(key("a", std::nullopt)).version;
  auto fourth = result(key("a", "1")).version;
  EXPECT_LT(0u, first);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_LT(third, fourth) << "a key that comes back has a version of its own";
}

TEST_F(DocumentStateTest, CompareAndSetTakesOnlyTheVersionThatIsThere) {
  auto version = result(key("a", "1")).version;
  auto refused = result(key("a", "2", version + 1));
  EXPECT_EQ(refused.error.code, ec::conflict);
  EXPECT_EQ(refused.version, version) << "says which one it has";
  EXPECT_EQ(value("a"), "1");
  EXPECT_EQ(code(key("a", "2", version)), ec::none);
  EXPECT_EQ(code(key("a", "3", version)), ec::conflict) << "the second of two that read the same";
  EXPECT_EQ(value("a"), "2");
}

TEST_F(DocumentStateTest, VersionZeroMeansThatItIsNotThere) {
  EXPECT_EQ(code(key("a", "1", 0)), ec::none);
  EXPECT_EQ(code(key("a", "2", 0)), ec::conflict);
  EXPECT_EQ(code(key("b", "1", 7)), ec::conflict);
  EXPECT_EQ(code(key("b", std::nullopt, 0)), ec::not_found);
}

TEST_F(DocumentStateTest, RemovingIsCompareAndSetToo) {
  auto version = result(key("a", "1")).version;
  EXPECT_EQ(code(key("a", std::nullopt, version + 1)), ec::conflict);
  EXPECT_EQ(code(key("a", std::nullopt, version)), ec::none);
  EXPECT_EQ(value("a"), std::nullopt);
  EXPECT_EQ(code(key("a", std::nullopt)), ec::not_found);
}

TEST_F(DocumentStateTest, ChangesAreToldOnce) {
  auto entry = apply({key("a", "1"), key("a", "2", 99), gate("g", false)});
  ASSERT_EQ(entry.documents.size(), 2u);
  EXPECT_EQ(entry.documents[0].name, "a");
  EXPECT_EQ(*entry.documents[0].value, "1");
  EXPECT_EQ(entry.documents[1].kind, document_kind::gate);
}

TEST_F(DocumentStateTest, AllKeysTogetherHaveALimit) {
  std::string large(key_limits::value_bytes, 'x');
  std::vector<command> commands;
  for (size_t i = 0; i < key_limits::total_bytes / key_limits::value_bytes; ++i)
    commands.push_back(key("k" + std::to_string(i), large));
  auto results = apply(std::move(commands)).results;
  EXPECT_EQ(results.front().error.code, ec::none);
  EXPECT_EQ(results.back().error.code, ec::too_large);
  EXPECT_EQ(code({put_command{document_kind::rule, "r", large, {}}}), ec::none) << "others have their own limits";
  EXPECT_EQ(code(key("k0", std::nullopt)), ec::none);
  EXPECT_EQ(code(key("k0", std::string(1000, 'y'))), ec::none);
}

TEST_F(DocumentStateTest, SurvivesACrash) {
  auto version = result(key("a", "1")).version;
  apply({key("gone", "1"), gate("g", false), key("gone", std::nullopt)});
  flush();
  auto later = result(key("b", "2")).version;
  crash();
  EXPECT_EQ(value("a"), "1");
  EXPECT_EQ(value("b"), "2");
  EXPECT_EQ(value("gone"), std::nullopt);
  EXPECT_EQ(state->documents().find(document_kind::key, "a")->version, version);
  EXPECT_EQ(state->documents().find(document_kind::key, "b")->version, later);
  EXPECT_GT(result(key("c", "3")).version, later);
}

} // namespace overwatch::test
