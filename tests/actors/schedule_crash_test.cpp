#include "tests/actors/played_schedules.hpp"

#include "messages/codec.hpp"

#include <rapidcheck.h>

using namespace std::chrono_literals;

namespace overwatch {

using namespace schedule_test;

class ScheduleCrashTest : public played_schedules {};

TEST_F(ScheduleCrashTest, FailedSlotIsTriedAgainWithTheSameId) {
  put("a", each(10s));
  now = start + 10s;
  auto first = book.take_due(now, 1).at(0);
  book.failed(first, now);
  EXPECT_EQ(record().history.size(), 0u);
  EXPECT_EQ(book.next_due(), now + schedule_retry_delay);
  EXPECT_TRUE(book.take_due(now, 1).empty());
  now += schedule_retry_delay;
  auto second = book.take_due(now, 1).at(0);
  EXPECT_EQ(second.tasks.at(0).spec->id, first.tasks.at(0).spec->id);
  EXPECT_EQ(second.tasks[0].spec->unique_key, first.tasks[0].spec->unique_key);
  commit(second);
  EXPECT_EQ(record().next, start + 20s);
}

TEST_F(ScheduleCrashTest, FailedCreationLeavesNothing) {
  auto change = book.put("a", each(10s), now);
  ASSERT_TRUE(change);
  book.failed(*change, now);
  EXPECT_EQ(book.find("a"), nullptr);
  put("a", each(10s));
  EXPECT_NE(book.find("a"), nullptr);
}

TEST_F(ScheduleCrashTest, TaskThatIsNotAcceptedIsNotedAndDoesNotStopTheSchedule) {
  put("a", each(10s));
  now = start + 10s;
  auto change = book.take_due(now, 1).at(0);
  refuse_task(change, change.tasks.at(0).spec->id, "no such type");
  EXPECT_TRUE(change.tasks.empty());
  commit(change);
  EXPECT_EQ(record().history.at(0).how, slot_outcome::refused);
  EXPECT_EQ(record().history[0].note, "no such type");
  now = start + 20s;
  change = book.take_due(now, 1).at(0);
  auto results = accepted(change);
  results.at(0).error = {ec::invalid, "/depends_on", "no such parent"};
  book.committed(change, results);
  EXPECT_EQ(record().history.at(0).how, slot_outcome::refused);
  EXPECT_EQ(record().history[0].note, "no such parent");
  EXPECT_EQ(run(start + 30s), slots{30});
}

TEST_F(ScheduleCrashTest, SlotThatHadItsTaskAlreadyTakesItsId) {
  put("a", each(10s));
  now = start + 10s;
  auto change = book.take_due(now, 1).at(0);
  auto first = ids_.next(now, 0);
  book.committed(change, {{{}, first, task_status::running, true, 0}});
  EXPECT_EQ(record().last_task, first);
  EXPECT_EQ(run(start + 20s), slots{}) << "it runs";
  book.task_ended(first);
  EXPECT_EQ(run(start + 30s), slots{30});
}

TEST_F(ScheduleCrashTest, RecordsSurviveTheStore) {
  put("a", at("*/5 * * * *"));
  run(start + 11min);
  schedule_record read;
  ASSERT_TRUE(decode(encode(record()), read));
  auto other = make_book();
  EXPECT_FALSE(other.load(read, true));
  EXPECT_EQ(other.next_due(), book.next_due());
  EXPECT_EQ(*other.find("a")->definition.task.payload, "{\"n\":1}");
  EXPECT_EQ(other.take_due(start + 15min, 1).at(0).tasks.size(), 0u) << "its last task is unfinished";
  EXPECT_FALSE(other.load(read, false));
  EXPECT_TRUE(other.busy("a")) << "the change under way counts";
  other = make_book();
  EXPECT_FALSE(other.load(read, false));
  EXPECT_EQ(other.take_due(start + 15min, 1).at(0).tasks.size(), 1u);
}

TEST_F(ScheduleCrashTest, ScheduleThatCannotBeUnderstoodIsListedAndNeverDue) {
  put("a", at("*/5 * * * *"));
  auto broken = record();
  broken.definition.time_zone = "Atlantis/Poseidonis";
  EXPECT_EQ(book.load(broken, false).field, "/time_zone");
  EXPECT_EQ(book.list().size(), 1u);
  EXPECT_FALSE(book.next_due());
  EXPECT_TRUE(book.remove("a"));
}

namespace {

/// What the log holds: it knows the outcome of each change, the book only what it hears.
struct log_model {
  std::map<std::string, schedule_record> records;
  std::map<std::string, task_id> by_key;
  std::map<task_id, bool> ended;
  uint64_t doubled = 0;

  std::vector<command_result> apply(const schedule_change& change) {
    std::vector<command_result> results;
    for (const auto& task : change.tasks) {
      const auto& spec = *task.spec;
      if (ended.count(spec.id) > 0) {
        results.push_back({{}, spec.id, ended[spec.id] ? task_status::completed : task_status::queued, true, 0});
        continue;
      }
      doubled += by_key.count(spec.unique_key); // an ended task does not hold its key
      by_key[spec.unique_key] = spec.id;
      ended[spec.id] = false;
      results.push_back({{}, spec.id, task_status::queued, false, 0});
    }
    if (change.record)
      records[change.name] = *change.record;
    else
      records.erase(change.name);
    return results;
  }
};

} // namespace

TEST_F(ScheduleCrashTest, NoSlotIsLostOrDoubledWhateverHappens) {
  EXPECT_TRUE(rc::check("each slot has exactly one task, over crashes and failures", [this] {
    log_model log;
    book = make_book();
    now = start;
    auto definition = each(10s);
    definition.missed = missed_policy::all;
    definition.overlap = *rc::gen::element(overlap_policy::allow, overlap_policy::queue);
    auto created = *book.put("a", definition, now);
    book.committed(created, log.apply(created));
    std::optional<schedule_change> flying;
    auto reload = [&](bool fresh) {
      if (fresh)
        book = make_book();
      const auto& stored = log.records["a"];
      auto last = log.ended.find(stored.last_task);
      book.load(stored, last != log.ended.end() && !last->second);
      flying.reset();
    };
    for (auto step : *rc::gen::container<std::vector<int>>(100, rc::gen::inRange(0, 9))) {
      now += *rc::gen::inRange(0, 15) * 1s;
      if (!flying)
        if (auto due = book.take_due(now, 1); !due.empty())
          flying = due[0];
      if (step == 0) { // crash, before or after it was durable
        if (flying && *rc::gen::arbitrary<bool>())
          log.apply(*flying);
        reload(true);
      } else if (step == 1 && flying) { // not applied
        book.failed(*flying, now);
        flying.reset();
      } else if (step == 2 && flying) { // applied, but nobody heard of it
        log.apply(*flying);
        book.failed(*flying, now);
        reload(false);
      } else if (step == 3 && flying) { // likewise, and it is not looked up
        book.failed(*flying, now);
        log.apply(*flying);
        flying.reset();
      } else if (step == 4 && flying) { // applied after it was looked up
        auto late = *flying;
        book.failed(late, now);
        reload(false);
        log.apply(late);
      } else if (step <= 5 && !log.ended.empty()) { // a task ends
        auto i = std::next(log.ended.begin(), *rc::gen::inRange(0, static_cast<int>(log.ended.size())));
        if (!std::exchange(i->second, true))
          book.task_ended(i->first);
      } else if (flying) {
        book.committed(*flying, log.apply(*flying));
        flying.reset();
      }
    }
    if (flying)
      book.committed(*flying, log.apply(*flying));
    now += schedule_retry_delay;
    while (book.next_due().value_or(timestamp::max()) <= now || !book.find("a")->queued.empty()) {
      for (auto& [id, ended] : log.ended)
        if (!std::exchange(ended, true))
          book.task_ended(id);
      for (const auto& change : book.take_due(now, 1))
        book.committed(change, log.apply(change));
    }
    RC_ASSERT(log.doubled == 0u);
    for (auto slot = start + 10s; slot <= now; slot += 10s)
      RC_ASSERT(log.by_key.count(slot_key("a", slot)) == 1u);
  }));
}

} // namespace overwatch
