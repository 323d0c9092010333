#include "tests/support/process/node_api.hpp"

#include <cctype>
#include <charconv>
#include <ctime>
#include <stdexcept>

namespace overwatch::support {

namespace {

constexpr std::string_view prefix = "/api/overwatch";
constexpr unsigned page_tasks = 1000;

[[noreturn]] void refuse(std::string_view what, std::string_view text) {
  throw std::runtime_error{std::string{what} + ": " + std::string{text.substr(0, 2000)}};
}

boost::json::value parse(std::string_view text) {
  boost::json::error_code failed;
  auto value = boost::json::parse({text.data(), text.size()}, failed);
  if (failed)
    refuse("not JSON", text);
  return value;
}

uint64_t number_in(const boost::json::object& object, std::string_view key) {
  auto* found = object.if_contains({key.data(), key.size()});
  return found != nullptr && found->is_number() ? found->to_number<uint64_t>() : 0;
}

task_id id_in(const boost::json::object& object) {
  auto id = parse_task_id(text_at(object, "id"));
  if (!id)
    refuse("no task id", boost::json::serialize(object));
  return *id;
}

task_view view(const boost::json::object& object) {
  task_view result;
  result.id = id_in(object);
  result.status = text_at(object, "status");
  result.name = text_at(object, "name");
  result.attempt = number_in(object, "attempt");
  if (auto* error = object.if_contains("error"); error != nullptr && error->is_object())
    result.error_kind = text_at(error->get_object(), "kind");
  result.created_at = parse_time(text_at(object, "created_at"));
  if (auto started = text_at(object, "started_at"); !started.empty())
    result.started_at = parse_time(started);
  return result;
}

} // namespace

std::string text_at(const boost::json::object& object, std::string_view member) {
  const auto* found = object.if_contains({member.data(), member.size()});
  return found != nullptr && found->is_string() ? std::string{found->get_string().c_str()} : std::string{};
}

std::string text_at(const boost::json::object& object, std::string_view outer, std::string_view inner) {
  const auto* found = object.if_contains({outer.data(), outer.size()});
  return found != nullptr && found->is_object() ? text_at(found->get_object(), inner) : std::string{};
}

bool is_terminal(const task_view& task) {
  return task.status == "completed" || task.status == "failed" || task.status == "cancelled";
}

timestamp parse_time(std::string_view text) {
  std::tm parts{};
  auto* end = strptime(std::string{text}.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr || text.size() < 19)
    refuse("not a time", text);
  auto result = timestamp{std::chrono::seconds{timegm(&parts)}};
  auto fraction = text.substr(19);
  if (!fraction.empty() && fraction.front() == '.') {
    int64_t unit = 100'000; // microseconds
    for (size_t i = 1; i < fraction.size() && std::isdigit(static_cast<unsigned char>(fraction[i])) != 0; ++i) {
      result += std::chrono::microseconds{(fraction[i] - '0') * unit};
      unit /= 10;
    }
  }
  return result;
}

uint64_t accepted_in(std::string_view batch_answer) {
  constexpr std::string_view key = "\"accepted\":";
  uint64_t count = 0;
  if (auto at = batch_answer.find(key); at != std::string_view::npos)
    std::from_chars(batch_answer.data() + at + key.size(), batch_answer.data() + batch_answer.size(), count);
  return count;
}

std::vector<task_id> ids_in(std::string_view batch_answer) {
  auto answer = parse(batch_answer);
  std::vector<task_id> result;
  for (const auto& task : answer.as_object().at("tasks").as_array())
    result.push_back(id_in(task.as_object()));
  if (result.size() != accepted_in(batch_answer))
    refuse("not all tasks of a batch were accepted", batch_answer);
  return result;
}

boost::json::value node_api::fetch(const std::string& path) { return parse(client_.fetch(std::string{prefix} + path)); }

void node_api::post(const std::string& path) {
  if (auto answer = client_.post(std::string{prefix} + path); answer.status != 200)
    refuse("POST " + path + ": status " + std::to_string(answer.status), answer.body);
}

std::string node_api::version() { return std::string{text_at(fetch("/health").as_object(), "version")}; }

node_counters node_api::counters() {
  auto value = fetch("/stats");
  const auto& stats = value.as_object();
  node_counters result;
  result.submitted = number_in(stats, "total_submitted");
  result.completed = number_in(stats, "total_completed");
  result.failed = number_in(stats, "total_failed");
  result.cancelled = number_in(stats, "total_cancelled");
  result.attempts = number_in(stats, "attempts");
  if (auto* violations = stats.if_contains("violations"); violations != nullptr && violations->is_object())
    result.lost = number_in(violations->get_object(), "lost");
  return result;
}

void node_api::stop_dispatch() { post("/stop"); }

void node_api::resume_dispatch() { post("/start"); }

task_id node_api::submit(std::string_view task) {
  auto answer = client_.post("/api/overwatch/tasks", task);
  if (answer.status != 200)
    refuse("submit: status " + std::to_string(answer.status), answer.body);
  return id_in(parse(answer.body).as_object());
}

std::vector<task_id> node_api::submit_batch(std::string_view tasks) {
  auto answer = client_.post(batch_path, tasks, ndjson_type);
  if (answer.status != 200)
    refuse("batch submit: status " + std::to_string(answer.status), answer.body);
  return ids_in(answer.body);
}

task_view node_api::task(const task_id& id) { return view(fetch("/tasks/" + to_string(id)).as_object()); }

task_view node_api::wait(const task_id& id, unsigned seconds) {
  return view(fetch("/tasks/" + to_string(id) + "?wait=" + std::to_string(seconds)).as_object());
}

void node_api::for_each_task(const std::function<bool(const task_view&)>& visit, std::string_view filter) {
  auto first_page = std::string{prefix} + "/tasks?limit=" + std::to_string(page_tasks) + std::string{filter};
  for (auto path = first_page;;) {
    auto answer = client_.get(path);
    if (answer.status != 200)
      refuse("GET " + path + ": status " + std::to_string(answer.status), answer.body);
    auto page = parse(answer.body);
    for (const auto& task : page.as_array())
      if (!visit(view(task.as_object())))
        return;
    auto next = answer.header("overwatch-next-cursor");
    if (next.empty())
      return;
    path = first_page + "&cursor=" + std::string{next};
  }
}

} // namespace overwatch::support
