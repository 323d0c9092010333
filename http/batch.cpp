#include "http/batch.hpp"

#include "http/json_text.hpp"
#include "http/service.hpp"
#include "http/task_reader.hpp"

/// Many tasks in one request.
namespace overwatch::http {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> split_lines(std::string_view body, size_t limit) {
  std::vector<std::string_view> out;
  while (!body.empty() && out.size() <= limit) {
    auto end = body.find('\n');
    if (auto line = trimmed(body.substr(0, end)); !line.empty())
      out.push_back(line);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
  }
  return out;
}

// Position of the quote that ends the string which starts at `start`; npos: it does not end.
size_t end_of_string(std::string_view text, size_t start) {
  for (auto i = start + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      return i;
  }
  return std::string_view::npos;
}

// What became of one entry: exactly one of the two.
struct entry {
  std::optional<submission> task;
  problem refusal;
};

entry read_entry(std::string_view text, timestamp time) {
  std::optional<syntax_error> syntax;
  error_list errors;
  auto task = parse_task(text, time, syntax, errors);
  if (task)
    return {std::move(task), {}};
  return {std::nullopt, syntax ? to_problem(*syntax) : to_problem(errors)};
}

bool is_lines(const request& x) {
  auto start = x.body.find_first_not_of(blanks);
  return x.content_type.substr(0, 20) == "application/x-ndjson" || start == std::string::npos || x.body[start] == '{';
}

// When the whole batch met the same obstacle, the answer is that obstacle with its status.
const problem* common_obstacle(const std::vector<entry>& entries) {
  const auto& first = entries.front().refusal;
  if (first.status != 429 && first.status != 503 && first.status != 504 && first.status != 507)
    return nullptr;
  for (const auto& x : entries)
    if (x.refusal.status != first.status)
      return nullptr;
  return &first;
}

response batch_answer(const std::vector<entry>& entries, const std::vector<submit_receipt>& receipts) {
  std::string list;
  size_t accepted = 0;
  size_t index = 0;
  append_array(list, entries, [&](const entry& x) {
    const auto& receipt = receipts[index];
    object_writer json{list};
    if (x.refusal.code.empty()) {
      ++accepted;
      json.text("id", to_string(receipt.id))
        .text("status", name_of(receipt.status))
        .boolean("existing", receipt.existing)
        .integer("index", index);
    } else {
      append_problem(json.member("error"), x.refusal);
      json.integer("index", index);
    }
    json.close();
    ++index;
  });
  response out;
  object_writer json{out.body};
  json.integer("accepted", accepted).integer("refused", entries.size() - accepted).raw("tasks", list).close();
  return out;
}

response create_tasks(service& s, const request& x) {
  std::string reason;
  auto texts = split_batch(x.body, is_lines(x), max_submit_tasks, reason);
  if (!texts)
    return error_response(400, "malformed", reason);
  if (texts->empty() || texts->size() > max_submit_tasks) {
    error_list errors;
    errors.add(place{}, "value_error", "expected 1 to " + std::to_string(max_submit_tasks) + " tasks");
    return error_response(errors);
  }
  auto time = now();
  std::vector<entry> entries;
  entries.reserve(texts->size());
  submit_request batch;
  for (auto text : *texts) {
    entries.push_back(read_entry(text, time));
    if (entries.back().task)
      batch.tasks.push_back(*entries.back().task);
  }
  submit_reply reply;
  if (!batch.tasks.empty()) {
    auto expected = batch.tasks.size();
    auto answer = s.ask<submit_reply>(std::move(batch));
    if (!answer)
      return error_response(answer.error());
    reply = std::move(*answer);
    if (reply.receipts.size() != expected)
      return error_response(500, "internal", "the runtime answered for another number of tasks than were sent");
  }
  std::vector<submit_receipt> receipts(entries.size());
  size_t next = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!entries[i].task)
      continue;
    receipts[i] = std::move(reply.receipts[next++]);
    if (receipts[i].error)
      entries[i].refusal = to_problem(receipts[i].error);
  }
  if (const auto* obstacle = common_obstacle(entries))
    return error_response(*obstacle);
  return batch_answer(entries, receipts);
}

} // namespace

std::optional<std::vector<std::string_view>> split_batch(std::string_view body, bool lines, size_t limit,
                                                         std::string& problem) {
  if (lines)
    return split_lines(body, limit);
  auto text = trimmed(body);
  if (text.empty() || text.front() != '[') {
    problem = "expected a JSON array of tasks, or one task per line (application/x-ndjson)";
    return std::nullopt;
  }
  std::vector<std::string_view> out;
  size_t depth = 0;
  size_t start = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '"':
        i = end_of_string(text, i);
        if (i == std::string_view::npos) {
          problem = "not JSON: the array ends inside a string";
          return std::nullopt;
        }
        break;
      case '[':
      case '{':
        ++depth;
        break;
      case ',':
        if (depth == 1) {
          out.push_back(trimmed(text.substr(start, i - start)));
          start = i + 1;
          if (out.size() > limit)
            return out;
        }
        break;
      case ']':
      case '}':
        if (--depth > 0)
          break;
        if (i + 1 != text.size() || text[i] != ']') {
          problem = "not JSON: something follows the array, or it ends with the wrong bracket";
          return std::nullopt;
        }
        if (auto last = trimmed(text.substr(start, i - start)); !last.empty() || !out.empty())
          out.push_back(last);
        return out;
      default:
        break;
    }
  }
  problem = "not JSON: the array is not closed";
  return std::nullopt;
}

std::vector<route> batch_routes() {
  return {{"POST", "/api/overwatch/tasks/batch", "", create_tasks, body_size::batch}};
}

} // namespace overwatch::http
