// Whatever other nodes and programs send: every type of the protocol, found by its number.

#include "actors/wire.hpp"
#include "tests/fuzz/mutation.hpp"
#include "tests/fuzz/random_value.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <gtest/gtest.h>

namespace overwatch::fuzz {

namespace {

struct config : caf::actor_system_config {
  config() {
    add_node_messages(*this);
  }
};

class WireFuzzTest : public testing::Test {
protected:
  template <class T>
  std::string bytes_of(T& x) {
    std::vector<char> buffer;
    caf::binary_serializer sink{system_, buffer};
    EXPECT_FALSE(sink(x));
    return {buffer.begin(), buffer.end()};
  }

  template <class T>
  bool read(const std::string& bytes, T& x) {
    caf::binary_deserializer source{system_, bytes.data(), bytes.size()};
    return !source(x);
  }

  template <class T>
  void damage() {
    std::vector<std::string> valid;
    for (uint64_t seed = 1; seed <= 8; ++seed) {
      auto x = random_value<T>(seed);
      valid.push_back(bytes_of(x));
      T back{};
      ASSERT_TRUE(read(valid.back(), back)) << caf::type_name<T>::value;
      ASSERT_EQ(bytes_of(back), valid.back()) << caf::type_name<T>::value;
    }
    mutation damaged{1};
    for (int i = 0; i < rounds_here; ++i) {
      auto bytes = damaged(valid);
      auto before = allocated_bytes();
      {
        T x{};
        refused_ += read(bytes, x) ? 0 : 1;
      }
      ASSERT_LE(allocated_bytes() - before, allowed_bytes(bytes.size())) << caf::type_name<T>::value << ", round " << i;
    }
    ++types_;
  }

  template <caf::type_id_t First, size_t... Is>
  void damage_all(std::index_sequence<Is...>) {
    (damage<typename caf::type_by_id<First + Is>::type>(), ...);
  }

  template <class Block>
  void damage_block() {
    damage_all<Block::begin>(std::make_index_sequence<Block::end - Block::begin>{});
  }

  static constexpr int rounds_here = rounds / 10; // there are many types

  config config_;
  caf::actor_system system_{config_};
  int types_ = 0;
  int refused_ = 0;
};

} // namespace

TEST_F(WireFuzzTest, NothingThatProgramsSendDoesHarm) {
  damage_block<caf::id_block::overwatch>();
  EXPECT_GT(types_, 70);
  EXPECT_GT(refused_, 1000);
}

TEST_F(WireFuzzTest, NothingThatNodesSendDoesHarm) {
  damage_block<caf::id_block::overwatch_nodes>();
  EXPECT_GT(types_, 10);
  EXPECT_GT(refused_, 1000);
}

} // namespace overwatch::fuzz
