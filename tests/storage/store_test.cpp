// The contract of overwatch::store, for every implementation.

#include "tests/storage/store_implementations.hpp"

#include <atomic>
#include <thread>

namespace overwatch::test {

namespace {

using keys = std::vector<std::string>;

keys keys_of(store_cursor& cursor) {
  keys result;
  for (; cursor.valid(); cursor.next())
    result.emplace_back(cursor.key());
  return result;
}

template <class Case>
class StoreTest : public testing::Test {
protected:
  void put_all(key_space space, const keys& xs) {
    write_batch batch;
    for (const auto& x : xs)
      batch.put(space, x, "value of " + x);
    ASSERT_EQ(store_.write(batch, true), store::write_result::done);
  }

  void write(const write_batch& batch) { ASSERT_EQ(store_.write(batch, true), store::write_result::done); }

  keys scanned(const std::string& first, const std::string& last, bool reverse = false) {
    auto cursor = store_.scan(key_space::state, first, last, reverse);
    return keys_of(*cursor);
  }

  Case case_;
  store& store_ = case_.get();
};

} // namespace

TYPED_TEST_SUITE(StoreTest, store_implementations);

TYPED_TEST(StoreTest, SpacesAreSeparate) {
  write_batch batch;
  batch.put(key_space::log, "k", "1");
  batch.put(key_space::state, "k", "2");
  batch.put(key_space::series, "k", "3");
  this->write(batch);
  EXPECT_EQ(this->store_.get(key_space::log, "k"), "1");
  EXPECT_EQ(this->store_.get(key_space::state, "k"), "2");
  EXPECT_EQ(this->store_.get(key_space::series, "k"), "3");
  EXPECT_EQ(this->store_.get(key_space::state, "other"), std::nullopt);
}

TYPED_TEST(StoreTest, KeysAndValuesMayHoldAnyBytes) {
  std::string odd{"\0\xFF\n\0", 4};
  write_batch batch;
  batch.put(key_space::state, odd, odd + odd);
  batch.put(key_space::state, "empty", "");
  this->write(batch);
  EXPECT_EQ(this->store_.get(key_space::state, odd), odd + odd);
  EXPECT_EQ(this->store_.get(key_space::state, "empty"), "");
}

TYPED_TEST(StoreTest, ChangesOfABatchApplyInTheirOrder) {
  write_batch batch;
  for (auto space : {key_space::log, key_space::state, key_space::series}) {
    batch.put(space, "a", "first");
    batch.erase(space, "a");
    batch.put(space, "a", "second");
    batch.put(space, "b", "gone");
    batch.erase_range(space, "b", "c");
    batch.put(space, "c1", "gone");
    batch.erase_range(space, "c", "d");
    batch.put(space, "c2", "after the range");
  }
  this->write(batch);
  for (auto space : {key_space::log, key_space::state, key_space::series}) {
    EXPECT_EQ(this->store_.get(space, "a"), "second");
    EXPECT_EQ(this->store_.get(space, "b"), std::nullopt);
    EXPECT_EQ(this->store_.get(space, "c1"), std::nullopt);
    EXPECT_EQ(this->store_.get(space, "c2"), "after the range");
  }
}

TYPED_TEST(StoreTest, TheLastChangeOfAKeyInABatchWins) {
  this->put_all(key_space::state, {"erased", "kept"});
  write_batch batch;
  batch.put(key_space::state, "z", "1");
  batch.put(key_space::state, "erased", "1");
  batch.erase(key_space::state, "kept");
  batch.put(key_space::state, "z", "2");
  batch.put(key_space::state, "kept", "1");
  batch.erase(key_space::state, "erased");
  batch.put(key_space::state, "kept", "2");
  batch.put(key_space::state, "a", "1");
  batch.put(key_space::state, "z", "3");
  this->write(batch);
  EXPECT_EQ(this->scanned("", "zz"), (keys{"a", "kept", "z"}));
  EXPECT_EQ(this->store_.get(key_space::state, "kept"), "2");
  EXPECT_EQ(this->store_.get(key_space::state, "z"), "3");
}

TYPED_TEST(StoreTest, ARepeatedBatchChangesNothing) {
  this->put_all(key_space::state, {"a", "b", "c"});
  write_batch batch;
  batch.erase_range(key_space::state, "a", "c");
  batch.put(key_space::state, "b", "new");
  batch.put(key_space::log, "entry", "1");
  this->write(batch);
  this->write(batch);
  EXPECT_EQ(this->scanned("", "z"), (keys{"b", "c"}));
  EXPECT_EQ(this->store_.get(key_space::state, "b"), "new");
  EXPECT_EQ(this->store_.get(key_space::log, "entry"), "1");
}

TYPED_TEST(StoreTest, AnEmptyBatchIsDone) {
  EXPECT_EQ(this->store_.write({}, true), store::write_result::done);
  EXPECT_EQ(this->store_.write({}, false), store::write_result::done);
}

TYPED_TEST(StoreTest, EraseRangeIncludesItsFirstAndExcludesItsLastKey) {
  this->put_all(key_space::state, {"a", "b", "c", "d"});
  write_batch batch;
  batch.erase_range(key_space::state, "b", "d");
  this->write(batch);
  EXPECT_EQ(this->scanned("", "z"), (keys{"a", "d"}));
}

TYPED_TEST(StoreTest, AReversedOrEmptyRangeErasesNothing) {
  this->put_all(key_space::state, {"a", "b"});
  write_batch batch;
  batch.erase_range(key_space::state, "c", "a");
  batch.erase_range(key_space::state, "a", "a");
  this->write(batch);
  EXPECT_EQ(this->scanned("", "z"), (keys{"a", "b"}));
}

TYPED_TEST(StoreTest, GetManyAnswersInTheOrderOfItsKeys) {
  this->put_all(key_space::state, {"a", "c", "d"});
  auto values = this->store_.get_many(key_space::state, {"a", "b", "c", "c", "d", "e"});
  ASSERT_EQ(values.size(), 6u);
  EXPECT_EQ(values[0], "value of a");
  EXPECT_EQ(values[1], std::nullopt);
  EXPECT_EQ(values[2], "value of c");
  EXPECT_EQ(values[3], "value of c");
  EXPECT_EQ(values[4], "value of d");
  EXPECT_EQ(values[5], std::nullopt);
  EXPECT_TRUE(this->store_.get_many(key_space::state, {}).empty());
}

TYPED_TEST(StoreTest, GetManyTakesMoreKeysThanOneBlock) {
  keys xs;
  for (int i = 1000; i < 2000; ++i)
    xs.push_back(std::to_string(i));
  this->put_all(key_space::state, xs);
  ASSERT_EQ(this->store_.checkpoint(), store::write_result::done);
  auto values = this->store_.get_many(key_space::state, xs);
  ASSERT_EQ(values.size(), xs.size());
  for (size_t i = 0; i < xs.size(); ++i)
    EXPECT_EQ(values[i], "value of " + xs[i]);
}

TYPED_TEST(StoreTest, AScanStaysInItsRangeInBothDirections) {
  this->put_all(key_space::state, {"a", "b", "c", "d"});
  EXPECT_EQ(this->scanned("b", "d"), (keys{"b", "c"}));
  EXPECT_EQ(this->scanned("b", "d", true), (keys{"c", "b"}));
  EXPECT_EQ(this->scanned("", "zz", true), (keys{"d", "c", "b", "a"}));
  EXPECT_EQ(this->scanned("b", "b"), keys{});
  EXPECT_EQ(this->scanned("d", "b"), keys{});
  EXPECT_EQ(this->scanned("d", "b", true), keys{});
  EXPECT_EQ(this->scanned("x", "z"), keys{});
  EXPECT_EQ(this->scanned("x", "z", true), keys{});
}

TYPED_TEST(StoreTest, AScanShowsKeysAndValuesWithoutTheErased) {
  this->put_all(key_space::state, {"a", "b", "c"});
  ASSERT_EQ(this->store_.checkpoint(), store::write_result::done);
  write_batch batch;
  batch.erase(key_space::state, "b");
  this->write(batch);
  auto cursor = this->store_.scan(key_space::state, "a", "z");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "a");
  EXPECT_EQ(cursor->value(), "value of a");
  cursor->next();
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->value(), "value of c");
  cursor->next();
  EXPECT_FALSE(cursor->valid());
}

TYPED_TEST(StoreTest, SeekFindsTheNextKeyAndKeepsToTheRange) {
  this->put_all(key_space::state, {"b", "d", "f", "h"});
  auto cursor = this->store_.scan(key_space::state, "c", "g");
  cursor->seek("e");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "f");
  cursor->seek("a"); // before the range: its beginning
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "d");
  cursor->seek("d");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "d");
  cursor->seek("g");
  EXPECT_FALSE(cursor->valid());
  cursor->seek("x");
  EXPECT_FALSE(cursor->valid());
  cursor->seek("c"); // usable again
  EXPECT_EQ(keys_of(*cursor), (keys{"d", "f"}));
}

TYPED_TEST(StoreTest, ReverseSeekFindsTheKeyBeforeAndKeepsToTheRange) {
  this->put_all(key_space::state, {"b", "d", "f", "h"});
  auto cursor = this->store_.scan(key_space::state, "c", "g", true);
  cursor->seek("e");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "d");
  cursor->seek("x"); // behind the range: its end
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "f");
  cursor->seek("f");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "f");
  cursor->seek("c");
  EXPECT_FALSE(cursor->valid());
  cursor->seek("a");
  EXPECT_FALSE(cursor->valid());
  cursor->seek("z");
  EXPECT_EQ(keys_of(*cursor), (keys{"f", "d"}));
}

TYPED_TEST(StoreTest, SeekingAnEmptyRangeFindsNothing) {
  this->put_all(key_space::state, {"a", "b"});
  for (bool reverse : {false, true}) {
    auto cursor = this->store_.scan(key_space::state, "b", "a", reverse);
    cursor->seek("a");
    EXPECT_FALSE(cursor->valid());
  }
}

TYPED_TEST(StoreTest, ACursorSeesTheStoreAsItWasWhenItBegan) {
  this->put_all(key_space::state, {"a", "b", "c"});
  auto cursor = this->store_.scan(key_space::state, "", "z");
  auto backwards = this->store_.scan(key_space::state, "", "z", true);
  write_batch batch;
  batch.erase(key_space::state, "b");
  batch.put(key_space::state, "c", "new");
  batch.put(key_space::state, "bb", "new");
  this->write(batch);
  write_batch more;
  more.erase_range(key_space::state, "a", "z");
  this->write(more);
  ASSERT_EQ(this->store_.checkpoint(), store::write_result::done);
  EXPECT_EQ(keys_of(*cursor), (keys{"a", "b", "c"}));
  EXPECT_EQ(keys_of(*backwards), (keys{"c", "b", "a"}));
  cursor->seek("c");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->value(), "value of c");
  cursor.reset();
  EXPECT_EQ(this->scanned("", "z"), keys{});
}

TYPED_TEST(StoreTest, ReadersNeverSeeHalfOfABatch) {
  constexpr int rounds = 300;
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::atomic<int> looks{0};
  std::thread reader{[&] {
    while (!done || looks == 0) {
      ++looks;
      auto cursor = this->store_.scan(key_space::state, "", "z");
      std::string seen = cursor->valid() ? std::string{cursor->value()} : "";
      size_t count = 0;
      for (; cursor->valid(); cursor->next(), ++count)
        torn += cursor->value() == seen ? 0 : 1;
      torn += count == 0 || count == 20 ? 0 : 1;
    }
  }};
  for (int round = 0; round < rounds; ++round) {
    write_batch batch;
    for (int key = 0; key < 20; ++key)
      batch.put(key_space::state, "key " + std::to_string(key), std::to_string(round));
    if (this->store_.write(batch, false) != store::write_result::done)
      ++torn;
  }
  done = true;
  reader.join();
  EXPECT_EQ(torn, 0);
}

TYPED_TEST(StoreTest, CheckpointsRunBesideWrites) {
  std::atomic<bool> done{false};
  std::atomic<int> checkpoints{0};
  std::atomic<int> refused{0};
  std::thread other{[&] {
    while (!done || checkpoints == 0) {
      refused += this->store_.checkpoint() == store::write_result::done ? 0 : 1;
      ++checkpoints;
    }
  }};
  for (int i = 1000; i < 2000; ++i) {
    write_batch batch;
    batch.put(key_space::log, std::to_string(i), "entry");
    batch.put(key_space::state, std::to_string(i), "state");
    refused += this->store_.write(batch, false) == store::write_result::done ? 0 : 1;
  }
  done = true;
  other.join();
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(this->scanned("", "z").size(), 1000u);
}

TYPED_TEST(StoreTest, SaysHowMuchItOccupiesAndHowMuchIsFree) {
  auto before = this->store_.used_bytes();
  write_batch batch;
  uint32_t random = 1; // incompressible
  for (int i = 0; i < 100; ++i) {
    std::string value(10'000, ' ');
    for (auto& c : value)
      c = static_cast<char>((random = random * 1664525 + 1013904223) >> 24);
    batch.put(key_space::state, std::to_string(i), std::move(value));
  }
  this->write(batch);
  ASSERT_EQ(this->store_.checkpoint(), store::write_result::done);
  EXPECT_GE(this->store_.used_bytes(), before + 900'000);
  EXPECT_GT(this->store_.free_bytes(), 0u);
}

} // namespace overwatch::test
