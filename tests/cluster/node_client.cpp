#include "tests/cluster/node_client.hpp"

#include "tests/support/process/eventually.hpp"

#include <stdexcept>

namespace overwatch {

namespace json = boost::json;

namespace {

constexpr const char* one_wait = "?wait=30";

json::object parsed(const std::string& what, const support::http_answer& answer) {
  if (answer.status != 200)
    throw std::runtime_error{what + ": status " + std::to_string(answer.status) + ", " + answer.body.substr(0, 2000)};
  return json::parse(answer.body).as_object();
}

} // namespace

json::object node_client::object(const std::string& path) { return parsed("GET " + path, get(path)); }

std::string node_client::submit(const json::object& task) {
  return text_at(parsed("submit", post("/tasks", json::serialize(task))), "id");
}

json::object node_client::ended(const std::string& id) {
  json::object result;
  for (int waits = 0; waits < 2; ++waits) {
    result = object("/tasks/" + id + one_wait);
    if (auto status = text_at(result, "status"); status == "completed" || status == "failed" || status == "cancelled")
      return result;
  }
  throw std::runtime_error{"a task did not end: " + json::serialize(result)};
}

void node_client::reaches(const std::string& id, std::string_view status) {
  if (!support::eventually([&] { return text_at(task(id), "status") == status; }))
    throw std::runtime_error{"a task is not " + std::string{status} + ": " + json::serialize(task(id))};
}

std::string node_client::log_of(const std::string& id) {
  std::string result;
  auto page = object("/tasks/" + id + "/logs?limit=1000");
  for (const auto& entry : page.at("entries").as_array())
    result += text_at(entry.as_object(), "message") + "\n";
  return result;
}

json::object command_task(std::string_view command) {
  json::string name(command.data(), command.size());
  return {{"name", name}, {"task_type", "user_task"}, {"payload", json::object{{"command", name}}}};
}

json::object typed_task(std::string_view task_type) {
  json::string name(task_type.data(), task_type.size());
  return {{"name", name}, {"task_type", name}};
}

} // namespace overwatch
