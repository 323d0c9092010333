#include "tests/actors/played_partition.hpp"

#include <gtest/gtest.h>

#include <random>

/// What a partition does with what the control partition says.
namespace overwatch::test {

namespace {

mirrored_value mirrored_gate(const std::string& name, bool open) {
  auto put = gate(name, open);
  return *mirrored_of(document_kind::gate, name, &*put.value);
}

mirrored_value mirrored_setting(const std::string& name, const std::string& value) {
  return {mirrored_kind::setting, name, value.empty() ? std::nullopt : std::optional{value}};
}

mirror_command all(mirror_mark mark, std::vector<mirrored_value> values) { return {mark, {}, std::move(values)}; }

mirror_command news(mirror_mark mark, uint64_t since, std::vector<mirrored_value> values) {
  return {mark, since, std::move(values)};
}

std::map<std::pair<mirrored_kind, std::string>, std::string> values_of(const partition_state& x) {
  std::map<std::pair<mirrored_kind, std::string>, std::string> result;
  for (const auto& one : x.mirrored().values)
    result[{one.kind, one.name}] = one.value.value_or("removed");
  return result;
}

} // namespace

class MirroredStateTest : public ::testing::Test, public played_partition {
public:
  MirroredStateTest() : played_partition{1, 3} {}

  submit_command waiting(uint64_t n, const std::string& gate) {
    return {overwatch::test::task(n, [&](task_spec& x) {
              x.id = id_of(n, 1);
              x.required_gates = {gate};
              x.on_closed_gate = gate_policy::wait;
            }),
            true};
  }
};

TEST_F(MirroredStateTest, ClosedGateHoldsTasksUntilItOpens) {
  apply({all({1, 5}, {mirrored_gate("g", false)})});
  apply({waiting(1, "g")});
  EXPECT_EQ(state->find(id_of(1, 1))->state.waits_for, "gate:g");
  auto entry = apply({news({1, 6}, 5, {mirrored_gate("g", true)})});
  EXPECT_EQ(entry.freed, std::vector<std::string>{"gate:g"});
  ASSERT_EQ(entry.documents.size(), 1u) << "the scheduler hears of it";
  apply({promote_command{id_of(1, 1)}});
  EXPECT_EQ(state->find(id_of(1, 1))->state.status, task_status::queued);
}

TEST_F(MirroredStateTest, GateThatIsGoneIsOpen) {
  apply({all({1, 5}, {mirrored_gate("g", false), mirrored_gate("h", false)})});
  apply({waiting(1, "g"), waiting(2, "h")});
  EXPECT_EQ(apply({news({1, 6}, 5, {{mirrored_kind::gate, "g", {}}})}).freed, std::vector<std::string>{"gate:g"});
  EXPECT_EQ(apply({all({1, 7}, {})}).freed, std::vector<std::string>{"gate:h"});
}

TEST_F(MirroredStateTest, SettingsThatDifferAreTold) {
  auto first = apply({all({1, 5}, {mirrored_setting("retention", "60"), mirrored_setting("slots.noop", "3")})});
  EXPECT_EQ(first.settings.size(), 2u);
  auto next = apply({all({1, 6}, {mirrored_setting("retention", "60"), mirrored_setting("slots.noop", "4")})});
  EXPECT_EQ(next.settings, (std::vector<std::pair<std::string, std::string>>{{"slots.noop", "4"}}));
  apply({all({1, 7}, {mirrored_setting("retention", "60")})});
  EXPECT_EQ(state->settings(), (std::map<std::string, std::string>{{"retention", "60"}}));
  flush();
  crash();
  EXPECT_EQ(state->settings(), (std::map<std::string, std::string>{{"retention", "60"}}));
}

TEST_F(MirroredStateTest, WhatIsNotNewerIsIgnored) {
  apply({all({2, 10}, {mirrored_gate("g", false)})});
  for (auto old : {mirror_mark{2, 10}, mirror_mark{2, 9}, mirror_mark{1, 50}}) {
    auto entry = apply({all(old, {})});
    EXPECT_FALSE(entry.results.at(0).error) << "what it says is known already";
    EXPECT_TRUE(entry.documents.empty());
  }
  EXPECT_FALSE(apply({all({3, 4}, {})}).documents.empty()) << "a log that began again from a backup";
}

TEST_F(MirroredStateTest, NewsThatDoNotFollowAreRefused) {
  apply({all({2, 10}, {mirrored_gate("g", false)})});
  EXPECT_EQ(code(news({2, 30}, 20, {mirrored_gate("h", false)})), ec::conflict);
  EXPECT_EQ(code(news({3, 30}, 10, {mirrored_gate("h", false)})), ec::conflict);
  EXPECT_EQ(values_of(*state).size(), 1u);
  EXPECT_EQ(code(news({2, 30}, 7, {mirrored_gate("h", false)})), ec::none) << "more than it needs";
  EXPECT_EQ(values_of(*state).size(), 2u);
}

TEST_F(MirroredStateTest, ControlPartitionMirrorsNoOther) {
  played_partition control{0, 3};
  EXPECT_EQ(control.code(all({2, 10}, {mirrored_gate("g", false)})), ec::invalid);
  EXPECT_TRUE(control.state->mirrored().values.empty());
}

TEST_F(MirroredStateTest, OnlyWhatDecidesCrosses) {
  played_partition control{0, 3};
  gate_record full;
  full.name = "g";
  full.open = false;
  full.definition.kind = gate_kind::approval;
  full.definition.description = "long";
  full.history.resize(50);
  control.apply({put_command{document_kind::gate, "g", encode(full), {}}, key("users", "1"),
                 put_command{document_kind::node, "n2", "somewhere", {}}, setting_command{"retention", "60"},
                 put_command{document_kind::rule, "r", "when", {}}});
  auto said = control.state->mirrored();
  EXPECT_EQ(said.mark, (mirror_mark{0, 1}));
  apply({all(said.mark, said.values)});
  EXPECT_EQ(values_of(*state), values_of(*control.state));
  EXPECT_EQ(values_of(*state).size(), 3u);
  gate_record small;
  ASSERT_TRUE(decode(*state->documents().find(document_kind::gate, "g")->value, small));
  EXPECT_FALSE(small.open);
  EXPECT_EQ(small.definition.kind, gate_kind::approval);
  EXPECT_TRUE(small.definition.description.empty());
  EXPECT_TRUE(small.history.empty());
}

// Whatever is lost, doubled or late: nothing goes back, and the newest wins. Replicas agree, also those that crash.
TEST_F(MirroredStateTest, AnyOrderEndsWhereTheControlPartitionIs) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random{seed};
    auto below = [&](size_t n) { return random() % n; };
    played_partition control{0, 2};
    played_partition other{1, 2};
    played_partition replica{1, 2};
    std::vector<mirror_command> sent;
    std::map<std::pair<mirrored_kind, std::string>, std::pair<mirrored_value, uint64_t>> changed;
    for (uint64_t step = 0; step < 30; ++step) {
      auto name = std::string{static_cast<char>('a' + below(4))};
      if (below(8) == 0)
        control.apply({lead_command{step, "here"}});
      auto entry =
        control.apply({below(3) == 0   ? command{setting_command{name, below(3) ? std::to_string(below(3)) : ""}}
                       : below(3) == 0 ? command{put_command{document_kind::gate, name, {}, {}}}
                                       : command{gate(name, below(2) == 0)}});
      for (const auto& x : entry.documents)
        changed[{mirrored_kind::gate, x.name}] = {*mirrored_of(x.kind, x.name, x.value.get()), entry.index};
      for (const auto& [key, value] : entry.settings)
        changed[{mirrored_kind::setting, key}] = {mirrored_setting(key, value), entry.index};
      auto now = control.state->mirrored();
      sent.push_back(all(now.mark, now.values));
      auto since = now.mark.position - below(now.mark.position + 1);
      sent.push_back(news(now.mark, since, {}));
      for (const auto& [key, x] : changed)
        if (x.second > since)
          sent.back().values.push_back(x.first);
      for (auto n = below(3); n > 0; --n) {
        const auto& one = sent[below(sent.size())];
        other.apply({one});
        replica.apply({one});
        if (below(3) == 0)
          replica.flush();
        if (below(3) == 0)
          replica.crash();
      }
    }
    other.apply({sent[sent.size() - 2]});
    replica.apply({sent[sent.size() - 2]});
    EXPECT_EQ(values_of(*other.state), values_of(*control.state)) << seed;
    EXPECT_EQ(other.digest(), replica.digest()) << seed;
    replica.crash();
    EXPECT_EQ(other.digest(), replica.digest()) << "from the store: " << seed;
  }
}

} // namespace overwatch::test
