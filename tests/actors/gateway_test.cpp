#include "actors/gateway.hpp"

#include "tests/support/deterministic_node.hpp"

#include <caf/event_based_actor.hpp>

using namespace std::chrono_literals;

namespace overwatch::test {

class GatewayTest : public deterministic_node {
protected:
  submission task(const std::string& name, const std::string& task_type = "noop") {
    auto spec = std::make_shared<task_spec>();
    spec->name = name;
    spec->task_type = task_type;
    return {spec, std::make_shared<const std::string>("{}")};
  }

  template <class Reply, class Request>
  failure refused(const Request& x) {
    failure fault;
    ask<Reply>(gateway_handle, x, &fault);
    return fault;
  }

  failure refused_submit(std::vector<submission> tasks) {
    return refused<submit_reply>(submit_request{std::move(tasks)});
  }
};

TEST_F(GatewayTest, RefusedFieldIsNamedWithItsPointer) {
  start();
  auto receipt = submit("task", [](task_spec& x) { x.retry.max_attempts = 0; });
  EXPECT_EQ(receipt.error.code, ec::invalid);
  EXPECT_EQ(receipt.error.field, "/retry/max_attempts");
  EXPECT_EQ(submit("").error.field, "/name");
}

TEST_F(GatewayTest, UnknownTypeNamesTheKnownOnes) {
  start();
  auto receipt = submit("task", [](task_spec& x) { x.task_type = "unheard"; });
  EXPECT_EQ(receipt.error.code, ec::unknown_type);
  EXPECT_NE(receipt.error.message.find("nobody, noop, other"), std::string::npos) << receipt.error.message;
}

TEST_F(GatewayTest, EveryTaskOfARequestIsJudgedByItself) {
  start();
  auto reply = ask<submit_reply>(gateway_handle, submit_request{{task("one"), task(""), task("three")}});
  ASSERT_EQ(reply.receipts.size(), 3u);
  EXPECT_FALSE(reply.receipts[0].error);
  EXPECT_EQ(reply.receipts[1].error.field, "/name");
  EXPECT_TRUE(reply.receipts[1].id.is_nil());
  EXPECT_EQ(get(reply.receipts[2].id).spec.name, "three");
  EXPECT_EQ(ask<stats_reply>(gateway_handle, stats_request{}).submitted, 2u);
}

TEST_F(GatewayTest, RequestOfRefusedTasksOnlyIsAnswered) {
  start();
  auto reply = ask<submit_reply>(gateway_handle, submit_request{{task("")}});
  ASSERT_EQ(reply.receipts.size(), 1u);
  EXPECT_TRUE(reply.receipts[0].error);
  EXPECT_TRUE(ask<submit_reply>(gateway_handle, submit_request{}).receipts.empty());
}

TEST_F(GatewayTest, LargestRequestIsTakenAndALargerOneRefused) {
  start();
  auto reply = ask<submit_reply>(gateway_handle, submit_request{std::vector(max_submit_tasks, task("task"))});
  EXPECT_EQ(reply.receipts.size(), max_submit_tasks);
  std::set<task_id> ids;
  for (const auto& x : reply.receipts)
    ids.insert(x.id);
  EXPECT_EQ(ids.size(), max_submit_tasks);
  EXPECT_EQ(refused_submit(std::vector(max_submit_tasks + 1, task("task"))).code, ec::too_large);
}

TEST_F(GatewayTest, WhatIsInFlightIsBounded) {
  gateway_settings.max_tasks_in_flight = 3;
  start();
  std::vector<ec> answers;
  auto send = [&](size_t count) {
    submit_request x;
    for (size_t i = 0; i < count; ++i)
      x.tasks.push_back(task("task"));
    system_.spawn([=, &answers](caf::event_based_actor* client) {
      client->request(gateway_handle, caf::infinite, x)
        .then([&](const submit_reply&) { answers.push_back(ec::none); },
              [&](const caf::error& error) { answers.push_back(describe(error).code); });
    });
  };
  for (size_t count : {2, 1, 1})
    send(count);
  settle();
  std::sort(answers.begin(), answers.end());
  EXPECT_EQ(answers, (std::vector{ec::none, ec::none, ec::overloaded}));
  EXPECT_FALSE(submit("later").error) << "the bound is on what is in flight, not on what was";
  answers.clear();
  send(4);
  settle();
  EXPECT_EQ(answers, std::vector{ec::none}) << "one request may be larger than the bound, or it would never pass";
}

TEST_F(GatewayTest, BytesInFlightAreBounded) {
  gateway_settings.max_bytes_in_flight = 100'000;
  start();
  std::vector<ec> answers;
  for (int i = 0; i < 2; ++i) {
    auto x = task("task");
    x.payload = std::make_shared<const std::string>("{\"text\":\"" + std::string(80'000, 'x') + "\"}");
    system_.spawn([=, &answers](caf::event_based_actor* client) {
      client->request(gateway_handle, caf::infinite, submit_request{{x}})
        .then([&](const submit_reply&) { answers.push_back(ec::none); },
              [&](const caf::error& error) { answers.push_back(describe(error).code); });
    });
  }
  settle();
  std::sort(answers.begin(), answers.end());
  EXPECT_EQ(answers, (std::vector{ec::none, ec::overloaded}));
}

TEST_F(GatewayTest, FullDiskRefusesNewTasksAndServesTheRest) {
  start();
  auto id = submit("before").id;
  db->fill_disk(true);
  advance(1s);
  auto fault = refused_submit({task("during")});
  EXPECT_EQ(fault.code, ec::no_space);
  EXPECT_EQ(get(id).spec.name, "before");
  auto status = ask<node_status>(gateway_handle, status_request{});
  EXPECT_FALSE(status.ready);
  EXPECT_EQ(status.disk, disk_state::full);
  EXPECT_FALSE(status.problem.empty());
  db->fill_disk(false);
  advance(1s);
  EXPECT_FALSE(submit("after").error);
  EXPECT_TRUE(ask<node_status>(gateway_handle, status_request{}).ready);
}

TEST_F(GatewayTest, LowDiskRefusesNewTasksAndEndsTheOthers) {
  start();
  auto pool = offer("noop", 1);
  auto id = submit("before").id;
  caf::anon_send(gateway_handle, disk_report{disk_state::low, 1});
  settle();
  EXPECT_EQ(refused_submit({task("during")}).code, ec::no_space);
  failure fault;
  ask<submit_reply>(gateway_handle, generate_request{}, &fault);
  EXPECT_EQ(fault.code, ec::no_space) << "nor what rules make when they are asked to";
  finish(take_assigned(pool).at(0));
  EXPECT_EQ(status_of(id), task_status::completed);
}

TEST_F(GatewayTest, NodeThatStartsOrStopsRefusesTasks) {
  auto alone = system_.spawn(gateway, gateway_settings);
  spawned_.push_back(caf::actor_cast<caf::actor>(alone));
  failure fault;
  ask<submit_reply>(alone, submit_request{{task("early")}}, &fault);
  EXPECT_EQ(fault.code, ec::not_leader);
  ask<task_record>(alone, get_request{{1, 2}}, &fault);
  EXPECT_EQ(fault.code, ec::not_leader);
  EXPECT_FALSE(ask<node_status>(alone, status_request{}).ready);
  start();
  EXPECT_TRUE(ask<node_status>(gateway_handle, status_request{}).ready);
  caf::anon_send(gateway_handle, caf::leave_atom::value);
  settle();
  EXPECT_EQ(refused_submit({task("late")}).code, ec::not_leader);
  EXPECT_TRUE(ask<node_status>(gateway_handle, status_request{}).stopping);
}

TEST_F(GatewayTest, RetryMakesANewTaskThatNamesTheOld) {
  start();
  auto pool = offer("noop", 1);
  auto id = submit("one", [&](task_spec& x) {
              x.tags = {"a"};
              x.deadline = time() + 1h;
            }).id;
  EXPECT_EQ(refused<submit_receipt>(retry_request{id}).code, ec::conflict) << "it runs";
  finish(take_assigned(pool).at(0), violation::exception, "bad luck");
  auto receipt = ask<submit_receipt>(gateway_handle, retry_request{id});
  EXPECT_NE(receipt.id, id);
  auto record = get(receipt.id);
  EXPECT_EQ(record.spec.name, "one");
  EXPECT_EQ(record.spec.tags, std::vector<std::string>{"a"});
  EXPECT_FALSE(record.spec.deadline) << "the old one may have passed";
  EXPECT_EQ(record.payload, "{}");
  EXPECT_EQ(record.spec.origin.kind, origin_kind::task);
  EXPECT_EQ(record.spec.origin.id, to_string(id));
  EXPECT_EQ(status_of(id), task_status::failed);
  EXPECT_EQ(refused<submit_receipt>(retry_request{{1, 2}}).code, ec::not_found);
}

TEST_F(GatewayTest, OnlyFinishedTasksAreRemoved) {
  start();
  auto id = submit("one").id;
  EXPECT_EQ(refused<task_record>(remove_request{id}).code, ec::conflict);
  ask<task_record>(gateway_handle, cancel_request{id, "no"});
  EXPECT_EQ(ask<task_record>(gateway_handle, remove_request{id}).spec.name, "one") << "answers with what it was";
  EXPECT_EQ(refused<task_record>(get_request{id}).code, ec::not_found);
  EXPECT_EQ(refused<task_record>(remove_request{id}).code, ec::not_found);
}

TEST_F(GatewayTest, CancelTwiceIsNoError) {
  start();
  auto id = submit("one").id;
  EXPECT_EQ(ask<task_record>(gateway_handle, cancel_request{id, "first"}).state.status, task_status::cancelled);
  EXPECT_EQ(ask<task_record>(gateway_handle, cancel_request{id, "second"}).state.cancel_reason, "first");
  EXPECT_EQ(refused<task_record>(cancel_request{{1, 2}, ""}).code, ec::not_found);
}

TEST_F(GatewayTest, UnknownTasksHaveNeitherLogNorReason) {
  start();
  EXPECT_EQ(refused<log_page>(log_request{{1, 2}}).code, ec::not_found);
  EXPECT_EQ(refused<why_reply>(why_request{{1, 2}}).code, ec::not_found);
  EXPECT_TRUE(ask<log_page>(gateway_handle, log_request{submit("one").id}).entries.empty());
}

TEST_F(GatewayTest, SettingsAreCheckedAndKept) {
  gateway_settings.settings = {{"retention", "86400"}, {"max_concurrent_tasks", "10"}, {"generation_interval", "60"}};
  start();
  auto set = [](const std::string& key, const std::string& value) { return settings_request{{{key, value}}}; };
  for (const auto& [key, value] : std::map<std::string, std::string>{{"retention", "-1"},
                                                                     {"max_concurrent_tasks", "0"},
                                                                     {"generation_interval", "99999999999999999999"},
                                                                     {"slots.noop", "many"}}) {
    auto fault = refused<settings_reply>(set(key, value));
    EXPECT_EQ(fault.code, ec::invalid) << key;
    EXPECT_EQ(fault.field, '/' + key);
  }
  EXPECT_EQ(refused<settings_reply>(set("colour", "red")).code, ec::invalid);
  EXPECT_EQ(refused<settings_reply>(set("slots.unheard", "1")).code, ec::not_found);
  EXPECT_EQ(ask<settings_reply>(gateway_handle, settings_request{}).values.at("retention"), "86400");
  auto values =
    ask<settings_reply>(gateway_handle, settings_request{{{"retention", "60"}, {"slots.noop", "3"}}}).values;
  EXPECT_EQ(values.at("retention"), "60");
  EXPECT_EQ(values.at("slots.noop"), "3");
  crash(memory_store::survival::none);
  start();
  EXPECT_EQ(ask<settings_reply>(gateway_handle, settings_request{}).values.at("retention"), "60");
  EXPECT_EQ(ask<settings_reply>(gateway_handle, set("retention", "")).values.at("retention"), "86400") << "cleared";
}

TEST_F(GatewayTest, OneRefusedSettingChangesNone) {
  start();
  EXPECT_EQ(refused<settings_reply>(settings_request{{{"retention", "60"}, {"slots.noop", "0"}}}).code, ec::invalid);
  EXPECT_EQ(ask<settings_reply>(gateway_handle, settings_request{}).values.count("retention"), 0u);
}

TEST_F(GatewayTest, ListHasALimit) {
  start();
  auto id = submit("one").id;
  list_request x;
  for (uint32_t limit : {0u, 1001u, ~0u}) {
    x.limit = limit;
    EXPECT_EQ(refused<task_page>(x).field, "/limit") << limit;
  }
  for (uint32_t limit : {1u, 1000u}) {
    x.limit = limit;
    auto page = ask<task_page>(gateway_handle, x);
    ASSERT_EQ(page.tasks.size(), 1u) << "what was just submitted is in the list";
    EXPECT_EQ(page.tasks[0].spec.id, id);
  }
}

TEST_F(GatewayTest, PoolsNameTheTypesThatNobodyServes) {
  start();
  auto pool = offer("noop", 1);
  caf::anon_send(gateway_handle, links);
  settle();
  auto reply = ask<pools_reply>(gateway_handle, pools_request{});
  EXPECT_EQ(reply.types_without_handler, (std::vector<std::string>{"nobody", "noop", "other"}));
  EXPECT_EQ(reply.max_concurrent_tasks, gateway_settings.max_concurrent_tasks);
  ask<settings_reply>(gateway_handle, settings_request{{{"max_concurrent_tasks", "77"}}});
  EXPECT_EQ(ask<pools_reply>(gateway_handle, pools_request{}).max_concurrent_tasks, 77u);
}

TEST_F(GatewayTest, MetricsComeFromEveryComponent) {
  start();
  submit("one");
  std::set<std::string> names;
  for (const auto& family : ask<metrics_reply>(gateway_handle, metrics_request{}).families)
    EXPECT_TRUE(names.insert(family.name).second) << family.name << " is there twice";
  for (auto name : {"overwatch_tasks", "overwatch_journal_sync_seconds", "overwatch_pool_slots",
                    "task_execution_latency_seconds", "process_open_fds"})
    EXPECT_EQ(names.count(name), 1u) << name;
}

TEST_F(GatewayTest, IsOneListenerOfAJournalHoweverOftenItIsConnected) {
  start();
  auto listeners = [](const journal_actor& x) {
    auto* actor = caf::actor_cast<caf::abstract_actor*>(x);
    return dynamic_cast<journal_actor::stateful_pointer<journal_state>>(actor)->state.listeners.size();
  };
  auto connect = [this](const gateway_links& to) {
    caf::anon_send(gateway_handle, to);
    settle();
  };
  EXPECT_EQ(listeners(links.journal), 1u);
  connect(links);
  EXPECT_EQ(listeners(links.journal), 1u);
  auto others = links;
  others.journal = system_.spawn(journal, db.get(), journaling);
  spawned_.push_back(caf::actor_cast<caf::actor>(others.journal));
  connect(others);
  EXPECT_EQ(listeners(others.journal), 1u);
}

TEST_F(GatewayTest, EventsAreServed) {
  start();
  auto cursor = ask<event_batch>(gateway_handle, event_request{}).next;
  auto id = submit("one").id;
  event_request x;
  x.after = cursor;
  auto batch = ask<event_batch>(gateway_handle, x);
  ASSERT_EQ(batch.events.size(), 1u);
  EXPECT_EQ(batch.events[0].kind, event_kind::task_created);
  EXPECT_EQ(batch.events[0].spec->id, id);
}

TEST_F(GatewayTest, WaitsAndEventPagesAreBounded) {
  start();
  auto refused_field = [&](auto reply, auto request) {
    failure fault;
    ask<decltype(reply)>(gateway_handle, request, &fault);
    return fault.field;
  };
  event_request events;
  events.limit = 0;
  EXPECT_EQ(refused_field(event_batch{}, events), "/limit");
  events.limit = 4'097;
  EXPECT_EQ(refused_field(event_batch{}, events), "/limit");
  events = {};
  events.wait = std::chrono::seconds{61};
  EXPECT_EQ(refused_field(event_batch{}, events), "/wait");
  EXPECT_EQ(refused_field(task_record{}, wait_request{{1, 1}, std::chrono::seconds{61}}), "/limit");
}

} // namespace overwatch::test
