// Chunks of states whose checksums are good and whose content is not.

#include "tests/actors/shipped_state.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace overwatch::fuzz {

namespace {

using StateFuzzTest = test::state_transfer;

struct liar_state {
  std::vector<state_chunk> chunks;
  static inline const char* name = "liar";
};

state_shipper_actor::behavior_type liar(state_shipper_actor::stateful_pointer<liar_state> self,
                                        std::vector<state_chunk> chunks) {
  self->state.chunks = std::move(chunks);
  return {
    [](caf::join_atom, partition_id, const caf::strong_actor_ptr&) {},
    [](const open_transfer&) { return transfer_opened{}; },
    [=](const chunk_request& x) {
      const auto& chunks = self->state.chunks;
      auto chunk = chunks[std::min<size_t>(x.number, chunks.size() - 1)];
      chunk.number = x.number;
      chunk.checksum = checksum_of(chunk);
      return chunk;
    },
    [](const close_transfer&) {},
    [](const state_offer&) {},
    [](caf::tick_atom) {},
  };
}

} // namespace

TEST_F(StateFuzzTest, NoContentOfChunksDoesHarm) {
  auto offer = offered();
  std::vector<state_chunk> chunks;
  do
    chunks.push_back(*ask<state_chunk>(chunk_request{offer.transfer, chunks.size()}));
  while (!chunks.back().end);
  fill(target, shipped, 5, 30);
  fill(target, shipped + 1, 5, 30);
  auto old = rows_of(target, shipped);
  auto other = rows_of(target, shipped + 1);
  mutation damaged{1};
  int refused = 0;
  for (int i = 0; i < rounds / 10; ++i) {
    receiver().reports.clear();
    auto wrong = chunks;
    auto& one = wrong[damaged.below(wrong.size())];
    one.bytes = damaged({one.bytes, chunks.front().bytes});
    auto shipper = keep(system_.spawn(liar, wrong));
    auto x = receive(offer, caf::actor_cast<caf::strong_actor_ptr>(shipper));
    for (int second = 0; second < 200 && newest_phase() == receive_phase::receiving; ++second)
      advance(std::chrono::seconds{1});
    ASSERT_TRUE(newest_phase() == receive_phase::failed || newest_phase() == receive_phase::received) << i;
    refused += newest_phase() == receive_phase::failed ? 1 : 0;
    caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(shipper, caf::exit_reason::user_shutdown);
    settle();
  }
  EXPECT_EQ(rows_of(target, shipped), old);
  EXPECT_EQ(rows_of(target, shipped + 1), other);
  EXPECT_GT(refused, rounds / 40);
}

TEST_F(StateFuzzTest, RowsOfChunks) {
  auto chunk = *ask<state_chunk>(chunk_request{offered().transfer, 0});
  damage(
    "a chunk", {chunk.bytes},
    [](const std::string& bytes) {
      std::string_view rest{bytes};
      std::string_view key;
      std::string_view value;
      while (!rest.empty())
        if (!take_row(rest, key, value))
          return false;
      return true;
    },
    50);
}

} // namespace overwatch::fuzz
