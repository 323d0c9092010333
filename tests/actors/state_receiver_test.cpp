#include "tests/actors/shipped_state.hpp"

namespace overwatch::test {

namespace {

class StateReceiverTest : public state_transfer {
protected:
  state_shipper_actor way() {
    auto result = keep(system_.spawn(played_way, shipper_));
    settle();
    return result;
  }
  played_way_state& network(const state_shipper_actor& x) { return state_in<played_way_state>(x); }

  static caf::strong_actor_ptr pointer(const state_shipper_actor& x) {
    return caf::actor_cast<caf::strong_actor_ptr>(x);
  }

  /// Gives time until the receiver has everything or has given up.
  void wait_until_settled() {
    for (int i = 0; i < 3000 && newest_phase() == receive_phase::receiving; ++i)
      advance(std::chrono::milliseconds{500});
  }

  void install(const state_receiver_actor& x) {
    write_batch with_it;
    with_it.put(key_space::log, "the snapshot", "of the log");
    with_it.erase_range(key_space::log, keys::log_entry(shipped, 0), keys::prefix(shipped, 'f'));
    caf::anon_send(x, install_state{with_it});
    settle();
  }

  /// The state of the target, before it has received anything.
  rows fill_target() {
    fill(target, shipped, 5, 30);
    return rows_of(target, shipped);
  }
};

} // namespace

TEST_F(StateReceiverTest, TheWholeStateArrivesAndReplacesTheOldOne) {
  auto old = fill_target();
  auto x = receive(offered());
  ASSERT_EQ(newest_phase(), receive_phase::received);
  EXPECT_EQ(rows_of(target, shipped), old) << "nothing changes yet";
  ASSERT_EQ(sender().ended.size(), 1u);
  EXPECT_TRUE(sender().ended[0].completed);
  install(x);
  ASSERT_EQ(newest_phase(), receive_phase::installed);
  EXPECT_EQ(receiver().reports.back().keys, rows_of(source, shipped).size());
  EXPECT_EQ(rows_of(target, shipped), rows_of(source, shipped));
  auto left = target.lose_unsynced(memory_store::survival::none);
  EXPECT_EQ(rows_of(*left, shipped), rows_of(source, shipped)) << "durably";
  EXPECT_EQ(left->get(key_space::log, "the snapshot"), "of the log");
  EXPECT_EQ(left->get(key_space::log, keys::log_entry(shipped, 5)), std::nullopt);
}

TEST_F(StateReceiverTest, OtherPartitionsStayAsTheyAre) {
  for (partition_id i = 0; i < 64; ++i) {
    if (i == shipped)
      continue;
    fill(source, i, 50, 20 + i);
    fill(target, i, 40, 5 + i);
  }
  fill_target();
  install(receive(offered()));
  ASSERT_EQ(newest_phase(), receive_phase::installed);
  for (partition_id i = 0; i < 64; ++i) {
    EXPECT_EQ(rows_of(target, i).size(), i == shipped ? rows_of(source, i).size() : 6u + i) << i;
    EXPECT_EQ(target.get(key_space::log, keys::log_entry(i, 40)).has_value(), i != shipped);
  }
}

TEST_F(StateReceiverTest, WhatIsWrittenMeanwhileDoesNotShow) {
  auto offer = offered();
  auto sent = rows_of(source, shipped);
  auto through = way();
  network(through).delay = 2;
  network(through).lose = 5;
  auto x = receive(offer, pointer(through));
  for (int i = 0; i < 100 && newest_phase() == receive_phase::receiving; ++i) {
    fill(source, shipped, position + 1 + static_cast<uint64_t>(i), 300 + i);
    write_batch batch;
    batch.erase(key_space::state, keys::prefix(shipped, 't') + std::to_string(2 * i + 1));
    ASSERT_EQ(source.write(batch, true), store_result::done);
    advance(std::chrono::seconds{1});
  }
  install(x);
  ASSERT_EQ(newest_phase(), receive_phase::installed);
  EXPECT_EQ(rows_of(target, shipped), sent);
}

TEST_F(StateReceiverTest, SurvivesWhateverTheNetworkDoes) {
  fill_target();
  for (unsigned seed = 1; seed <= 30; ++seed) {
    receiver().reports.clear();
    receiving.max_damaged = 1000;
    auto through = way();
    auto& net = network(through);
    net.random.seed(seed);
    net.lose = 3 + seed % 5;
    net.damage = 4 + seed % 3;
    net.delay = 2 + seed % 7;
    net.swap = 5;
    auto x = receive(offered(), pointer(through));
    wait_until_settled();
    ASSERT_EQ(newest_phase(), receive_phase::received) << "seed " << seed << ": " << receiver().reports.back().reason;
    install(x);
    ASSERT_EQ(rows_of(target, shipped), rows_of(source, shipped)) << "seed " << seed;
  }
}

TEST_F(StateReceiverTest, GivesUpWhenAllChunksAreDamaged) {
  auto old = fill_target();
  auto through = way();
  network(through).damage = 1;
  receive(offered(), pointer(through));
  wait_until_settled();
  EXPECT_EQ(newest_phase(), receive_phase::failed);
  EXPECT_EQ(rows_of(target, shipped), old);
}

TEST_F(StateReceiverTest, ALostLinkGoesOnWhereItWas) {
  auto through = way();
  network(through).lose = 4;
  auto x = receive(offered(), pointer(through));
  auto total = network(through).asked;
  for (int i = 0; i < 100 && newest_phase() == receive_phase::receiving; ++i) {
    caf::anon_send(x, caf::update_atom::value, caf::strong_actor_ptr{});
    settle();
    advance(std::chrono::seconds{1});
    auto next = way();
    network(next).lose = 4;
    network(next).random.seed(static_cast<uint64_t>(i));
    caf::anon_send(x, caf::update_atom::value, pointer(next));
    settle();
    total += network(next).asked;
  }
  EXPECT_EQ(newest_phase(), receive_phase::received);
  uint64_t chunks = 0;
  for (auto transfer = offered().transfer;;)
    if (ask<state_chunk>(chunk_request{transfer, chunks++})->end)
      break;
  EXPECT_LT(total, 3 * chunks) << "it did not begin again each time";
}

TEST_F(StateReceiverTest, ASenderThatHasForgottenTheTransferEndsIt) {
  auto old = fill_target();
  auto through = way();
  network(through).lose = 1;
  auto x = receive(offered(), pointer(through));
  EXPECT_EQ(newest_phase(), receive_phase::receiving);
  options_.first_transfer = 900; // of another life
  shipper_ = start_shipper();
  caf::anon_send(x, caf::update_atom::value, pointer(shipper_));
  settle();
  EXPECT_EQ(newest_phase(), receive_phase::failed);
  EXPECT_EQ(rows_of(target, shipped), old);
  receive(offered());
  EXPECT_EQ(newest_phase(), receive_phase::received);
}

TEST_F(StateReceiverTest, AReceiverThatRestartsBeginsTheSameTransferAgain) {
  fill_target();
  auto offer = offered();
  auto through = way();
  network(through).lose = 2;
  auto first = receive(offer, pointer(through));
  while (receiver().reports.empty())
    advance(std::chrono::seconds{1});
  ASSERT_EQ(newest_phase(), receive_phase::receiving) << "in its middle";
  caf::anon_send_exit(first, caf::exit_reason::kill);
  settle();
  install(receive(offer));
  EXPECT_EQ(newest_phase(), receive_phase::installed);
  EXPECT_EQ(rows_of(target, shipped), rows_of(source, shipped));
}

TEST_F(StateReceiverTest, GivesUpWhenNothingComes) {
  auto through = way();
  network(through).lose = 1;
  receive(offered(), pointer(through));
  advance(receiving.stall_limit - std::chrono::seconds{2});
  EXPECT_EQ(newest_phase(), receive_phase::receiving);
  for (int i = 0; i < 4; ++i)
    advance(std::chrono::seconds{1});
  EXPECT_EQ(newest_phase(), receive_phase::failed);
}

TEST_F(StateReceiverTest, AStateWithAnotherPositionIsRefused) {
  auto old = fill_target();
  auto offer = offered();
  ++offer.applied;
  receive(offer);
  EXPECT_EQ(newest_phase(), receive_phase::failed);
  EXPECT_EQ(rows_of(target, shipped), old);
}

TEST_F(StateReceiverTest, AStateOfAnotherPartitionIsRefused) {
  auto old = fill_target();
  auto offer = offered();
  --offer.partition;
  receive(offer);
  EXPECT_EQ(newest_phase(), receive_phase::failed);
}

TEST_F(StateReceiverTest, ToldToEndItChangesNothing) {
  auto old = fill_target();
  auto x = receive(offered());
  ASSERT_EQ(newest_phase(), receive_phase::received);
  caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
  settle();
  EXPECT_EQ(rows_of(target, shipped), old);
}

TEST_F(StateReceiverTest, AFullDiskEndsItWithoutLoss) {
  auto old = fill_target();
  target.fill_disk(true);
  receive(offered());
  EXPECT_EQ(newest_phase(), receive_phase::failed);
  EXPECT_EQ(rows_of(target, shipped), old);
  target.fill_disk(false);
  install(receive(offered()));
  EXPECT_EQ(newest_phase(), receive_phase::installed);
}

TEST_F(StateReceiverTest, InstallsOnceThereIsSpace) {
  auto old = fill_target();
  auto x = receive(offered());
  target.fill_disk(true);
  install(x);
  advance(std::chrono::seconds{3});
  EXPECT_EQ(newest_phase(), receive_phase::received);
  EXPECT_EQ(rows_of(target, shipped), old);
  target.fill_disk(false);
  advance(std::chrono::seconds{1});
  EXPECT_EQ(newest_phase(), receive_phase::installed);
  EXPECT_EQ(rows_of(target, shipped), rows_of(source, shipped));
}

TEST_F(StateReceiverTest, TellsItsProgress) {
  auto through = way();
  network(through).lose = 3;
  receive(offered(), pointer(through));
  wait_until_settled();
  const auto& reports = receiver().reports;
  ASSERT_GT(reports.size(), 2u);
  for (size_t i = 1; i < reports.size(); ++i) {
    EXPECT_GE(reports[i].bytes, reports[i - 1].bytes);
    EXPECT_GE(reports[i].keys, reports[i - 1].keys);
  }
}

} // namespace overwatch::test
