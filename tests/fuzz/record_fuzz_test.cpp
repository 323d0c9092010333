// What the log and the store hold.

#include "actors/command.hpp"
#include "actors/identity.hpp"
#include "actors/partition_state.hpp"
#include "messages/codec.hpp"
#include "messages/gate.hpp"
#include "messages/rule.hpp"
#include "messages/schedule.hpp"
#include "runtime/snapshots/manifest.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/random_value.hpp"

namespace overwatch::fuzz {

namespace {

constexpr uint64_t samples = 8;

template <class T>
void damage_record(const std::string& what) {
  std::vector<std::string> valid;
  for (uint64_t seed = 1; seed <= samples; ++seed)
    valid.push_back(encode(random_value<T>(seed)));
  damage(what, valid, [&](const std::string& bytes) {
    T x{};
    if (!decode(bytes, x))
      return false;
    auto again = encode(x);
    T y{};
    EXPECT_TRUE(decode(again, y)) << what;
    EXPECT_EQ(encode(y), again) << what;
    return true;
  });
}

submission random_submission(uint64_t seed) {
  return {std::make_shared<const task_spec>(random_value<task_spec>(seed)),
          std::make_shared<const std::string>("{\"payload\": true}")};
}

command_batch random_batch(uint64_t seed) {
  command_batch batch;
  batch.time = random_value<timestamp>(seed);
  auto id = random_value<task_id>(seed);
  batch.commands = {
    submit_command{random_submission(seed), true},
    start_command{id, "a node", "a worker"},
    violate_command{id, violation::timeout, "late"},
    cancel_command{id, "no reason"},
    setting_command{"key", "value"},
    lead_command{seed, "a node"},
    put_command{document_kind::gate, "gate", "open", seed},
    patch_command{id, priority::high, std::optional<timestamp>{batch.time}, std::nullopt,
                  std::vector<std::string>{"a", "b"}},
    approve_command{id, random_value<approval>(seed)},
    rollback_command{id, rollback_status::running, "why"},
    workflow_command{random_value<workflow_record>(seed), {random_submission(seed + 1), random_submission(seed + 2)}},
    compensated_command{id, true},
    forget_command{keys::expiring_kind::rate, "rate"},
    random_value<mirror_command>(seed),
    random_value<parents_ended_command>(seed),
  };
  finish_command finish;
  finish.id = id;
  finish.result = std::make_shared<const std::string>("{}");
  finish.retry_at = batch.time;
  batch.commands.emplace_back(std::move(finish));
  return batch;
}

} // namespace

TEST(RecordFuzzTest, RecordsOfTheStore) {
  damage_record<task_spec>("a specification");
  damage_record<task_state>("the state of a task");
  damage_record<partition_totals>("totals");
  damage_record<saved_keys>("captured keys");
  damage_record<parent_result>("the result of a parent in another partition");
  damage_record<cached_result>("a cached result");
  damage_record<log_entry>("a line of a task's log");
  damage_record<workflow_record>("a workflow");
  damage_record<gate_record>("a gate");
  damage_record<schedule_record>("a schedule");
  damage_record<rule_record>("a rule");
}

TEST(RecordFuzzTest, ManifestsOfCaptures) { damage_record<snapshots::manifest>("a manifest"); }

TEST(RecordFuzzTest, CommandBatches) {
  std::vector<std::string> valid;
  for (uint64_t seed = 1; seed <= samples; ++seed)
    valid.push_back(encode_batch(random_batch(seed)));
  damage("a batch", valid, [](const std::string& bytes) {
    command_batch x;
    if (!decode_batch(bytes, x))
      return false;
    command_batch y;
    EXPECT_TRUE(decode_batch(encode_batch(x), y));
    EXPECT_EQ(x.commands.size(), y.commands.size());
    return true;
  });
}

TEST(RecordFuzzTest, IdentitiesOfNodes) {
  node_identity x;
  x.member = 77;
  x.cluster = 123'456'789;
  x.partitions = 3;
  damage("an identity", {encode_identity(x)},
         [](const std::string& bytes) { return decode_identity(bytes).has_value(); });
}

} // namespace overwatch::fuzz
