#include "actors/remote_parents.hpp"
#include "tests/actors/played_partition.hpp"

#include <gtest/gtest.h>

namespace overwatch::test {

using namespace std::chrono_literals;

class RemoteParentsTest : public ::testing::Test {
protected:
  remote_parents watched{{}};
  remote_parents::time_point now{1h};

  std::vector<task_id> asked(partition_id partition = 1) {
    for (auto& x : watched.due(now))
      if (x.partition == partition)
        return x.ids;
    return {};
  }

  void answer(std::vector<task_id> ended, partition_id partition = 1) {
    statuses_reply reply;
    for (const auto& id : ended)
      reply.ended.push_back({"", id, task_status::completed, nullptr});
    watched.answered(partition, reply, now);
  }
};

TEST_F(RemoteParentsTest, AskedAtOnceThenAfterPausesThatGrow) {
  watched.add(id_of(1, 1), now);
  EXPECT_EQ(asked(), std::vector{id_of(1, 1)});
  for (auto pause : {250ms, 500ms, 1000ms, 2000ms, 2000ms}) {
    answer({});
    EXPECT_EQ(*watched.next(), now + pause);
    now += pause - 1ms;
    EXPECT_TRUE(asked().empty());
    now += 1ms;
    EXPECT_EQ(asked(), std::vector{id_of(1, 1)});
  }
}

TEST_F(RemoteParentsTest, NobodyAsksForWhatIsForgotten) {
  watched.add(id_of(1, 1), now);
  watched.forget(id_of(1, 1));
  watched.forget(id_of(2, 1));
  EXPECT_EQ(watched.size(), 0u);
  EXPECT_FALSE(watched.next());
  watched.add(id_of(1, 1), now);
  EXPECT_EQ(asked().size(), 1u);
  watched.forget(id_of(1, 1)); // the answer is still to come
  answer({});
  now += 10s;
  EXPECT_TRUE(asked().empty());
  EXPECT_FALSE(watched.next());
}

TEST_F(RemoteParentsTest, WantedAgainWhileItIsAskedForIsAskedForOnce) {
  watched.add(id_of(1, 1), now);
  EXPECT_EQ(asked().size(), 1u);
  watched.forget(id_of(1, 1));
  watched.add(id_of(1, 1), now);
  answer({});
  EXPECT_EQ(watched.size(), 1u);
  EXPECT_EQ(asked(), std::vector{id_of(1, 1)});
  answer({});
  EXPECT_EQ(*watched.next(), now + 250ms);
  now += 250ms;
  EXPECT_EQ(asked(), std::vector{id_of(1, 1)});
}

TEST_F(RemoteParentsTest, OneQuestionPerPartitionIsUnderWay) {
  watched.add(id_of(1, 1), now);
  EXPECT_EQ(asked().size(), 1u);
  watched.add(id_of(2, 1), now);
  EXPECT_TRUE(asked().empty());
  EXPECT_FALSE(watched.next());
  watched.add(id_of(3, 2), now);
  EXPECT_EQ(asked(2), std::vector{id_of(3, 2)}) << "another partition";
  answer({});
  EXPECT_EQ(asked(), std::vector{id_of(2, 1)});
}

TEST_F(RemoteParentsTest, WhatEndedIsNotWatchedAnyMore) {
  watched.add(id_of(1, 1), now);
  watched.add(id_of(2, 1), now);
  watched.add(id_of(3, 1), now);
  EXPECT_EQ(asked().size(), 3u);
  statuses_reply reply;
  reply.ended.push_back({"", id_of(1, 1), task_status::failed, nullptr});
  reply.missing.push_back(id_of(2, 1));
  watched.answered(1, reply, now);
  EXPECT_EQ(watched.size(), 1u);
  EXPECT_FALSE(watched.watches(id_of(1, 1)));
  EXPECT_TRUE(watched.watches(id_of(3, 1)));
  now += 250ms;
  EXPECT_EQ(asked(), std::vector{id_of(3, 1)});
}

TEST_F(RemoteParentsTest, FailedQuestionIsAskedAgain) {
  watched.add(id_of(1, 1), now);
  asked();
  watched.failed(1, now);
  now += 250ms;
  EXPECT_EQ(asked(), std::vector{id_of(1, 1)});
}

TEST_F(RemoteParentsTest, QuestionsAreBounded) {
  for (uint64_t n = 0; n < max_statuses + 10; ++n)
    watched.add(id_of(n, 1), now);
  EXPECT_EQ(asked().size(), max_statuses);
  answer({});
  EXPECT_EQ(asked().size(), 10u);
}

TEST_F(RemoteParentsTest, WindowIsBoundedAndFilledFromTheState) {
  remote_parents::options options;
  options.window = 4;
  watched = remote_parents{options};
  EXPECT_FALSE(watched.wanted_page()) << "nothing was said to be there";
  for (uint64_t n = 1; n <= 6; ++n)
    watched.add(id_of(n, 1), now);
  EXPECT_EQ(watched.size(), 4u);
  EXPECT_FALSE(watched.wanted_page()) << "while it is full";
  asked();
  answer({id_of(1, 1), id_of(2, 1)});
  auto wanted = watched.wanted_page();
  ASSERT_TRUE(wanted);
  EXPECT_TRUE(wanted->after.is_nil());
  EXPECT_FALSE(watched.wanted_page()) << "it is under way";
  watched.page_failed();
  ASSERT_TRUE(watched.wanted_page());
  watched.add_page({{id_of(3, 1), id_of(4, 1), id_of(5, 1)}, false}, now);
  EXPECT_EQ(watched.size(), 3u);
  EXPECT_FALSE(watched.wanted_page());
  asked();
  answer({id_of(5, 1)});
  wanted = watched.wanted_page();
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->after, id_of(5, 1));
  watched.add_page({{id_of(6, 1)}, true}, now);
  EXPECT_TRUE(watched.watches(id_of(6, 1)));
  now += 10s;
  asked();
  answer({id_of(3, 1), id_of(4, 1), id_of(6, 1)});
  EXPECT_FALSE(watched.wanted_page()) << "all were seen";
}

TEST_F(RemoteParentsTest, WhatFoundNoRoomWhilePagesCameIsLookedForAgain) {
  remote_parents::options options;
  options.window = 2;
  watched = remote_parents{options};
  watched.expect();
  ASSERT_TRUE(watched.wanted_page());
  watched.add(id_of(1, 1), now);
  watched.add(id_of(2, 1), now);
  watched.add(id_of(3, 1), now);
  watched.add_page({{}, true}, now);
  asked();
  answer({id_of(1, 1), id_of(2, 1)});
  EXPECT_TRUE(watched.wanted_page());
}

} // namespace overwatch::test
