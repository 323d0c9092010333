#include "runtime/cli/command.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <ostream>
#include <random>
#include <set>

namespace overwatch::cli {

namespace {

namespace json = boost::json;

constexpr const char* far_future = "+365d";

/// Runs checks against a node one after the other; each leaves a line and nothing else behind.
class self_test {
public:
  self_test(const command_context& context, milliseconds limit)
    : context_{context}, client_{context.client()}, limit_{limit}, run_{std::to_string(std::random_device{}())} {}

  exit_code run() {
    check("the node is alive and ready", [&] { return node_is_ready(); });
    check("dispatch is running", [&] { return dispatch_runs(); });
    check("a task runs to its end", [&] { return task_completes("noop"); });
    check("a system_health task completes with a result", [&] { return task_completes("system_health"); });
    check("its log can be read", [&] { return log_is_readable(); });
    check("the same unique key returns the same task", [&] { return unique_key_holds(); });
    check("why says what a scheduled task waits for", [&] { return why_says_time(); });
    check("a waiting task can be cancelled", [&] { return cancel_works(); });
    check("bad input is refused with 422 and the field", [&] { return bad_input_is_refused(); });
    check("an unknown task is a 404", [&] { return unknown_task_is_not_found(); });
    check("finished tasks can be deleted", [&] { return tasks_are_deleted(); });
    return verdict();
  }

private:
  // A check returns what is wrong; nothing when it holds.
  template <class Check>
  void check(const char* name, Check run_check) {
    const auto start = std::chrono::steady_clock::now();
    std::string problem;
    try {
      problem = run_check();
    } catch (const command_failure& failure) {
      if (failure.code == exit_code::unreachable)
        throw;
      problem = failure.what();
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    ++checks_;
    failed_ += problem.empty() ? 0 : 1;
    report_.push_back(
      json::object{{"check", name}, {"passed", problem.empty()}, {"problem", problem}, {"seconds", took.count()}});
    if (context_.options.json)
      return;
    auto& console = context_.console;
    console.out << (problem.empty() ? paint(console, colour::green, "ok    ") : paint(console, colour::red, "FAILED"))
                << "  " << name << "  " << paint(console, colour::dim, format_duration(took.count())) << '\n';
    if (!problem.empty())
      console.out << "        " << printable(problem) << '\n';
    console.out << std::flush;
  }

  exit_code verdict() {
    if (context_.options.json)
      context_.print_raw(json::serialize(json::object{{"passed", failed_ == 0}, {"checks", report_}}));
    else if (failed_ == 0)
      context_.console.out << "all " << checks_ << " checks passed: this node does its work\n";
    else
      context_.console.out << failed_ << " of " << checks_ << " checks failed\n";
    return failed_ == 0 ? exit_code::good : exit_code::failed;
  }

  json::value submit(json::object task) {
    task["name"] = "self-test " + run_;
    task["tags"] = json::array{"self-test"};
    auto created = content_of(client_.request("POST", "/tasks", json::serialize(task)));
    created_.insert(text_of(created, "id"));
    return created;
  }

  std::string node_is_ready() {
    for (const auto* path : {"/health/live", "/health/ready"})
      if (const auto reply = client_.send("GET", path); !reply.good())
        return std::string{path} + " answers " + std::to_string(reply.status) + ": " + reply.body;
    return {};
  }

  std::string dispatch_runs() {
    const auto status = content_of(client_.request("GET", "/status"));
    return is_true(status, "running") ? "" : "it is paused, so no task will run: `overwatch resume` goes on";
  }

  std::string task_completes(const char* type) {
    const auto created = submit({{"task_type", type}, {"priority", "high"}});
    const auto id = text_of(created, "id");
    const auto ended = content_of(wait_for_task(client_, id, limit_));
    if (const auto status = text_of(ended, "status"); status != "completed")
      return "it is " + status + " after " + format_duration(static_cast<double>(limit_.count()) / 1000) +
             " at most: " +
             text_of(is_ended(ended) ? ended : content_of(client_.request("GET", "/tasks/" + id + "/why")),
                     is_ended(ended) ? "error_message" : "sentence");
    completed_ = id;
    const auto* result = find_field(ended, "result");
    return std::string_view{type} == "system_health" && (result == nullptr || !result->is_object()) ? "it has no result"
                                                                                                    : "";
  }

  std::string log_is_readable() {
    if (completed_.empty())
      return "no task completed";
    const auto log = content_of(client_.request("GET", "/tasks/" + completed_ + "/logs"));
    const auto* entries = log.is_array() ? &log : find_field(log, "entries");
    return entries != nullptr && entries->is_array() ? "" : "the answer is no list of entries";
  }

  std::string unique_key_holds() {
    const json::object task{{"task_type", "noop"}, {"scheduled_at", time_text()}, {"unique_key", "self-test-" + run_}};
    const auto first = text_of(submit(task), "id");
    const auto second = text_of(submit(task), "id");
    waiting_ = first;
    return first == second ? "" : "two tasks were made: " + first + " and " + second;
  }

  std::string why_says_time() {
    if (waiting_.empty())
      return "no task waits";
    const auto why = content_of(client_.request("GET", "/tasks/" + waiting_ + "/why"));
    if (text_of(why, "kind") != "time")
      return "it names '" + text_of(why, "kind") + "' instead of time";
    return text_of(why, "sentence").empty() ? "it has no sentence" : "";
  }

  std::string cancel_works() {
    if (waiting_.empty())
      return "no task waits";
    const auto task =
      content_of(client_.request("POST", "/tasks/" + waiting_ + "/cancel", R"({"reason":"self-test"})"));
    return text_of(task, "status") == "cancelled" ? "" : "it is " + text_of(task, "status");
  }

  std::string bad_input_is_refused() {
    const auto reply = client_.send("POST", "/tasks", R"({"name":"self-test","priority":"soon"})");
    if (reply.status != 422)
      return "the answer is " + std::to_string(reply.status);
    return reply.body.find("priority") == std::string::npos ? "the answer does not name the field priority" : "";
  }

  std::string unknown_task_is_not_found() {
    const auto reply = client_.send("GET", "/tasks/00000000-0000-7000-8000-000000000000");
    return reply.status == 404 ? "" : "the answer is " + std::to_string(reply.status);
  }

  std::string tasks_are_deleted() {
    for (const auto& id : created_)
      client_.request("DELETE", "/tasks/" + id);
    for (const auto& id : created_)
      if (const auto status = client_.send("GET", "/tasks/" + id).status; status != 404)
        return id + " still answers " + std::to_string(status);
    return {};
  }

  static std::string time_text() { return *parse_time(far_future, now()); }

  const command_context& context_;
  rest_client client_;
  milliseconds limit_;
  std::string run_; // tells this run's tasks from those of others
  std::set<std::string> created_;
  std::string completed_;
  std::string waiting_;
  json::array report_;
  int checks_ = 0;
  int failed_ = 0;
};

} // namespace

void add_self_test_command(CLI::App& app, command_context& context) {
  auto limit = std::make_shared<std::string>("30s");
  auto* command =
    app.add_subcommand("test", "Check a running node with real tasks; the exit code is 1 when a check fails");
  command->add_option("--limit", *limit, "For each task to end")->type_name("DURATION")->capture_default_str();
  command->footer("The tasks it makes have the tag self-test and are deleted at the end.\n"
                  "Example:\n  overwatch test --url http://127.0.0.1:9000");
  runs(command, context, [&context, limit] {
    const auto duration = parse_duration(*limit);
    if (!duration)
      throw command_failure{exit_code::usage, "--limit: '" + printable(*limit) + "' is no duration such as 30s"};
    return self_test{context, *duration}.run();
  });
}

} // namespace overwatch::cli
