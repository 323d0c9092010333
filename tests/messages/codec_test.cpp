#include "messages/codec.hpp"

#include "messages/requests.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

struct inner {
  std::string text;
  std::optional<int64_t> number;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, inner& x) {
  return f(x.text, x.number);
}

struct first_version {
  uint32_t number = 0;
  std::vector<inner> list;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, first_version& x) {
  return f(x.number, x.list);
}

/// The same record, grown at its end.
struct second_version {
  uint32_t number = 0;
  std::vector<inner> list;
  double share = 0.25;
  std::string note = "default";
  inner more{"default", 5};
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, second_version& x) {
  return f(x.number, x.list, x.share, x.note, x.more);
}

template <class T>
T round_trip(T x) {
  std::string bytes;
  encoder{bytes}(x);
  T read{};
  decoder f{bytes};
  EXPECT_TRUE(f(read));
  EXPECT_TRUE(f.rest().empty());
  return read;
}

first_version sample() { return {7, {{"one", 1}, {"", std::nullopt}, {std::string("\0\xFF", 2), -1}}}; }

} // namespace

TEST(CodecTest, NumbersComeBack) {
  for (int64_t x : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{63}, int64_t{64}, int64_t{-64}, int64_t{-65},
                    std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()})
    EXPECT_EQ(round_trip(x), x);
  for (uint64_t x : {uint64_t{0}, uint64_t{127}, uint64_t{128}, uint64_t{16383}, uint64_t{16384}, ~uint64_t{0}})
    EXPECT_EQ(round_trip(x), x);
  for (double x :
       {0.0, -0.5, 1e300, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::denorm_min()})
    EXPECT_EQ(round_trip(x), x);
  EXPECT_TRUE(round_trip(true));
  EXPECT_EQ(round_trip(int8_t{-128}), -128);
}

TEST(CodecTest, OtherTypesComeBack) {
  EXPECT_EQ(round_trip(std::string("\0a\xFF", 3)), std::string("\0a\xFF", 3));
  EXPECT_EQ(round_trip(std::string(100'000, 'x')).size(), 100'000u);
  EXPECT_EQ(round_trip(milliseconds{-5}), -5ms);
  EXPECT_EQ(round_trip(timestamp{1'700'000'000s + 1us}), timestamp{1'700'000'000s + 1us});
  EXPECT_EQ(round_trip(task_status::cancelled), task_status::cancelled);
  EXPECT_EQ(round_trip(std::optional<std::string>{}), std::nullopt);
  EXPECT_EQ(round_trip(std::optional<std::string>{""}), "");
  using table = std::map<std::string, std::vector<uint32_t>>;
  EXPECT_EQ(round_trip(table{{"a", {1, 2}}, {"", {}}}), (table{{"a", {1, 2}}, {"", {}}}));
}

TEST(CodecTest, SmallNumbersAreSmall) {
  std::string bytes;
  encoder f{bytes};
  f(uint64_t{127}, int64_t{-64}, task_status::running);
  EXPECT_EQ(bytes.size(), 3u);
}

TEST(CodecTest, OlderRecordLeavesNewFieldsAtTheirDefaults) {
  second_version read;
  ASSERT_TRUE(decode(encode(sample()), read));
  EXPECT_EQ(read.number, 7u);
  ASSERT_EQ(read.list.size(), 3u);
  EXPECT_EQ(*read.list[2].number, -1);
  EXPECT_EQ(read.share, 0.25);
  EXPECT_EQ(read.note, "default");
  EXPECT_EQ(*read.more.number, 5);
}

TEST(CodecTest, NewerRecordIsReadableByAnOlderReader) {
  second_version newer;
  newer.number = 9;
  newer.note = "new";
  first_version read;
  EXPECT_TRUE(decode(encode(newer), read));
  EXPECT_EQ(read.number, 9u);
}

TEST(CodecTest, FieldThatEndsInItsMiddleIsDamage) {
  second_version x;
  x.list = {{"text", 5}};
  x.note = "a note";
  x.more = {"more", 7'000'000};
  auto bytes = encode(x);
  std::set<size_t> whole; // sizes at which the record ends between two outermost fields
  std::string part;
  encoder f{part};
  whole.insert(0);
  f(x.number);
  whole.insert(part.size());
  f(x.list);
  whole.insert(part.size());
  f(x.share);
  whole.insert(part.size());
  f(x.note);
  whole.insert(part.size());
  for (size_t size = 0; size < bytes.size(); ++size) {
    second_version read;
    EXPECT_EQ(decode(std::string_view{bytes}.substr(0, size), read), whole.count(size) == 1) << size;
  }
}

TEST(CodecTest, LengthsThatLieAreRefusedWithoutTakingMemory) {
  std::string bytes;
  encoder f{bytes};
  f.put_size(7);          // number
  f.put_size(1ULL << 60); // length of the list
  first_version read;
  EXPECT_FALSE(decode(bytes, read));
  bytes.clear();
  f.put_size(~0ULL); // length of a string
  decoder text{bytes};
  std::string out;
  EXPECT_FALSE(text(out));
  bytes.clear();
  f.put_size(~0ULL); // number of pairs
  decoder pairs{bytes};
  std::map<std::string, std::string> table;
  EXPECT_FALSE(pairs(table));
}

TEST(CodecTest, NumberThatNeverEndsIsRefused) {
  std::string bytes(20, '\xFF');
  decoder f{bytes};
  uint64_t x = 0;
  EXPECT_FALSE(f(x));
}

TEST(CodecTest, WholeTaskComesBack) {
  task_record x;
  x.spec.id = {1, 2};
  x.spec.name = "task";
  x.spec.context = {{"a", "b"}};
  x.spec.depends_on = {{3, 4}};
  x.state.status = task_status::failed;
  x.state.error = {violation::gate, "closed"};
  x.state.percent = 12.5;
  x.payload = "{}";
  x.result = "[1]";
  task_record read;
  ASSERT_TRUE(decode(encode(x), read));
  EXPECT_EQ(encode(read), encode(x));
  EXPECT_EQ(read.state.error.message, "closed");
}

TEST(CodecTest, RandomBytesNeverCrash) {
  std::mt19937 random{1};
  auto good = encode(task_record{});
  for (int i = 0; i < 50'000; ++i) {
    std::string bytes = i % 2 ? good : std::string(random() % 300, '\0');
    auto changes = i % 2 ? 1 + random() % 5 : bytes.size();
    for (size_t n = 0; n < changes; ++n)
      bytes[i % 2 ? random() % bytes.size() : n] = static_cast<char>(random());
    task_record record;
    if (decode(bytes, record)) {
      EXPECT_FALSE(encode(record).empty());
    }
  }
}

} // namespace overwatch
