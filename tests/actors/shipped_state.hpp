#pragma once

#include "actors/chunk_codec.hpp"
#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "actors/state_receiver.hpp"
#include "actors/state_shipper.hpp"
#include "actors/wire.hpp"
#include "messages/codec.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace overwatch::test {

/// What a replica hears.
struct played_owner_state {
  std::vector<state_offer> offers;
  std::vector<transfer_ended> ended;
  std::vector<receive_report> reports;
  static inline const char* name = "played_owner";
};

inline transfer_owner::behavior_type played_owner(transfer_owner::stateful_pointer<played_owner_state> self) {
  return {
    [=](const state_offer& x) { self->state.offers.push_back(x); },
    [=](const transfer_ended& x) { self->state.ended.push_back(x); },
    [=](const receive_report& x) { self->state.reports.push_back(x); },
  };
}

/// The way to a shipper, with what a network does to what is sent there and back.
struct played_way_state {
  state_shipper_actor shipper;
  std::mt19937_64 random{1};
  unsigned lose = 0;   ///< one in so many questions or answers (0: none; likewise below)
  unsigned damage = 0; ///< gets a flipped bit
  unsigned delay = 0;  ///< comes late, so that others overtake it
  unsigned swap = 0;   ///< is the answer to another question
  uint64_t asked = 0;
  std::vector<caf::typed_response_promise<state_chunk>> lost;                      ///< never answered
  std::vector<std::pair<caf::typed_response_promise<state_chunk>, state_chunk>> late; ///< answered behind others
  static inline const char* name = "played_way";

  bool hits(unsigned one_in) { return one_in > 0 && random() % one_in == 0; }
};

inline state_shipper_actor::behavior_type played_way(state_shipper_actor::stateful_pointer<played_way_state> self,
                                                     state_shipper_actor shipper) {
  self->state.shipper = std::move(shipper);
  return {
    [=](caf::join_atom, partition_id, const caf::strong_actor_ptr&) {},
    [=](const open_transfer& x) { return self->delegate(self->state.shipper, x); },
    [=](chunk_request x) -> caf::result<state_chunk> {
      auto& state = self->state;
      ++state.asked;
      auto promise = self->make_response_promise<state_chunk>();
      if (state.hits(state.lose)) {
        state.lost.push_back(promise);
        return promise;
      }
      if (state.hits(state.swap))
        ++x.number;
      self->request(state.shipper, caf::infinite, x)
        .then(
          [=](state_chunk& chunk) mutable {
            auto& state = self->state;
            if (state.hits(state.damage) && !chunk.bytes.empty())
              chunk.bytes[state.random() % chunk.bytes.size()] ^= static_cast<char>(1 << state.random() % 8);
            if (state.hits(state.lose))
              state.lost.push_back(promise);
            else if (state.hits(state.delay))
              state.late.emplace_back(promise, std::move(chunk));
            else
              promise.deliver(std::move(chunk));
            if (state.late.size() > 2) {
              state.late.back().first.deliver(std::move(state.late.back().second));
              state.late.pop_back();
            }
          },
          [=](caf::error& error) mutable { promise.deliver(std::move(error)); });
      return promise;
    },
    [=](const close_transfer& x) { self->send(self->state.shipper, x); },
    [=](const state_offer& x) { self->send(self->state.shipper, x); },
    [=](caf::tick_atom) {},
  };
}

class state_transfer : public testing::Test {
public:
  using rows = std::map<std::string, std::string>;

  static constexpr partition_id shipped = 3;
  static constexpr uint64_t position = 77;

  state_transfer() {
    options_.chunk_bytes = 1000;
    options_.first_transfer = 500;
    sender_ = system_.spawn(played_owner);
    receiver_ = system_.spawn(played_owner);
    shipper_ = start_shipper();
    fill(source, shipped, position, 400);
  }

  ~state_transfer() override {
    for (const auto& x : spawned_)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    for (const auto& x : {sender_, receiver_})
      caf::anon_send_exit(x, caf::exit_reason::kill);
    settle();
    coordinator_.clock().cancel_all();
  }

  void settle() {
    while (coordinator_.try_run_once())
      continue;
  }

  void advance(caf::timespan duration) {
    coordinator_.clock().advance_time(duration);
    settle();
  }

  /// Puts a state of `keys` keys and a position into a partition.
  static void fill(store& db, partition_id partition, uint64_t applied, int keys) {
    write_batch batch;
    partition_totals totals;
    totals.applied = applied;
    batch.put(key_space::state, keys::meta(partition), encode(totals));
    for (int i = 0; i < keys; ++i)
      batch.put(key_space::state, keys::prefix(partition, i % 2 == 0 ? 's' : 't') + std::to_string(i),
                std::string(static_cast<size_t>(i % 90), static_cast<char>('a' + i % 26)));
    batch.put(key_space::log, keys::log_entry(partition, applied), "an entry of " + std::to_string(partition));
    ASSERT_EQ(db.write(batch, true), store_result::done);
  }

  static rows rows_of(const store& db, partition_id partition) {
    rows result;
    auto range = state_of(partition);
    for (auto i = db.scan(key_space::state, range.first, range.last); i->valid(); i->next())
      result.emplace(i->key(), i->value());
    return result;
  }

  state_shipper_actor start_shipper() {
    auto result = keep(system_.spawn(state_shipper, &source, options_));
    caf::anon_send(result, caf::join_atom::value, partition_id{shipped},
                   caf::actor_cast<caf::strong_actor_ptr>(sender_));
    settle();
    return result;
  }

  /// Asks the shipper and settles.
  template <class Reply, class Request>
  caf::expected<Reply> ask(const Request& request) {
    caf::expected<Reply> result{caf::error{}};
    auto response = self_->request(shipper_, caf::infinite, request);
    settle();
    response.receive([&](Reply& reply) { result = std::move(reply); },
                     [&](caf::error& error) { result = std::move(error); });
    return result;
  }

  state_offer offered() {
    auto opened = ask<transfer_opened>(open_transfer{shipped, 9});
    EXPECT_TRUE(opened);
    return opened ? state_offer{shipped, 1, opened->transfer, opened->applied, "the log's"} : state_offer{};
  }

  state_receiver_actor receive(const state_offer& offer, const caf::strong_actor_ptr& way) {
    auto result = keep(system_.spawn(state_receiver, receiving, &target, offer, receiver_, way));
    settle();
    return result;
  }
  state_receiver_actor receive(const state_offer& offer) {
    return receive(offer, caf::actor_cast<caf::strong_actor_ptr>(shipper_));
  }

  template <class Handle>
  Handle keep(Handle handle) {
    spawned_.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  }

  template <class State, class Handle>
  static State& state_in(const Handle& handle) {
    auto* actor = caf::actor_cast<caf::abstract_actor*>(handle);
    return dynamic_cast<typename Handle::template stateful_pointer<State>>(actor)->state;
  }
  played_owner_state& sender() { return state_in<played_owner_state>(sender_); }
  played_owner_state& receiver() { return state_in<played_owner_state>(receiver_); }

  receive_phase newest_phase() {
    return receiver().reports.empty() ? receive_phase::receiving : receiver().reports.back().phase;
  }

  memory_store source;
  memory_store target;
  state_receiver_options receiving;

protected:
  struct config : caf::actor_system_config {
    config() {
      add_node_messages(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };
  config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& coordinator_ =
    dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  caf::scoped_actor self_{system_, true};
  std::vector<caf::actor> spawned_;
  state_shipper_options options_;
  transfer_owner sender_;
  transfer_owner receiver_;
  state_shipper_actor shipper_;
};

} // namespace overwatch::test
