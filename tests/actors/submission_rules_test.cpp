#include "actors/submission_rules.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

using namespace std::chrono_literals;

namespace overwatch {

namespace {

namespace limits = task_limits;

const std::set<std::string> types{"noop", "user_task"};

task_spec good() {
  task_spec x;
  x.name = "task";
  x.task_type = "noop";
  return x;
}

failure check(task_spec spec, std::string payload = "{}") {
  return check_submission(
    {std::make_shared<task_spec>(std::move(spec)), std::make_shared<const std::string>(std::move(payload))}, types);
}

struct rule {
  std::string field;
  std::function<void(task_spec&)> within; ///< the largest that is allowed
  std::function<void(task_spec&)> beyond; ///< the smallest that is not
};

std::string text(size_t size) { return std::string(size, 'x'); }
std::vector<std::string> list(size_t size) { return std::vector<std::string>(size, "x"); }

std::map<std::string, std::string> context(size_t size) {
  std::map<std::string, std::string> result;
  for (size_t i = 0; i < size; ++i)
    result["key" + std::to_string(i)] = "x";
  return result;
}

// One line per field and bound.
const std::vector<rule>& rules() {
  using spec = task_spec&;
  static const std::vector<rule> all{
    {"/name", [](spec x) { x.name = text(limits::name_bytes); }, [](spec x) { x.name = text(limits::name_bytes + 1); }},
    {"/name", [](spec x) { x.name = "x"; }, [](spec x) { x.name = ""; }},
    {"/task_type", [](spec x) { x.task_type = "user_task"; }, [](spec x) { x.task_type = "unheard"; }},
    {"/description", [](spec x) { x.description = text(limits::description_bytes); },
     [](spec x) { x.description = text(limits::description_bytes + 1); }},
    {"/subsystem", [](spec x) { x.subsystem = text(limits::label_bytes); },
     [](spec x) { x.subsystem = text(limits::label_bytes + 1); }},
    {"/assigned_to", [](spec x) { x.assigned_to = text(limits::label_bytes); },
     [](spec x) { x.assigned_to = text(limits::label_bytes + 1); }},
    {"/unique_key", [](spec x) { x.unique_key = text(limits::label_bytes); },
     [](spec x) { x.unique_key = text(limits::label_bytes + 1); }},
    {"/concurrency/key", [](spec x) { x.concurrency.key = text(limits::label_bytes); },
     [](spec x) { x.concurrency.key = text(limits::label_bytes + 1); }},
    {"/timeout", [](spec x) { x.timeout = limits::max_timeout; },
     [](spec x) { x.timeout = limits::max_timeout + 1ms; }},
    {"/timeout", [](spec x) { x.timeout = 1ms; }, [](spec x) { x.timeout = 0ms; }},
    {"/tags", [](spec x) { x.tags = list(limits::list_entries); },
     [](spec x) { x.tags = list(limits::list_entries + 1); }},
    {"/tags/1",
     [](spec x) {
       x.tags = {"a", text(limits::label_bytes)};
     },
     [](spec x) {
       x.tags = {"a", text(limits::label_bytes + 1)};
     }},
    {"/context", [](spec x) { x.context = context(limits::list_entries); },
     [](spec x) { x.context = context(limits::list_entries + 1); }},
    {"/context/user",
     [](spec x) {
       x.context = {{"user", text(limits::label_bytes)}};
     },
     [](spec x) {
       x.context = {{"user", text(limits::label_bytes + 1)}};
     }},
    {"/required_gates", [](spec x) { x.required_gates = list(limits::list_entries); },
     [](spec x) { x.required_gates = list(limits::list_entries + 1); }},
    {"/depends_on", [](spec x) { x.depends_on.resize(limits::list_entries); },
     [](spec x) { x.depends_on.resize(limits::list_entries + 1); }},
    {"/retry/max_attempts", [](spec x) { x.retry.max_attempts = limits::max_attempts; },
     [](spec x) { x.retry.max_attempts = limits::max_attempts + 1; }},
    {"/retry/max_attempts", [](spec x) { x.retry.max_attempts = 1; }, [](spec x) { x.retry.max_attempts = 0; }},
    {"/retry/base", [](spec x) { x.retry.base = 0ms; }, [](spec x) { x.retry.base = -1ms; }},
    {"/retry/base", [](spec x) { x.retry.base = limits::max_timeout; },
     [](spec x) { x.retry.base = limits::max_timeout + 1ms; }},
    {"/retry/max", [](spec x) { x.retry.max = 0ms; }, [](spec x) { x.retry.max = -1ms; }},
    {"/retry/jitter", [](spec x) { x.retry.jitter = 1; }, [](spec x) { x.retry.jitter = 1.01; }},
    {"/retry/jitter", [](spec x) { x.retry.jitter = 0; }, [](spec x) { x.retry.jitter = std::nan(""); }},
    {"/resources/cpu", [](spec x) { x.resources.cpu = 1; }, [](spec x) { x.resources.cpu = 1.5; }},
    {"/resources/io", [](spec x) { x.resources.io = 0; }, [](spec x) { x.resources.io = -0.5; }},
    {"/resources/exclusive", [](spec x) { x.resources.exclusive = list(limits::list_entries); },
     [](spec x) { x.resources.exclusive = list(limits::list_entries + 1); }},
    {"/snapshot/keys", [](spec x) { x.snapshot.keys = list(limits::list_entries); },
     [](spec x) { x.snapshot.keys = list(limits::list_entries + 1); }},
    {"/snapshot/files", [](spec x) { x.snapshot.files = list(limits::list_entries); },
     [](spec x) { x.snapshot.files = list(limits::list_entries + 1); }},
  };
  return all;
}

} // namespace

TEST(SubmissionRulesTest, SimpleTaskIsAccepted) { EXPECT_FALSE(check(good())); }

TEST(SubmissionRulesTest, EveryFieldHasItsBound) {
  for (const auto& rule : rules()) {
    auto allowed = good();
    rule.within(allowed);
    EXPECT_FALSE(check(allowed)) << rule.field << ": " << check(allowed).message;
    auto refused = good();
    rule.beyond(refused);
    auto fault = check(refused);
    EXPECT_EQ(fault.field, rule.field);
    EXPECT_NE(fault.code, ec::none);
    EXPECT_FALSE(fault.message.empty());
  }
}

TEST(SubmissionRulesTest, UnknownTypeNamesTheKnownOnes) {
  auto spec = good();
  spec.task_type = "unheard";
  auto fault = check(spec);
  EXPECT_EQ(fault.code, ec::unknown_type);
  for (auto part : {"unheard", "noop, user_task"})
    EXPECT_NE(fault.message.find(part), std::string::npos) << fault.message;
}

TEST(SubmissionRulesTest, NumberWithoutANameIsRefused) {
  auto spec = good();
  spec.importance = static_cast<priority>(priority_names.size());
  auto fault = check(spec);
  EXPECT_EQ(fault.field, "/priority");
  EXPECT_NE(fault.message.find("number 5 is none of: critical, high"), std::string::npos) << fault.message;
  spec = good();
  spec.retry.backoff = static_cast<backoff_kind>(7);
  EXPECT_EQ(check(spec).field, "/retry/backoff");
}

TEST(SubmissionRulesTest, PayloadHasABound) {
  EXPECT_FALSE(check(good(), text(limits::payload_bytes)));
  EXPECT_EQ(check(good(), text(limits::payload_bytes + 1)).field, "/payload");
}

TEST(SubmissionRulesTest, TaskWithoutSpecOrPayloadIsRefused) {
  auto payload = std::make_shared<const std::string>("{}");
  EXPECT_EQ(check_submission({nullptr, payload}, types).code, ec::invalid);
  EXPECT_EQ(check_submission({std::make_shared<task_spec>(good()), nullptr}, types).code, ec::invalid);
}

TEST(SubmissionRulesTest, MessageOfATypeThatIsTooLongStaysShort) {
  auto spec = good();
  spec.task_type = text(1'000'000);
  EXPECT_LT(check(spec).message.size(), 1'000u);
}

} // namespace overwatch
