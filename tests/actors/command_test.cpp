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

std::vector<command> one_of_each_in_version_1() {
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

std::vector<command> one_of_each() {
  auto commands = one_of_each_in_version_1();
  auto spec = std::make_shared<task_spec>(full_spec());
  spec->cancel_on_gate_close = true;
  spec->keep_snapshot = 5min;
  spec->fairness_key = "user 7";
  spec->rate = {"mail", 3, 2s};
  spec->cache = {"answer", 4s};
  spec->workflow = {7, 8};
  submission member{spec, std::make_shared<const std::string>("{}")};
  workflow_command workflow;
  workflow.record.id = {7, 8};
  workflow.record.name = "nightly";
  workflow.record.compensation = compensation_status::ready;
  workflow.record.tasks = {{"first", {1, 2}, task_status::pending, rollback_status::none, {}},
                           {"second", {1, 3}, task_status::pending, rollback_status::none, {"first"}}};
  workflow.tasks = {member, member};
  auto& done = std::get<finish_command>(commands.at(2));
  done.usage = {1.5, 1'000'000, 7, 8};
  done.rollback = rollback_status::done;
  done.rollback_message = "2 rewritten";
  for (command x : {command{put_command{document_kind::gate, "deploy", "closed", 4}},
                    command{patch_command{{1, 2}, priority::low, std::optional<timestamp>{}, timestamp{5s},
                                          std::vector<std::string>{"a"}}},
                    command{approve_command{{1, 2}, {"deploy", "ann", "looks good", timestamp{9s}}}},
                    command{rollback_command{{1, 2}, rollback_status::failed, "no space"}}, command{workflow},
                    command{cancel_workflow_command{{7, 8}, "enough"}}, command{compensated_command{{7, 8}, false}},
                    command{forget_command{keys::expiring_kind::rate, "slow"}},
                    command{mirror_command{{3, 40}, 38, {{mirrored_kind::setting, "retention", "60"},
                                                         {mirrored_kind::node, "n2", {}}}}},
                    command{parents_ended_command{{{"parent", {5, 6}, task_status::failed,
                                                    std::make_shared<const std::string>("{}")}}, {{7, 8}}}}})
    commands.push_back(std::move(x));
  return commands;
}

// What the release with version 1 wrote for `one_of_each_in_version_1`.
std::string bytes_of_version_1() {
  constexpr std::string_view hex =
    "018280f2818389850609000180e081c0d6fcf3c501878080808080908080010f726f7461746520746865206c6f6773106f66"
    "20657665727920736572766963650b6d61696e74656e616e63650773746f726167650102056e6967687400036f7073020574"
    "726163650361626307757365725f69640137018080f28183898506018284a1e183898506904e040114c0b802000000000000"
    "e03f010b6d61696e74656e616e636501020102030402000000000000e03f8002000000000000d03f01096f6264323a63616e"
    "3006726f7461746501c0a907046469736b0301077072656669782f010a2f6574632f686f73747302076e696768746c7980f7"
    "f78083898506077b226e223a317d010102046e6f646504706f6f6c02010209030108626164206c75636b0d7b2268616c6622"
    "3a747275657d0180add4868389850600000000004044400b616c6d6f73742068616c6601018089ec82838985062203010206"
    "066e6f626f647904010206656e6f7567680501020601020709726574656e74696f6e023630080c0468657265";
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
  return bytes;
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
  EXPECT_EQ(done.rollback_message, "2 rewritten");
  EXPECT_EQ(std::get<lead_command>(read.commands[8]).epoch, 12u);
  const auto& patch = std::get<patch_command>(read.commands[10]);
  EXPECT_TRUE(patch.scheduled_at && !*patch.scheduled_at) << "none inside: now";
  EXPECT_EQ(std::get<workflow_command>(read.commands[13]).tasks.at(1).spec->keep_snapshot, 5min);
  EXPECT_FALSE(std::get<compensated_command>(read.commands[15]).done);
  const auto& mirror = std::get<mirror_command>(read.commands[17]);
  EXPECT_EQ(mirror.mark, (mirror_mark{3, 40}));
  EXPECT_EQ(mirror.since, 38u);
  EXPECT_EQ(mirror.values.at(0).value, "60");
  EXPECT_FALSE(mirror.values.at(1).value);
  const auto& parents = std::get<parents_ended_command>(read.commands[18]);
  EXPECT_EQ(*parents.ended.at(0).result, "{}");
  EXPECT_EQ(parents.missing.at(0), (task_id{7, 8}));
}

TEST(CommandTest, EntriesOfVersion1AreStillRead) {
  command_batch read;
  ASSERT_TRUE(decode_batch(bytes_of_version_1(), read));
  command_batch expected{timestamp{1'700'000'000s + 1us}, one_of_each_in_version_1()};
  EXPECT_EQ(encode_batch(read), encode_batch(expected)) << "with the defaults of what came later";
}

TEST(CommandTest, TruncatedEntriesOfVersion1AreRefused) {
  auto bytes = bytes_of_version_1();
  for (size_t size = 0; size < bytes.size(); ++size) {
    command_batch read;
    EXPECT_FALSE(decode_batch(std::string_view{bytes}.substr(0, size), read)) << size;
  }
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
  newer[0] = 3;
  command_batch read;
  EXPECT_FALSE(decode_batch(newer, read));
  for (uint64_t version : {1, 2}) {
    std::string unknown;
    encoder f{unknown};
    f.put_size(version);
    f(timestamp{});
    f.put_size(1);
    f.put_size(std::variant_size_v<command>);
    f(std::string{});
    EXPECT_FALSE(decode_batch(unknown, read));
  }
}

// A number in the log means one command for ever; a node that is older than the command refuses the entry.
TEST(CommandTest, NumbersOfCommandsStay) {
  EXPECT_EQ(command{forget_command{}}.index(), 16u);
  EXPECT_EQ(command{mirror_command{}}.index(), 17u);
  EXPECT_EQ(command{parents_ended_command{}}.index(), 18u);
}

TEST(CommandTest, CountThatIsTooLargeTakesNoMemory) {
  std::string bytes;
  encoder f{bytes};
  f.put_size(2);
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
      bytes[0] = static_cast<char>(1 + random() % 2); // the version, so that the rest is looked at
    command_batch read;
    if (decode_batch(bytes, read)) {
      EXPECT_FALSE(encode_batch(read).empty());
    }
  }
}

} // namespace overwatch
