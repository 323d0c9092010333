#include "runtime/replication/entry_terms.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace overwatch {

namespace {

entry_terms terms_of(std::initializer_list<uint64_t> terms) {
  entry_terms result;
  for (auto term : terms)
    result.append(term);
  return result;
}

} // namespace

TEST(EntryTermsTest, KnowsTheTermOfEveryEntry) {
  auto x = terms_of({1, 1, 3, 3, 7});
  EXPECT_EQ(x.first(), 1u);
  EXPECT_EQ(x.last(), 5u);
  EXPECT_EQ(x.at(0), 0u);
  EXPECT_EQ(x.at(2), 1u);
  EXPECT_EQ(x.at(3), 3u);
  EXPECT_EQ(x.at(5), 7u);
  EXPECT_EQ(x.at(6), 0u);
}

TEST(EntryTermsTest, AfterACutTheTermBeforeTheFirstIsKnown) {
  auto x = terms_of({1, 1, 3, 3, 7});
  x.cut_below(4);
  EXPECT_EQ(x.first(), 4u);
  EXPECT_EQ(x.at(3), 3u);
  EXPECT_EQ(x.at(2), 0u);
  x.cut_from(5);
  EXPECT_EQ(x.last(), 4u);
  EXPECT_EQ(x.at(5), 0u);
  x.append(9);
  EXPECT_EQ(x.at(5), 9u);
}

TEST(EntryTermsTest, ALogCanBeCutToNothing) {
  auto x = terms_of({1, 2});
  x.cut_below(3);
  EXPECT_EQ(x.first(), 3u);
  EXPECT_EQ(x.last(), 2u);
  EXPECT_EQ(x.at(2), 2u);
  x.append(2);
  EXPECT_EQ(x.at(3), 2u);
}

TEST(EntryTermsTest, IsLikeAListOfTerms) {
  std::mt19937 random{7};
  entry_terms x;
  std::vector<uint64_t> list{0}; // by index, from 0 on
  size_t first = 1;
  for (int i = 0; i < 20'000; ++i) {
    switch (random() % 8) {
      case 0:
        if (list.size() > first) {
          auto index = first + random() % (list.size() - first);
          x.cut_from(index);
          list.resize(index);
        }
        break;
      case 1: {
        auto next = first + random() % (list.size() - first + 1);
        x.cut_below(next);
        first = next;
        break;
      }
      default:
        list.push_back(list.back() + random() % 3 + (list.size() == 1 ? 1 : 0));
        x.append(list.back());
    }
    ASSERT_EQ(x.first(), first);
    ASSERT_EQ(x.last() + 1, list.size());
    auto index = random() % (list.size() + 2);
    ASSERT_EQ(x.at(index), index + 1 >= first && index < list.size() ? list[index] : 0u);
  }
}

} // namespace overwatch
