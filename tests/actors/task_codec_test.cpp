#include "actors/task_codec.hpp"

#include "messages/codec.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

task_spec some_spec() {
  task_spec x;
  x.id = {1, 2};
  x.name = "task";
  x.deadline = timestamp{5s};
  x.created_at = timestamp{1s};
  return x;
}

} // namespace

TEST(TaskCodecTest, SpecAndPayloadComeBack) {
  for (const auto& payload :
       {std::string{}, std::string{"{}"}, std::string(1'000'000, 'x'), std::string("\0\xFF", 2)}) {
    auto record = encode_spec(some_spec(), payload);
    task_spec spec;
    std::string read;
    decode_spec(record, spec, &read);
    EXPECT_EQ(encode(spec), encode(some_spec()));
    EXPECT_EQ(read, payload);
    task_spec without;
    decode_spec(record, without, nullptr);
    EXPECT_EQ(without.name, "task");
  }
}

TEST(TaskCodecTest, StateComesBack) {
  task_state state;
  state.status = task_status::retrying;
  state.fence = {7, 3};
  state.failures = 2;
  state.order = 1'700'000'000'000'000;
  state.due = timestamp{9s};
  state.error = {violation::timeout, "late"};
  state.execution = 17us;
  task_state read;
  decode_state(encode_state(state), read);
  EXPECT_EQ(encode(read), encode(state));
  EXPECT_EQ(read.fence, state.fence);
  EXPECT_EQ(*read.execution, 17us);
}

// The record of an older version has no `created_at`, which is the last field.
TEST(TaskCodecTest, SpecOfAnOlderVersionIsReadable) {
  auto x = some_spec();
  std::string younger; // fields that the first release did not have, and the last one that it had
  encoder{younger}(x.created_at, x.cancel_on_gate_close, x.keep_snapshot, x.fairness_key, x.rate, x.cache, x.workflow,
                   x.placement);
  auto bytes = encode(x);
  bytes.resize(bytes.size() - younger.size());
  std::string record;
  encoder{record}.put_size(bytes.size());
  record += bytes + "{\"n\":1}";
  task_spec spec;
  std::string payload;
  decode_spec(record, spec, &payload);
  EXPECT_EQ(spec.name, "task");
  EXPECT_EQ(*spec.deadline, timestamp{5s});
  EXPECT_EQ(spec.created_at, timestamp{});
  EXPECT_EQ(payload, "{\"n\":1}");
}

TEST(TaskCodecDeathTest, DamagedRecordEndsTheProcess) {
  task_spec spec;
  std::string payload;
  EXPECT_DEATH(decode_spec("\x7F", spec, &payload), "a stored task is readable");
  task_state state;
  EXPECT_DEATH(decode_state("\x01\x80", state), "a stored task state is readable");
}

} // namespace overwatch
