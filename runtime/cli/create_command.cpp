#include "runtime/cli/command.hpp"

#include "messages/task.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/text.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <istream>
#include <iterator>
#include <memory>

namespace overwatch::cli {

namespace {

namespace json = boost::json;

struct create_options {
  std::string name, description, type, priority, payload, subsystem, assigned_to, at, deadline, timeout, backoff;
  std::string unique_key, unique_for, wait;
  std::vector<std::string> tags, context, depends_on;
  uint32_t max_attempts = 1;
  bool follow = false;
};

command_failure usage_failure(const std::string& message) { return {exit_code::usage, message}; }

std::string names_of_priorities() {
  std::string result;
  for (size_t i = 0; i < priority_names.size(); ++i)
    result += (i == 0 ? "" : ", ") + std::string{priority_names[i]} + " (" + std::to_string(i) + ")";
  return result;
}

// In the form that shell completion reads.
std::string completable_priorities() {
  std::string result;
  for (const auto name : priority_names)
    result += (result.empty() ? "{" : ",") + std::string{name};
  return result + "}";
}

json::value priority_value(const std::string& text) {
  if (const auto named = parse_name<priority>(priority_names, text))
    return json::value(std::string{name_of(*named)});
  if (text.size() == 1 && text[0] >= '0' && static_cast<size_t>(text[0] - '0') < priority_names.size())
    return json::value(std::string{priority_names[static_cast<size_t>(text[0] - '0')]});
  throw usage_failure("--priority: '" + printable(text) + "' is none of " + names_of_priorities());
}

double seconds_of(const std::string& text, const char* flag) {
  const auto duration = parse_duration(text);
  if (!duration)
    throw usage_failure(std::string{flag} + ": '" + printable(text) +
                        "' is no duration such as 500ms, 30s, 5m or 1h30m");
  return static_cast<double>(duration->count()) / 1000;
}

std::string time_text(const std::string& text, const char* flag) {
  auto time = parse_time(text, now());
  if (!time)
    throw usage_failure(std::string{flag} + ": '" + printable(text) +
                        "' is no time such as 2026-11-22T08:00:00Z, and no delay such as +5m");
  return std::move(*time);
}

std::string read_limited(std::istream& in) {
  constexpr size_t limit = task_limits::payload_bytes + 1; // one more, so that too much is seen
  std::string result(limit, '\0');
  in.read(result.data(), static_cast<std::streamsize>(limit));
  result.resize(static_cast<size_t>(in.gcount()));
  if (result.size() == limit)
    throw usage_failure("--payload: more than " + format_bytes(static_cast<double>(task_limits::payload_bytes)));
  return result;
}

std::string payload_text(const std::string& argument, std::istream& standard_input) {
  if (argument == "-")
    return read_limited(standard_input);
  if (argument.empty() || argument.front() != '@')
    return argument;
  std::ifstream file{argument.substr(1), std::ios::binary};
  if (!file)
    throw usage_failure("--payload: the file '" + printable(argument.substr(1)) + "' cannot be read");
  return read_limited(file);
}

json::value payload_value(const std::string& argument, std::istream& standard_input) {
  auto content = parse_json(payload_text(argument, standard_input));
  if (!content || !content->is_object())
    throw usage_failure("--payload: a JSON object is expected, such as '{\"command\": \"resize\"}', @FILE or - for "
                        "standard input");
  return std::move(*content);
}

// `exponential:2s:5m`: the kind, the first delay, the longest delay.
void add_backoff(json::object& retry, const std::string& text) {
  std::vector<std::string> parts{""};
  for (const char c : text)
    if (c == ':')
      parts.emplace_back();
    else
      parts.back() += c;
  if (parts.size() > 3 || !parse_name<backoff_kind>(backoff_kind_names, parts[0]))
    throw usage_failure("--backoff: '" + printable(text) + "' is not fixed[:DELAY] or exponential[:DELAY[:LONGEST]]");
  retry["backoff"] = parts[0];
  if (parts.size() > 1)
    retry["base"] = seconds_of(parts[1], "--backoff");
  if (parts.size() > 2)
    retry["max"] = seconds_of(parts[2], "--backoff");
}

void add_retry(json::object& task, const create_options& options) {
  json::object retry;
  if (options.max_attempts != 1)
    retry["max_attempts"] = options.max_attempts;
  if (!options.backoff.empty())
    add_backoff(retry, options.backoff);
  if (!retry.empty())
    task["retry"] = std::move(retry);
}

json::array list_value(const std::vector<std::string>& texts) {
  json::array result;
  for (const auto& text : texts)
    result.emplace_back(text);
  return result;
}

// Only what was asked for is sent, so that the node's defaults hold.
json::object task_of(const create_options& options, std::istream& standard_input) {
  json::object task;
  task["name"] = options.name;
  const auto add_text = [&](const char* field, const std::string& text) {
    if (!text.empty())
      task[field] = text;
  };
  add_text("description", options.description);
  add_text("task_type", options.type);
  add_text("subsystem", options.subsystem);
  add_text("assigned_to", options.assigned_to);
  add_text("unique_key", options.unique_key);
  if (!options.priority.empty())
    task["priority"] = priority_value(options.priority);
  if (!options.payload.empty())
    task["payload"] = payload_value(options.payload, standard_input);
  if (!options.tags.empty())
    task["tags"] = list_value(options.tags);
  if (!options.depends_on.empty())
    task["depends_on"] = list_value(options.depends_on);
  for (const auto& text : options.context) {
    const auto pair = parse_pair(text);
    if (!pair)
      throw usage_failure("--context: '" + printable(text) + "' is not KEY=VALUE");
    if (!task.contains("context"))
      task["context"] = json::object{};
    task["context"].get_object()[pair->first] = pair->second;
  }
  if (!options.at.empty())
    task["scheduled_at"] = time_text(options.at, "--at");
  if (!options.deadline.empty())
    task["deadline"] = time_text(options.deadline, "--deadline");
  if (!options.timeout.empty())
    task["timeout"] = seconds_of(options.timeout, "--timeout");
  if (!options.unique_for.empty())
    task["unique_for"] = seconds_of(options.unique_for, "--unique-for");
  add_retry(task, options);
  return task;
}

exit_code create_task(const command_context& context, const create_options& options, bool wait) {
  const auto task = task_of(options, context.console.in);
  std::optional<milliseconds> limit;
  if (!options.wait.empty())
    limit = milliseconds{static_cast<int64_t>(seconds_of(options.wait, "--wait") * 1000)};
  const auto client = context.client();
  auto reply = client.request("POST", "/tasks", json::serialize(task));
  const auto created = content_of(reply);
  const auto id = text_of(created, "id");
  if (!context.options.json)
    context.console.out << "task " << paint(context.console, colour::bold, printable(id)) << "  "
                        << printable(text_of(created, "status"))
                        << (reply.headers.count("overwatch-existing") > 0 ? "  (it holds this unique key)" : "") << '\n'
                        << std::flush;
  if (!wait && !options.follow) {
    if (context.options.json)
      context.print_raw(reply.body);
    return exit_code::good;
  }
  reply = options.follow ? follow_task(context, client, id, limit) : wait_for_task(client, id, limit);
  const auto ended = content_of(reply);
  if (context.options.json)
    context.print_raw(reply.body);
  else
    print_task(context.console, ended);
  if (!is_ended(ended))
    throw command_failure{exit_code::server, "the task has not ended in time and goes on; `overwatch why " +
                                               printable(id) + "` says what it waits for"};
  return outcome_of(ended);
}

} // namespace

void add_create_command(CLI::App& app, command_context& context) {
  auto options = std::make_shared<create_options>();
  auto* command = app.add_subcommand("create-task", "Submit a task; it is on disk when this returns");
  command->add_option("NAME", options->name, "What people call it")->required();
  command->add_option("--description", options->description, "More about it")->type_name("TEXT");
  command->add_option("--type", options->type, "Which handler runs it; `overwatch pools` lists them [user_task]");
  command->add_option("--priority", options->priority, "Or 0 to 4; critical ones run before all others [normal]")
    ->type_name(completable_priorities());
  command
    ->add_option("--payload", options->payload, "A JSON object for the handler; @FILE reads a file, - standard input")
    ->type_name("JSON|@FILE|-");
  command->add_option("--subsystem", options->subsystem, "Label for routing and filters [core]");
  command->add_option("--tag", options->tags, "Label for filters; may be repeated")->expected(1)->take_all();
  command
    ->add_option("--context", options->context, "user_id, trace ids, ...: goes into every log line; may be repeated")
    ->type_name("KEY=VALUE")
    ->expected(1)
    ->take_all();
  command->add_option("--assigned-to", options->assigned_to, "For whom it is");
  command->add_option("--depends-on", options->depends_on, "Task that must end before; may be repeated")
    ->type_name("ID")
    ->expected(1)
    ->take_all();
  command->add_option("--at", options->at, "Not before this time; +5m counts from now")->type_name("TIME|+DURATION");
  command->add_option("--deadline", options->deadline, "Fails when it has not ended by then")
    ->type_name("TIME|+DURATION");
  command
    ->add_option("--timeout", options->timeout,
                 "Limit of each attempt [30m]. Stands for the global --timeout after "
                 "this command's name")
    ->type_name("DURATION");
  command->add_option("--max-attempts", options->max_attempts, "Tries a failing task this often")
    ->check(CLI::Range(1U, task_limits::max_attempts))
    ->capture_default_str();
  command->add_option("--backoff", options->backoff, "Delay between attempts: fixed:1s, exponential:1s:10m [fixed:1s]")
    ->type_name("KIND[:DELAY[:LONGEST]]");
  command->add_option("--unique-key", options->unique_key, "While a task holds this key, creating returns that task");
  command->add_option("--unique-for", options->unique_for, "How long the key is held")->type_name("DURATION");
  auto* wait = command
                 ->add_option("--wait", options->wait,
                              "Wait for its end, at most this long when given; the exit "
                              "code is 1 when it did not complete")
                 ->type_name("[DURATION]")
                 ->expected(0, 1);
  command->add_flag("--follow", options->follow, "Print its log and progress as they come, then the result");
  command->footer("Examples:\n"
                  "  overwatch create-task \"Check this machine\" --type system_health --priority high --wait\n"
                  "  overwatch create-task resize --payload '{\"command\": \"resize\"}' --at +5m --max-attempts 3 \\\n"
                  "    --backoff exponential:2s:5m\n"
                  "  jq -c .order order.json | overwatch create-task order --payload - --unique-key order-17 --json");
  runs(command, context, [&context, options, wait] { return create_task(context, *options, wait->count() > 0); });
}

} // namespace overwatch::cli
