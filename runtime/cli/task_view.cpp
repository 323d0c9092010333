#include "runtime/cli/task_view.hpp"

#include "runtime/cli/backup_view.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/maintenance_view.hpp"
#include "runtime/cli/security_view.hpp"
#include "runtime/cli/text.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <ostream>

namespace overwatch::cli {

namespace {

using steady = std::chrono::steady_clock;

constexpr size_t wide_console = 110;             // from here on all columns fit
constexpr std::chrono::seconds longest_wait{30}; // of one request; the node allows 60
constexpr std::chrono::seconds follow_step{1};   // how late a followed line may come

std::string age_of(const boost::json::value& task, timestamp now) {
  const auto created = parse_api_time(text_of(task, "created_at"));
  if (!created)
    return {};
  return format_duration(std::max(0.0, std::chrono::duration<double>(now - *created).count()));
}

std::string took(const boost::json::value& task) {
  const auto seconds = number_of(task, "execution_time");
  return seconds ? format_duration(*seconds) : std::string{};
}

std::string joined(const boost::json::value& task, std::string_view field) {
  std::string result;
  if (const auto* value = find_field(task, field); value != nullptr) {
    if (const auto* list = value->if_array())
      for (const auto& entry : *list)
        result += (result.empty() ? "" : ", ") + text_of(entry);
    if (const auto* object = value->if_object())
      for (const auto& member : *object)
        result += (result.empty() ? "" : ", ") + std::string{member.key()} + "=" + text_of(member.value());
  }
  return result;
}

std::string error_of(const boost::json::value& task) {
  const auto* error = find_field(task, "error");
  if (error == nullptr || error->is_null())
    return text_of(task, "error_message");
  if (!error->is_object())
    return text_of(*error);
  const auto kind = text_of(*error, "kind");
  return kind.empty() || kind == "none" ? text_of(*error, "message") : kind + ": " + text_of(*error, "message");
}

std::string progress_of(const boost::json::value& task) {
  const auto* progress = find_field(task, "progress");
  if (progress == nullptr || !progress->is_object())
    return {};
  const auto percent = count_of(*progress, "percent");
  const auto message = text_of(*progress, "message");
  if (percent == 0 && message.empty())
    return {};
  return std::to_string(percent) + " %" + (message.empty() ? "" : "  " + message);
}

std::string unless(std::string text, std::string_view usual) { return text == usual ? std::string{} : text; }

std::string limited(const boost::json::value& task, std::string_view field, const char* amount) {
  const auto* limit = find_field(task, field);
  if (limit == nullptr || !limit->is_object())
    return {};
  const auto per = number_of(*limit, "per");
  const auto text = amount == std::string_view{"ttl"} ? format_duration(number_of(*limit, amount).value_or(0))
                                                      : text_of(*limit, amount);
  return text_of(*limit, "key") + ": " + text + (per ? " in " + format_duration(*per) : "");
}

// What was asked of the node, and beside it what the newest attempt took.
std::string asked_of(const boost::json::value& task) {
  const auto* asked = find_field(task, "resources");
  if (asked == nullptr || !asked->is_object())
    return {};
  std::string result;
  const auto add = [&](const std::string& text) { result += (result.empty() ? "" : ", ") + text; };
  if (const auto cpu = number_of(*asked, "cpu").value_or(0); cpu > 0)
    add(text_of(*asked, "cpu") + " of the cores");
  if (const auto memory = count_of(*asked, "memory_mb"); memory > 0)
    add(format_bytes(static_cast<double>(memory) * 1024 * 1024) + " memory");
  if (const auto io = number_of(*asked, "io").value_or(0); io > 0)
    add(text_of(*asked, "io") + " of input and output");
  if (const auto names = joined(*asked, "exclusive"); !names.empty())
    add("alone with " + names);
  return result;
}

std::string usage_of(const boost::json::value& task) {
  const auto* usage = find_field(task, "usage");
  if (usage == nullptr || !usage->is_object())
    return {};
  const auto bytes = [&](const char* field) { return number_of(*usage, field).value_or(0); };
  const auto seconds = bytes("cpu_seconds");
  if (seconds == 0 && bytes("peak_memory_bytes") == 0)
    return {};
  return format_duration(seconds) + " CPU, " + format_bytes(bytes("peak_memory_bytes")) + " memory at its peak, " +
         format_bytes(bytes("read_bytes")) + " read, " + format_bytes(bytes("written_bytes")) + " written";
}

std::string scope_of(const boost::json::value& task) {
  const auto* scope = find_field(task, "snapshot");
  if (scope == nullptr || !scope->is_object())
    return {};
  const auto keys = joined(*scope, "keys");
  const auto files = joined(*scope, "files");
  return (keys.empty() ? "" : "keys " + keys) + (keys.empty() || files.empty() ? "" : "; ") +
         (files.empty() ? "" : "files " + files);
}

std::string placement_of(const boost::json::value& task) {
  const auto* placement = find_field(task, "placement");
  if (placement == nullptr || !placement->is_object())
    return {};
  auto result = text_of(*placement, "node");
  if (const auto* labels = find_field(*placement, "labels"); labels != nullptr && labels->is_object())
    for (const auto& label : labels->as_object())
      result += (result.empty() ? "" : " ") + std::string{label.key()} + '=' + text_of(*labels, label.key());
  return result;
}

std::string rollback_of(const boost::json::value& task) {
  const auto state = text_of(task, "rollback");
  const auto message = text_of(task, "rollback_message");
  return state == "none" ? "" : state + (message.empty() ? "" : ": " + message);
}

void add_control_facts(fact_list& facts, const boost::json::value& task) {
  facts.add("gates", joined(task, "required_gates"));
  for (const auto& approval : list_of(task, "approvals"))
    facts.add("approved", text_of(approval, "gate") + " by " + text_of(approval, "by") + ": " +
                            text_of(approval, "reason") + " (" + short_time(text_of(approval, "time")) + ")");
  facts.add("workflow", text_of(task, "workflow"));
  facts.add("depends on", joined(task, "depends_on"));
  facts.add("parents left", unless(text_of(task, "parents_left"), "0"));
  facts.add("unique key", text_of(task, "unique_key"));
  facts.add("concurrency", limited(task, "concurrency", "limit"));
  facts.add("rate", limited(task, "rate", "limit"));
  facts.add("fairness key", text_of(task, "fairness_key"));
  facts.add("cache", limited(task, "cache", "ttl"));
  facts.add("runs only on", placement_of(task));
  facts.add("cached from", text_of(task, "cached_from"));
  facts.add("snapshot of", scope_of(task));
  facts.add("snapshot until", short_time(text_of(task, "snapshot_until")));
}

// What a list says beside the status.
std::string note_of(const boost::json::value& task) {
  if (const auto reason = text_of(task, "waits_for"); !reason.empty())
    return "waits for " + reason;
  if (const auto rollback = text_of(task, "rollback"); !rollback.empty() && rollback != "none")
    return "rollback " + rollback;
  return is_true(task, "cached") ? "cached" : "";
}

void print_document(const console& console, const char* title, const boost::json::value& task) {
  const auto* value = find_field(task, title);
  if (value == nullptr || value->is_null() || (value->is_object() && value->get_object().empty()))
    return;
  console.out << paint(console, colour::bold, title) << '\n';
  // Strings in JSON text are escaped, but for what only a terminal minds; so each line is made printable.
  const auto text = pretty(*value);
  for (size_t from = 0; from < text.size();) {
    const auto to = std::min(text.find('\n', from), text.size());
    console.out << "  " << printable(std::string_view{text}.substr(from, to - from)) << '\n';
    from = to + 1;
  }
}

// The tables of a type that has some; false: it has none for this result.
bool print_result(const console& console, std::string_view type, const boost::json::value& result) {
  return (type == "maintenance" && print_maintenance(console, result)) ||
         (type == "data_backup" && print_backup(console, result)) ||
         (type == "security_scan" && print_security(console, result));
}

// What is left until `end`, at most `most`.
milliseconds next_wait(std::optional<steady::time_point> end, milliseconds most) {
  if (!end)
    return most;
  const auto left = std::chrono::duration_cast<milliseconds>(*end - steady::now());
  return std::clamp(left, milliseconds{0}, most);
}

std::string wait_query(milliseconds wait) {
  const auto seconds = std::max<int64_t>(1, (wait.count() + 999) / 1000);
  return "?wait=" + std::to_string(seconds);
}

} // namespace

bool is_ended(const boost::json::value& task) {
  const auto status = text_of(task, "status");
  return status == "completed" || status == "failed" || status == "cancelled";
}

exit_code outcome_of(const boost::json::value& task) {
  if (!is_ended(task))
    return exit_code::server;
  return text_of(task, "status") == "completed" ? exit_code::good : exit_code::failed;
}

void print_tasks(const console& console, const boost::json::array& tasks, timestamp now) {
  if (tasks.empty()) {
    console.out << "no tasks\n";
    return;
  }
  const bool wide = console.width == 0 || console.width >= wide_console;
  std::vector<table::column> columns{{"ID", false, true}, {"STATUS", false, true}, {"TYPE"}, {"NAME"}};
  if (wide)
    columns.insert(columns.begin() + 2, {"PRIORITY", false, true});
  columns.push_back({"AGE", true, true});
  if (wide)
    columns.push_back({"TOOK", true, true});
  const bool noted =
    std::any_of(tasks.begin(), tasks.end(), [](const boost::json::value& task) { return !note_of(task).empty(); });
  if (noted)
    columns.push_back({"NOTE"});
  table result{columns};
  for (const auto& task : tasks) {
    const auto status = text_of(task, "status");
    std::vector<table::cell> cells{
      text_of(task, "id"), {status, colour_of_status(status)}, text_of(task, "task_type"), text_of(task, "name")};
    if (wide)
      cells.insert(cells.begin() + 2, text_of(task, "priority"));
    cells.push_back(age_of(task, now));
    if (wide)
      cells.push_back(took(task));
    if (noted)
      cells.push_back(note_of(task));
    result.add(std::move(cells));
  }
  result.print(console);
}

void print_task(const console& console, const boost::json::value& task) {
  const auto status = text_of(task, "status");
  fact_list facts;
  facts.add("id", text_of(task, "id"));
  facts.add("name", text_of(task, "name"));
  facts.add("description", text_of(task, "description"));
  facts.add("status", status, colour_of_status(status));
  facts.add("error", error_of(task), colour::red);
  facts.add("waits for", text_of(task, "waits_for"), colour::yellow);
  facts.add("rollback", rollback_of(task), text_of(task, "rollback") == "failed" ? colour::red : colour::plain);
  facts.add("progress", progress_of(task));
  facts.add("type", text_of(task, "task_type"));
  facts.add("priority", text_of(task, "priority"));
  facts.add("subsystem", unless(text_of(task, "subsystem"), "core"));
  facts.add("tags", joined(task, "tags"));
  facts.add("context", joined(task, "context"));
  facts.add("assigned to", text_of(task, "assigned_to"));
  add_control_facts(facts, task);
  facts.add("origin", unless(joined(task, "origin"), "kind=api, id="));
  facts.add("attempt", unless(text_of(task, "attempt"), "0"));
  facts.add("created", short_time(text_of(task, "created_at")));
  facts.add("scheduled", short_time(text_of(task, "scheduled_at")));
  facts.add("deadline", short_time(text_of(task, "deadline")));
  facts.add("queued", short_time(text_of(task, "queued_at")));
  facts.add("started", short_time(text_of(task, "started_at")));
  facts.add("finished", short_time(text_of(task, "finished_at")));
  facts.add("took", took(task));
  facts.add("node", text_of(task, "node"));
  facts.add("worker", text_of(task, "worker"));
  facts.add("asked for", asked_of(task));
  facts.add("used", usage_of(task));
  facts.print(console);
  print_document(console, "payload", task);
  const auto* result = find_field(task, "result");
  if (result == nullptr || !print_result(console, text_of(task, "task_type"), *result))
    print_document(console, "result", task);
}

void print_log_entry(const console& console, const boost::json::value& entry) {
  const auto level = text_of(entry, "level");
  const auto shade = level == "error" ? colour::red : level == "warning" ? colour::yellow : colour::plain;
  console.out << paint(console, colour::dim, printable(short_time(text_of(entry, "time")))) << "  "
              << paint(console, shade, pad(printable(level), 7)) << "  " << printable(text_of(entry, "message"));
  if (const auto data = text_of(entry, "data"); !data.empty())
    console.out << "  " << paint(console, colour::dim, printable(data));
  console.out << '\n' << std::flush;
}

rest_reply wait_for_task(const rest_client& client, const std::string& id, std::optional<milliseconds> limit) {
  const auto end = limit ? std::optional{steady::now() + *limit} : std::nullopt;
  for (;;) {
    const auto wait = next_wait(end, longest_wait);
    auto reply = client.request("GET", "/tasks/" + percent_encode(id) + wait_query(wait), {}, longest_wait);
    if (is_ended(content_of(reply)) || (end && steady::now() >= *end))
      return reply;
  }
}

rest_reply follow_task(const command_context& context, const rest_client& client, const std::string& id,
                       std::optional<milliseconds> limit) {
  const auto end = limit ? std::optional{steady::now() + *limit} : std::nullopt;
  const auto path = "/tasks/" + percent_encode(id);
  uint64_t after = 0;
  std::string progress;
  for (;;) {
    auto reply = client.request("GET", path + wait_query(next_wait(end, follow_step)), {}, longest_wait);
    const auto task = content_of(reply);
    // The task is read before its log: so the lines of a task that has ended are complete.
    const auto log = content_of(client.request("GET", path + "/logs?after=" + std::to_string(after)));
    for (const auto& entry : list_of(log, "entries")) {
      after = std::max(after, count_of(entry, "sequence"));
      if (context.options.json)
        context.print_raw(boost::json::serialize(entry));
      else
        print_log_entry(context.console, entry);
    }
    if (auto text = progress_of(task); text != progress && !text.empty() && !context.options.json) {
      progress = std::move(text);
      context.console.out << paint(context.console, colour::cyan, printable(progress)) << '\n' << std::flush;
    }
    if (is_ended(task) || (end && steady::now() >= *end))
      return reply;
  }
}

} // namespace overwatch::cli
