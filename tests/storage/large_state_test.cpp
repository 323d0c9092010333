// A state larger than the memory that shipping it may take, from one RocksDB to another.

#include "actors/chunk_codec.hpp"
#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "actors/state_receiver.hpp"
#include "actors/state_shipper.hpp"
#include "actors/wire.hpp"
#include "messages/codec.hpp"
#include "tests/storage/temporary_directory.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

namespace overwatch::test {

namespace {

constexpr partition_id partition = 7;
constexpr uint64_t position = 1'000'000;
constexpr uint64_t state_bytes = 300'000'000;
constexpr uint64_t memory_budget_kb = 64 * 1024; ///< beside the caches and write buffers of both stores, 16 MB
constexpr std::chrono::seconds patience{240};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_counts = false;
#else
constexpr bool memory_counts = true;
#endif

uint64_t resident_kb(const std::string& field) {
  std::ifstream in{"/proc/self/status"};
  for (std::string line; std::getline(in, line);)
    if (line.rfind(field, 0) == 0)
      return std::stoull(line.substr(field.size()));
  return 0;
}

void forget_peak() { std::ofstream{"/proc/self/clear_refs"} << '5'; }

void fill(store& db) {
  std::mt19937_64 random{1};
  std::string noise(300'000, ' ');
  for (auto& c : noise)
    c = static_cast<char>(random());
  write_batch batch;
  partition_totals totals;
  totals.applied = position;
  batch.put(key_space::state, keys::meta(partition), encode(totals));
  uint64_t bytes = 0;
  for (uint64_t i = 0; bytes < state_bytes; ++i) {
    auto size = i % 100 == 0 ? noise.size() / 2 : 100 + random() % 900;
    auto key = keys::prefix(partition, 's');
    keys::append_u64(key, random());
    bytes += key.size() + size;
    batch.put(key_space::state, std::move(key), noise.substr(random() % (noise.size() - size), size));
    if (batch.changes.size() == 1000) {
      ASSERT_EQ(db.write(batch, false), store_result::done);
      batch.changes.clear();
    }
  }
  ASSERT_EQ(db.write(batch, false), store_result::done);
  ASSERT_EQ(db.checkpoint(), store_result::done);
}

uint64_t differences(const store& x, const store& y) {
  auto range = state_of(partition);
  auto i = x.scan(key_space::state, range.first, range.last);
  auto j = y.scan(key_space::state, range.first, range.last);
  uint64_t result = 0;
  for (; i->valid() && j->valid(); i->next(), j->next())
    result += i->key() == j->key() && i->value() == j->value() ? 0 : 1;
  return result + (i->valid() || j->valid() ? 1 : 0);
}

struct config : caf::actor_system_config {
  config() {
    add_node_messages(*this);
  }
};

/// Installs what has arrived, and hands the last report on.
transfer_owner::behavior_type owner(transfer_owner::pointer self, const caf::actor& listener) {
  return {
    [](const state_offer&) {},
    [](const transfer_ended&) {},
    [=](const receive_report& x) {
      if (x.phase == receive_phase::received)
        self->send(caf::actor_cast<state_receiver_actor>(self->current_sender()), install_state{});
      else if (x.phase != receive_phase::receiving)
        caf::anon_send(listener, x);
    },
  };
}

} // namespace

TEST(LargeStateTest, IsShippedInLittleMemory) {
  temporary_directory directory{place_in_memory()};
  auto source = open_small(directory.inside("source"));
  auto target = open_small(directory.inside("target"));
  ASSERT_NO_FATAL_FAILURE(fill(*source));
  config settings;
  caf::actor_system system{settings};
  caf::scoped_actor self{system};
  auto shipper = self->spawn<caf::detached>(state_shipper, source.get(), state_shipper_options{});
  auto before = resident_kb("VmRSS:");
  forget_peak();
  auto begin = std::chrono::steady_clock::now();
  transfer_opened opened;
  self->request(shipper, patience, open_transfer{partition, 2})
    .receive([&](const transfer_opened& x) { opened = x; }, [](const caf::error&) { ADD_FAILURE(); });
  auto replica = self->spawn(owner, caf::actor{self});
  auto receiver =
    self->spawn<caf::detached>(state_receiver, state_receiver_options{}, target.get(),
                               state_offer{partition, 1, opened.transfer, opened.applied, {}}, replica,
                               caf::actor_cast<caf::strong_actor_ptr>(shipper));
  receive_report report;
  self->receive([&](const receive_report& x) { report = x; },
                caf::after(patience) >> [] { ADD_FAILURE() << "it takes too long"; });
  std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  auto peak = resident_kb("VmHWM:");
  for (const auto& x : {caf::actor_cast<caf::actor>(shipper), caf::actor_cast<caf::actor>(replica)})
    self->send_exit(x, caf::exit_reason::kill);
  self->wait_for(shipper, receiver);
  EXPECT_EQ(report.phase, receive_phase::installed) << report.reason;
  EXPECT_GE(report.bytes, state_bytes);
  EXPECT_EQ(differences(*source, *target), 0u);
  if (memory_counts) {
    EXPECT_LT(peak, before + memory_budget_kb) << "from " << before << " KB";
  }
  RecordProperty("megabytes_per_second", std::to_string(state_bytes / 1e6 / taken.count()));
  RecordProperty("memory_kb", std::to_string(peak > before ? peak - before : 0));
}

} // namespace overwatch::test
