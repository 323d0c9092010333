#include "actors/task_reader.hpp"

#include "actors/keys.hpp"
#include "messages/codec.hpp"
#include "tests/support/deterministic_node.hpp"

#include <random>

using namespace std::chrono_literals;

namespace overwatch::test {

class TaskReaderTest : public deterministic_node {
protected:
  task_id add(const std::string& task_type, bool cancelled = false) {
    auto id = submit("task", [&](task_spec& x) { x.task_type = task_type; }).id;
    if (cancelled)
      ask<task_record>(gateway_handle, cancel_request{id, ""});
    return id;
  }

  std::vector<task_id> ids_of(const task_page& page) {
    std::vector<task_id> result;
    for (const auto& x : page.tasks)
      result.push_back(x.spec.id);
    return result;
  }

  /// All pages, one after the other.
  std::vector<task_id> list_all(list_request x) {
    std::vector<task_id> result;
    for (int pages = 0; pages < 1'000; ++pages) {
      auto page = ask<task_page>(gateway_handle, x);
      EXPECT_LE(page.tasks.size(), x.limit);
      for (const auto& id : ids_of(page))
        result.push_back(id);
      if (!page.next)
        return result;
      x.before = page.next;
    }
    ADD_FAILURE() << "the list has no end";
    return result;
  }

  void write_line(const task_id& id, uint32_t attempt, uint64_t sequence) {
    log_entry line;
    line.attempt = attempt;
    line.sequence = sequence;
    line.message = std::to_string(sequence);
    write_batch batch;
    batch.put(key_space::series, keys::log_line(id, attempt, sequence), encode(line));
    db->write(batch, false);
  }

  std::vector<uint64_t> lines(const task_id& id, uint64_t after = 0, uint32_t limit = 100) {
    std::vector<uint64_t> result;
    for (const auto& x : ask<log_page>(gateway_handle, log_request{id, after, limit}).entries)
      result.push_back(x.sequence);
    return result;
  }
};

TEST_F(TaskReaderTest, ListsNewestFirst) {
  start();
  std::vector<task_id> added;
  for (int i = 0; i < 25; ++i)
    added.push_back(add(i % 2 ? "noop" : "other", i % 3 == 0));
  std::reverse(added.begin(), added.end());
  for (uint32_t limit : {1u, 7u, 24u, 25u, 26u}) {
    list_request x;
    x.limit = limit;
    EXPECT_EQ(list_all(x), added) << limit;
  }
}

TEST_F(TaskReaderTest, ListsByStatusByTypeAndByBoth) {
  start();
  std::map<task_id, std::pair<std::string, bool>> added;
  for (int i = 0; i < 30; ++i) {
    auto task_type = i % 3 ? "noop" : "other";
    auto cancelled = i % 2 == 0;
    added[add(task_type, cancelled)] = {task_type, cancelled};
  }
  for (uint32_t limit : {1u, 4u, 50u})
    for (std::vector<std::string> types :
         {std::vector<std::string>{}, {"noop"}, {"other", "noop", "other"}, {"nobody"}})
      for (std::vector<task_status> statuses : {std::vector<task_status>{},
                                                {task_status::cancelled},
                                                {task_status::queued, task_status::cancelled},
                                                {task_status::running}}) {
        std::vector<task_id> expected;
        for (auto i = added.rbegin(); i != added.rend(); ++i) {
          auto status = i->second.second ? task_status::cancelled : task_status::queued;
          auto type_wanted = types.empty() || std::find(types.begin(), types.end(), i->second.first) != types.end();
          auto status_wanted =
            statuses.empty() || std::find(statuses.begin(), statuses.end(), status) != statuses.end();
          if (type_wanted && status_wanted)
            expected.push_back(i->first);
        }
        list_request x;
        x.limit = limit;
        x.filter.task_types = types;
        x.filter.statuses = statuses;
        ASSERT_EQ(list_all(x), expected) << limit << ' ' << types.size() << ' ' << statuses.size();
      }
}

TEST_F(TaskReaderTest, CursorStaysRightWhileTasksAreAddedAndRemoved) {
  start();
  std::vector<task_id> first;
  for (int i = 0; i < 20; ++i)
    first.push_back(add("noop", true));
  std::reverse(first.begin(), first.end());
  list_request x;
  x.limit = 5;
  std::vector<task_id> seen;
  for (;;) {
    auto page = ask<task_page>(gateway_handle, x);
    for (const auto& id : ids_of(page))
      seen.push_back(id);
    if (!page.next)
      break;
    x.before = page.next;
    add("noop");                                                   // is newer: not in the pages to come
    ask<task_record>(gateway_handle, remove_request{seen.back()}); // the cursor itself is gone
  }
  EXPECT_EQ(seen, first);
}

TEST_F(TaskReaderTest, TimesOfTheFilterBoundTheList) {
  start();
  std::vector<std::pair<timestamp, task_id>> added;
  for (int i = 0; i < 10; ++i) {
    added.emplace_back(time(), add("noop"));
    advance(700us);
  }
  for (size_t from = 0; from < added.size(); ++from)
    for (size_t to = from; to < added.size(); ++to) {
      list_request x;
      x.filter.created_from = added[from].first;
      x.filter.created_to = added[to].first;
      std::vector<task_id> expected;
      for (size_t i = to; i > from; --i)
        expected.push_back(added[i - 1].second);
      ASSERT_EQ(list_all(x), expected) << from << ' ' << to;
    }
}

TEST_F(TaskReaderTest, SearchThatTakesTooLongIsCutShortAndGoesOn) {
  start();
  submit_request many;
  for (int i = 0; i < 1'000; ++i) {
    auto spec = std::make_shared<task_spec>();
    spec->name = i % 100 == 0 ? "needle" : "hay";
    spec->task_type = "noop";
    many.tasks.push_back({spec, std::make_shared<const std::string>("{}")});
  }
  ask<submit_reply>(gateway_handle, many);
  ask<uint64_t>(links.replica, flush_request{});
  task_reader_options options;
  options.list_limit = 0ms; // at once too long
  auto reader = system_.spawn(task_reader, db.get(), options);
  spawned_.push_back(caf::actor_cast<caf::actor>(reader));
  list_request x;
  x.filter.text = "needle";
  size_t found = 0;
  size_t cuts = 0;
  for (int pages = 0; pages < 100; ++pages) {
    auto page = ask<task_page>(reader, x);
    found += page.tasks.size();
    cuts += page.cut_short ? 1 : 0;
    if (!page.next)
      break;
    x.before = page.next;
  }
  EXPECT_EQ(found, 10u);
  EXPECT_GE(cuts, 2u);
}

TEST_F(TaskReaderTest, LogShowsTheNewestLinesOverAllAttempts) {
  start();
  auto id = add("noop");
  auto other = add("noop");
  uint64_t sequence = 0;
  for (uint32_t attempt = 1; attempt <= 3; ++attempt)
    for (int i = 0; i < 150; ++i)
      write_line(id, attempt, ++sequence);
  write_line(other, 1, 1);
  auto shown = lines(id);
  ASSERT_EQ(shown.size(), 100u);
  for (size_t i = 0; i < shown.size(); ++i)
    EXPECT_EQ(shown[i], 351 + i);
  EXPECT_EQ(lines(other), std::vector<uint64_t>{1});
}

TEST_F(TaskReaderTest, LogPagesReachOverAttempts) {
  start();
  auto id = add("noop");
  for (uint64_t sequence = 1; sequence <= 30; ++sequence)
    write_line(id, sequence <= 20 ? 1 : 2, sequence);
  EXPECT_EQ(lines(id).size(), 30u);
  EXPECT_EQ(lines(id, 28), (std::vector<uint64_t>{29, 30}));
  EXPECT_EQ(lines(id, 0, 3), (std::vector<uint64_t>{28, 29, 30}));
  EXPECT_TRUE(lines(id, 30).empty());
  EXPECT_EQ(lines(id, 0, 100'000).size(), 30u);
}

TEST_F(TaskReaderTest, ReadyPageBringsTasksUntilItHasEnoughBytes) {
  start();
  for (int i = 0; i < 10; ++i)
    add("noop");
  ask<uint64_t>(links.replica, flush_request{});
  task_reader_options options;
  options.page_bytes = 1;
  auto reader = system_.spawn(task_reader, db.get(), options);
  spawned_.push_back(caf::actor_cast<caf::actor>(reader));
  ready_request x{"noop", false, priority::normal, {}, 6};
  auto page = ask<ready_page>(reader, x);
  ASSERT_EQ(page.items.size(), 1u);
  EXPECT_FALSE(page.exhausted);
  ASSERT_TRUE(page.items[0].task.spec);
  EXPECT_EQ(page.items[0].task.spec->id, page.items[0].id);
  for (int i = 1; i < 10; ++i) {
    x.after = std::pair{page.items.back().order, page.items.back().id};
    page = ask<ready_page>(reader, x);
    ASSERT_EQ(page.items.size(), 1u);
  }
  EXPECT_TRUE(page.exhausted) << "the last one ends it";
}

} // namespace overwatch::test
