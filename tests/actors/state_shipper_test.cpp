#include "tests/actors/shipped_state.hpp"

#include <algorithm>

namespace overwatch::test {

namespace {

using StateShipperTest = state_transfer;

state_transfer::rows rows_in(const std::vector<state_chunk>& chunks) {
  state_transfer::rows result;
  for (const auto& x : chunks) {
    std::string_view rest{x.bytes};
    std::string_view key;
    std::string_view value;
    while (!rest.empty()) {
      EXPECT_TRUE(take_row(rest, key, value));
      EXPECT_TRUE(result.emplace(key, value).second);
    }
  }
  return result;
}

} // namespace

TEST_F(StateShipperTest, ChunksAreTheStateAtThePositionThatWasSaid) {
  auto opened = ask<transfer_opened>(open_transfer{shipped, 9});
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->applied, position);
  std::vector<state_chunk> chunks;
  do {
    auto chunk = ask<state_chunk>(chunk_request{opened->transfer, chunks.size()});
    ASSERT_TRUE(chunk);
    EXPECT_EQ(chunk->checksum, checksum_of(*chunk));
    chunks.push_back(*chunk);
  } while (!chunks.back().end);
  EXPECT_GT(chunks.size(), 10u);
  EXPECT_EQ(rows_in(chunks), rows_of(source, shipped));
}

TEST_F(StateShipperTest, ANumberAlwaysNamesTheSameChunk) {
  auto first = offered().transfer;
  std::vector<state_chunk> chunks;
  do
    chunks.push_back(*ask<state_chunk>(chunk_request{first, chunks.size()}));
  while (!chunks.back().end);
  auto again = offered().transfer;
  std::mt19937_64 random{1};
  for (int i = 0; i < 300; ++i) {
    auto number = random() % chunks.size();
    auto chunk = ask<state_chunk>(chunk_request{again, number});
    if (!chunk)
      continue; // too far ahead of what was asked for until now
    EXPECT_EQ(chunk->bytes, chunks[number].bytes) << number;
    EXPECT_EQ(chunk->end, chunks[number].end) << number;
  }
  auto last = ask<state_chunk>(chunk_request{again, chunks.size() - 1});
  ASSERT_TRUE(last) << "all of them were reached";
  auto behind = ask<state_chunk>(chunk_request{again, chunks.size() + 2});
  ASSERT_TRUE(behind);
  EXPECT_TRUE(behind->end);
  EXPECT_TRUE(behind->bytes.empty());
  EXPECT_EQ(ask<state_chunk>(chunk_request{again, chunks.size() - 1})->bytes, chunks.back().bytes);
}

TEST_F(StateShipperTest, AChunkFarAheadIsRefused) {
  auto transfer = offered().transfer;
  EXPECT_FALSE(ask<state_chunk>(chunk_request{transfer, 10'000'000}));
  EXPECT_TRUE(ask<state_chunk>(chunk_request{transfer, 3}));
}

TEST_F(StateShipperTest, AnUnknownTransferIsNotFound) {
  auto chunk = ask<state_chunk>(chunk_request{12, 0});
  ASSERT_FALSE(chunk);
  EXPECT_EQ(describe(chunk.error()).code, ec::not_found);
}

TEST_F(StateShipperTest, APartitionWithoutStateIsNotShipped) {
  auto opened = ask<transfer_opened>(open_transfer{shipped + 1, 9});
  ASSERT_FALSE(opened);
  EXPECT_EQ(describe(opened.error()).code, ec::unavailable);
}

TEST_F(StateShipperTest, FewTransfersAreOpenAtOnce) {
  for (size_t i = 0; i < options_.max_transfers; ++i)
    offered();
  auto opened = ask<transfer_opened>(open_transfer{shipped, 9});
  ASSERT_FALSE(opened);
  EXPECT_EQ(describe(opened.error()).code, ec::overloaded);
}

TEST_F(StateShipperTest, AnIdleTransferEnds) {
  auto idle = offered().transfer;
  auto used = offered().transfer;
  for (int i = 0; i < 7; ++i) {
    advance(std::chrono::seconds{10});
    EXPECT_TRUE(ask<state_chunk>(chunk_request{used, 0}));
  }
  ASSERT_EQ(sender().ended.size(), 1u);
  EXPECT_EQ(sender().ended[0].transfer, idle);
  EXPECT_EQ(sender().ended[0].to, 9u);
  EXPECT_FALSE(sender().ended[0].completed);
  EXPECT_FALSE(ask<state_chunk>(chunk_request{idle, 0}));
}

TEST_F(StateShipperTest, AViewIsKeptForSoLongAtMost) {
  auto transfer = offered().transfer;
  for (auto passed = std::chrono::seconds{0}; passed < options_.view_limit; passed += std::chrono::seconds{10}) {
    EXPECT_TRUE(ask<state_chunk>(chunk_request{transfer, 0}));
    advance(std::chrono::seconds{10});
  }
  EXPECT_FALSE(ask<state_chunk>(chunk_request{transfer, 0}));
  EXPECT_EQ(sender().ended.size(), 1u);
}

TEST_F(StateShipperTest, ItsEndIsToldToTheReplicaThatOpenedIt) {
  auto transfer = offered().transfer;
  caf::anon_send(shipper_, close_transfer{transfer, true});
  settle();
  ASSERT_EQ(sender().ended.size(), 1u);
  EXPECT_TRUE(sender().ended[0].completed);
  EXPECT_EQ(sender().ended[0].partition, shipped);
}

TEST_F(StateShipperTest, AnOfferGoesToTheReplicaOfItsPartition) {
  state_offer offer{shipped, 4, 5, 6, "bytes"};
  caf::anon_send(shipper_, offer);
  offer.partition = shipped + 1;
  caf::anon_send(shipper_, offer);
  settle();
  ASSERT_EQ(sender().offers.size(), 1u);
  EXPECT_EQ(sender().offers[0].from, 4u);
  EXPECT_EQ(sender().offers[0].bytes, "bytes");
}

} // namespace overwatch::test
