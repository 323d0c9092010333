#include "actors/command.hpp"

#include "messages/codec.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

task_spec full_spec() {
  task_spec x;
  x.id = {0x018bcfe568007000ULL, 0x8000400000000007ULL};
  x.name = "rotate the logs";
  x.description = "of every service";
  x.task_type = "maintenance";
  x.subsystem = "storage";
  x.importance = priority::high;
  x.tags = {"night", ""};
  x.assigned_to = "ops";
  x.context = {{"user_id", "7"}, {"trace", "abc"}};
  x.scheduled_at = timestamp{1'700'000'000s};
  x.deadline = timestamp{1'700'000'100s + 1us};
  x.timeout = 5s;
  x.retry = {4, backoff_kind::exponential, 10ms, 20s, 0.5};
  x.required_gates = {"maintenance"};
  x.on_closed_gate = gate_policy::wait;
  x.depends_on = {{1, 2}, {3, 4}};
  x.on_dependency_failure = dependency_policy::run;
  x.resources = {0.5, 256, 0.25, {"obd2:can0"}};
  x.unique_key = "rotate";
  x.unique_for = 60s;
  x.concurrency = {"disk", 3};
  x.snapshot = {{"prefix/"}, {"/etc/hosts"}};
  x.origin = {origin_kind::schedule, "nightly"};
  x.created_at = timestamp{1'699'999'999s};
  return x;
}

std::vector<command> one_of_each() {
  finish_command done;
  done.id = {1, 2};
  done.fence = {9, 3};
  done.kind = violation::exception;
  done.message = "bad luck";
  done.result = std::make_shared<const std::string>("{\"half\":true}");
  done.retry_at = timestamp{1'700'000'005s};
  done.percent = 40.5;
  done.progress = "almost half";
  done.requeue = true;
  done.started_at = timestamp{1'700'000'001s};
  done.execution = 17us;
  auto payload = std::make_shared<const std::string>("{\"n\":1}");
  return {submit_command{{std::make_shared<task_spec>(full_spec()), payload}, true},
          start_command{{1, 2}, "node", "pool"},
          done,
          violate_command{{1, 2}, violation::rejected, "nobody"},
          cancel_command{{1, 2}, "enough"},
          promote_command{{1, 2}},
          remove_command{{1, 2}},
          setting_command{"retention", "60"},
          lead_command{12, "here"}};
}

} // namespace

TEST(CommandTest, EveryCommandComesBackWhole) {
  command_batch batch{timestamp{1'700'000'000s + 1us}, one_of_each()};
  ASSERT_EQ(batch.commands.size(), std::variant_size_v<command>) << "add the new command above";
  auto bytes = encode_batch(batch);
  command_batch read;
  ASSERT_TRUE(decode_batch(bytes, read));
  EXPECT_EQ(read.time, batch.time);
  ASSERT_EQ(read.commands.size(), batch.commands.size());
  for (size_t i = 0; i < read.commands.size(); ++i)
    EXPECT_EQ(read.commands[i].index(), batch.commands[i].index());
  EXPECT_EQ(encode_batch(read), bytes) << "every field took part";
  const auto& submit = std::get<submit_command>(read.commands[0]);
  EXPECT_EQ(encode(*submit.task.spec), encode(full_spec()));
  EXPECT_EQ(*submit.task.payload, "{\"n\":1}");
  EXPECT_TRUE(submit.check_id);
  const auto& done = std::get<finish_command>(read.commands[2]);
  EXPECT_EQ(done.fence, (fencing_token{9, 3}));
  EXPECT_EQ(*done.result, "{\"half\":true}");
  EXPECT_EQ(*done.retry_at, timestamp{1'700'000'005s});
  EXPECT_EQ(done.percent, 40.5);
  EXPECT_TRUE(done.requeue);
  EXPECT_EQ(done.execution, 17us);
  EXPECT_EQ(std::get<lead_command>(read.commands[8]).epoch, 12u);
}

TEST(CommandTest, EmptyBatchIsReadable) {
  command_batch read;
  read.commands = one_of_each();
  ASSERT_TRUE(decode_batch(encode_batch({timestamp{5us}, {}}), read));
  EXPECT_TRUE(read.commands.empty());
}

TEST(CommandTest, TruncatedBytesAreRefused) {
  auto bytes = encode_batch({timestamp{1'700'000'000s}, one_of_each()});
  for (size_t size = 0; size < bytes.size(); ++size) {
    command_batch read;
    EXPECT_FALSE(decode_batch(std::string_view{bytes}.substr(0, size), read)) << size;
  }
}

TEST(CommandTest, BytesBehindTheEndAreRefused) {
  auto bytes = encode_batch({timestamp{}, {promote_command{{1, 2}}}}) + '\0';
  command_batch read;
  EXPECT_FALSE(decode_batch(bytes, read));
}

TEST(CommandTest, UnknownVersionsAndCommandsAreRefused) {
  auto bytes = encode_batch({timestamp{}, {promote_command{{1, 2}}}});
  auto newer = bytes;
  newer[0] = 2;
  command_batch read;
  EXPECT_FALSE(decode_batch(newer, read));
  std::string unknown;
  encoder f{unknown};
  f.put_size(1);
  f(timestamp{});
  f.put_size(1);
  f.put_size(std::variant_size_v<command>);
  EXPECT_FALSE(decode_batch(unknown, read));
}

TEST(CommandTest, CountThatIsTooLargeTakesNoMemory) {
  std::string bytes;
  encoder f{bytes};
  f.put_size(1);
  f(timestamp{});
  f.put_size(1ULL << 60);
  command_batch read;
  EXPECT_FALSE(decode_batch(bytes, read));
}

TEST(CommandTest, DamagedBytesNeverCrash) {
  auto good = encode_batch({timestamp{1'700'000'000s}, one_of_each()});
  std::mt19937 random{1};
  size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = good;
    for (auto n = 1 + random() % 4; n > 0; --n)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    command_batch read;
    refused += decode_batch(bytes, read) ? 0 : 1;
  }
  EXPECT_GT(refused, 1'000u);
}

TEST(CommandTest, RandomBytesNeverCrash) {
  std::mt19937 random{2};
  for (int i = 0; i < 50'000; ++i) {
    std::string bytes(random() % 200, '\0');
    for (auto& x : bytes)
      x = static_cast<char>(random());
    if (!bytes.empty() && i % 2)
      bytes[0] = 1; // the version, so that the rest is looked at
    command_batch read;
    if (decode_batch(bytes, read)) {
      EXPECT_FALSE(encode_batch(read).empty());
    }
  }
}

} // namespace overwatch
