// Views of a store, and replacing the content of ranges, for every implementation.

#include "tests/storage/store_implementations.hpp"

#include <atomic>
#include <map>
#include <thread>

namespace overwatch::test {

namespace {

using rows = std::map<std::string, std::string>;

template <class Case>
class StoreReplacementTest : public testing::Test {
protected:
  void put(key_space space, const rows& xs) {
    write_batch batch;
    for (const auto& [key, value] : xs)
      batch.put(space, key, value);
    ASSERT_EQ(store_.write(batch, true), store_result::done);
  }

  static rows rows_of(const store_reader& x, key_space space = key_space::state) {
    rows result;
    for (auto i = x.scan(space, "", "\xFF"); i->valid(); i->next())
      result.emplace(i->key(), i->value());
    return result;
  }

  static rows backwards(const store_reader& x) {
    rows result;
    for (auto i = x.scan(key_space::state, "", "\xFF", true); i->valid(); i->next())
      result.emplace(i->key(), i->value());
    return result;
  }

  /// Stages `xs` for [first, last) of the state.
  std::unique_ptr<range_replacement> staged(const std::string& first, const std::string& last, const rows& xs) {
    auto result = store_.replace({{key_space::state, first, last}});
    for (const auto& [key, value] : xs)
      EXPECT_EQ(result->add(key_space::state, key, value), store_result::done);
    EXPECT_EQ(result->close(), store_result::done);
    return result;
  }

  Case case_;
  store& store_ = case_.get();
};

} // namespace

TYPED_TEST_SUITE(StoreReplacementTest, store_implementations);

TYPED_TEST(StoreReplacementTest, AViewDoesNotChange) {
  this->put(key_space::state, {{"a", "1"}, {"b", "1"}, {"c", "1"}});
  auto view = this->store_.view();
  this->put(key_space::state, {{"a", "2"}, {"d", "2"}});
  write_batch batch;
  batch.erase(key_space::state, "b");
  ASSERT_EQ(this->store_.write(batch, true), store_result::done);
  ASSERT_EQ(this->store_.checkpoint(), store_result::done);
  EXPECT_EQ(this->rows_of(*view), (rows{{"a", "1"}, {"b", "1"}, {"c", "1"}}));
  EXPECT_EQ(this->backwards(*view), this->rows_of(*view));
  EXPECT_EQ(view->get(key_space::state, "a"), "1");
  EXPECT_EQ(view->get(key_space::state, "d"), std::nullopt);
  auto values = view->get_many(key_space::state, {"a", "b", "d"});
  EXPECT_EQ(values, (std::vector<std::optional<std::string>>{"1", "1", std::nullopt}));
  auto later = this->store_.view();
  view.reset();
  EXPECT_EQ(this->rows_of(*later), (rows{{"a", "2"}, {"c", "1"}, {"d", "2"}}));
}

TYPED_TEST(StoreReplacementTest, TheRangeHoldsExactlyTheNewKeys) {
  this->put(key_space::state, {{"a", "1"}, {"m", "1"}, {"m1", "1"}, {"m3", "1"}, {"n", "1"}});
  auto x = this->staged("m", "n", {{"m1", "2"}, {"m2", "2"}});
  EXPECT_EQ(this->store_.get(key_space::state, "m3"), "1") << "nothing changes before";
  ASSERT_EQ(x->finish({}), store_result::done);
  rows expected{{"a", "1"}, {"m1", "2"}, {"m2", "2"}, {"n", "1"}};
  EXPECT_EQ(this->rows_of(this->store_), expected);
  EXPECT_EQ(this->backwards(this->store_), expected);
  EXPECT_EQ(this->store_.get(key_space::state, "m"), std::nullopt);
  EXPECT_EQ(this->store_.get(key_space::state, "m2"), "2");
}

TYPED_TEST(StoreReplacementTest, ItIsDurableWithItsBatchWhenItReturns) {
  this->put(key_space::state, {{"m", "1"}, {"z", "1"}});
  this->put(key_space::log, {{"e1", "1"}, {"e2", "1"}});
  auto x = this->staged("m", "n", {{"m2", "2"}});
  write_batch with_it;
  with_it.put(key_space::log, "position", "7");
  with_it.erase_range(key_space::log, "e", "f");
  with_it.put(key_space::state, "y", "2");
  with_it.put(key_space::state, "m3", "2");
  ASSERT_EQ(x->finish(with_it), store_result::done);
  auto found = this->case_.after_crash();
  for (const auto* db : {&this->store_, found.get()}) {
    EXPECT_EQ(this->rows_of(*db), (rows{{"m2", "2"}, {"m3", "2"}, {"y", "2"}, {"z", "1"}}));
    EXPECT_EQ(this->rows_of(*db, key_space::log), (rows{{"position", "7"}}));
  }
}

TYPED_TEST(StoreReplacementTest, WhatIsStagedIsGoneAfterACrash) {
  this->put(key_space::state, {{"m", "1"}});
  ASSERT_EQ(this->store_.checkpoint(), store_result::done);
  auto x = this->staged("m", "n", {{"m2", "2"}});
  EXPECT_EQ(this->rows_of(*this->case_.after_crash()), (rows{{"m", "1"}}));
}

TYPED_TEST(StoreReplacementTest, AbandonedItChangesNothing) {
  this->put(key_space::state, {{"m", "1"}});
  this->staged("m", "n", {{"m2", "2"}});
  this->store_.replace({{key_space::state, "m", "n"}});
  EXPECT_EQ(this->rows_of(this->store_), (rows{{"m", "1"}}));
}

TYPED_TEST(StoreReplacementTest, AnEmptyContentEmptiesTheRange) {
  this->put(key_space::state, {{"a", "1"}, {"m", "1"}, {"m1", "1"}, {"n", "1"}});
  ASSERT_EQ(this->staged("m", "n", {})->finish({}), store_result::done);
  EXPECT_EQ(this->rows_of(this->store_), (rows{{"a", "1"}, {"n", "1"}}));
}

TYPED_TEST(StoreReplacementTest, SeveralRangesOfSeveralSpaces) {
  for (auto space : {key_space::log, key_space::state, key_space::series})
    this->put(space, {{"a", "1"}, {"b", "1"}, {"c", "1"}, {"d", "1"}});
  auto x = this->store_.replace({{key_space::log, "b", "c"},
                                 {key_space::state, "a", "b"},
                                 {key_space::state, "b", "b5"},
                                 {key_space::state, "d", "e"},
                                 {key_space::series, "a", "z"}});
  ASSERT_EQ(x->add(key_space::log, "b1", "2"), store_result::done);
  ASSERT_EQ(x->add(key_space::state, "b1", "2"), store_result::done);
  ASSERT_EQ(x->add(key_space::state, "d", "2"), store_result::done);
  ASSERT_EQ(x->close(), store_result::done);
  ASSERT_EQ(x->finish({}), store_result::done);
  EXPECT_EQ(this->rows_of(this->store_, key_space::log), (rows{{"a", "1"}, {"b1", "2"}, {"c", "1"}, {"d", "1"}}));
  EXPECT_EQ(this->rows_of(this->store_), (rows{{"b1", "2"}, {"c", "1"}, {"d", "2"}}));
  EXPECT_EQ(this->rows_of(this->store_, key_space::series), rows{});
}

TYPED_TEST(StoreReplacementTest, AViewFromBeforeDoesNotShowIt) {
  this->put(key_space::state, {{"m1", "1"}, {"m2", "1"}});
  auto view = this->store_.view();
  auto cursor = this->store_.scan(key_space::state, "", "z");
  ASSERT_EQ(this->staged("m", "n", {{"m2", "2"}, {"m3", "2"}})->finish({}), store_result::done);
  EXPECT_EQ(this->rows_of(*view), (rows{{"m1", "1"}, {"m2", "1"}}));
  cursor->next();
  EXPECT_EQ(cursor->value(), "1");
  EXPECT_EQ(this->rows_of(*this->store_.view()), (rows{{"m2", "2"}, {"m3", "2"}}));
}

TYPED_TEST(StoreReplacementTest, TheRangeIsWrittenToAndReplacedAgain) {
  for (int round = 0; round < 4; ++round) {
    auto text = std::to_string(round);
    ASSERT_EQ(this->staged("m", "n", {{"m1", text}, {"m2" + text, text}})->finish({}), store_result::done);
    this->put(key_space::state, {{"m1", "written " + text}, {"m9", text}});
    EXPECT_EQ(this->rows_of(this->store_), (rows{{"m1", "written " + text}, {"m2" + text, text}, {"m9", text}}));
    write_batch batch;
    batch.erase(key_space::state, "m1");
    ASSERT_EQ(this->store_.write(batch, true), store_result::done);
    EXPECT_EQ(this->store_.get(key_space::state, "m1"), std::nullopt);
  }
}

TYPED_TEST(StoreReplacementTest, OthersWriteAndReadMeanwhileAndSeeItAtOneMoment) {
  constexpr int rounds = 30;
  constexpr int keys = 50;
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::atomic<int> refused{0};
  std::atomic<int> written{0};
  auto replace = [&](int round) {
    rows xs;
    for (int i = 0; i < keys; ++i)
      xs.emplace("m" + std::to_string(1000 + i + round % 7), std::to_string(round));
    refused += this->staged("m", "n", xs)->finish({}) == store_result::done ? 0 : 1;
  };
  replace(0);
  std::thread writer{[&] {
    while (!done || written == 0) {
      write_batch batch;
      batch.put(key_space::log, "entry", std::to_string(++written));
      batch.put(key_space::state, "a", std::to_string(written));
      refused += this->store_.write(batch, true) == store_result::done ? 0 : 1;
    }
  }};
  std::thread reader{[&] {
    while (!done) {
      int count = 0;
      auto cursor = this->store_.scan(key_space::state, "m", "n");
      auto seen = cursor->valid() ? std::string{cursor->value()} : std::string{};
      for (; cursor->valid(); cursor->next(), ++count)
        torn += cursor->value() == seen ? 0 : 1;
      torn += count == keys ? 0 : 1;
    }
  }};
  for (int round = 1; round <= rounds; ++round)
    replace(round);
  done = true;
  writer.join();
  reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(this->store_.get(key_space::state, "a"), std::to_string(written));
}

TYPED_TEST(StoreReplacementTest, TwoAtOnceDoNotDisturbEachOther) {
  auto one = this->store_.replace({{key_space::state, "a", "b"}});
  auto two = this->store_.replace({{key_space::state, "b", "c"}});
  ASSERT_EQ(one->add(key_space::state, "a1", "1"), store_result::done);
  ASSERT_EQ(two->add(key_space::state, "b1", "2"), store_result::done);
  ASSERT_EQ(one->close(), store_result::done);
  ASSERT_EQ(two->close(), store_result::done);
  ASSERT_EQ(two->finish({}), store_result::done);
  ASSERT_EQ(one->finish({}), store_result::done);
  EXPECT_EQ(this->rows_of(this->store_), (rows{{"a1", "1"}, {"b1", "2"}}));
}

} // namespace overwatch::test
