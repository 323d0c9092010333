#include "runtime/cli/task_options.hpp"

#include "messages/task.hpp"
#include "runtime/cli/arguments.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <charconv>

namespace overwatch::cli {

namespace {

namespace json = boost::json;

CLI::Option* add_list(CLI::App* command, const char* flag, std::vector<std::string>& place, const char* meaning,
                      const char* type) {
  return command->add_option(flag, place, meaning)->type_name(type)->expected(1)->take_all();
}

void add_label_options(CLI::App* command, task_options& options) {
  command->add_option("--type", options.type, "Which handler runs it; `overwatch pools` lists them [user_task]");
  command->add_option("--priority", options.priority, "Or 0 to 4; critical ones run before all others [normal]")
    ->type_name(completable_priorities());
  command
    ->add_option("--payload", options.payload, "A JSON object for the handler; @FILE reads a file, - standard input")
    ->type_name("JSON|@FILE|-");
  command->add_option("--subsystem", options.subsystem, "Label for routing and filters [core]");
  add_list(command, "--tag", options.tags, "Label for filters; may be repeated", "TEXT");
  add_list(command, "--context", options.context, "user_id, trace ids, ...: goes into every log line; may be repeated",
           "KEY=VALUE");
  command->add_option("--assigned-to", options.assigned_to, "For whom it is");
}

void add_attempt_options(CLI::App* command, task_options& options) {
  command
    ->add_option("--timeout", options.timeout,
                 "Limit of each attempt [30m]. Stands for the global --timeout after this command's name")
    ->type_name("DURATION");
  command->add_option("--max-attempts", options.max_attempts, "Tries a failing task this often")
    ->check(CLI::Range(1U, task_limits::max_attempts))
    ->capture_default_str();
  command->add_option("--backoff", options.backoff, "Delay between attempts: fixed:1s, exponential:1s:10m [fixed:1s]")
    ->type_name("KIND[:DELAY[:LONGEST]]");
}

void add_gate_options(CLI::App* command, task_options& options) {
  add_list(command, "--gate", options.gates, "Must be open when it starts; may be repeated", "NAME");
  command->add_option("--on-closed-gate", options.on_closed_gate, "What it does at a closed gate [fail]")
    ->check(CLI::IsMember(texts_of(gate_policy_names)));
  command->add_flag("--cancel-on-gate-close", options.cancel_on_gate_close,
                    "Stop it when one of its gates closes while it runs");
}

void add_limit_options(CLI::App* command, task_options& options) {
  command->add_option("--cpu", options.cpu, "Share of the node's cores that it takes")->check(CLI::Range(0.0, 1.0));
  command->add_option("--memory-mb", options.memory_mb, "Memory that it takes")->type_name("MIB");
  command->add_option("--io", options.io, "Share of the node's input and output")->check(CLI::Range(0.0, 1.0));
  add_list(command, "--exclusive", options.exclusive, "A thing that one task holds at a time; may be repeated", "NAME");
  command->add_option("--concurrency-key", options.concurrency_key, "Few tasks with this key run at once")
    ->type_name("KEY");
  command->add_option("--concurrency-limit", options.concurrency_limit, "So many of them [1]")
    ->type_name("N")
    ->check(CLI::PositiveNumber);
  command
    ->add_option("--rate", options.rate, "At most so many starts of tasks with this key in that time, e.g. mail=10/1m")
    ->type_name("KEY=LIMIT/DURATION");
  command->add_option("--fairness-key", options.fairness_key, "Tasks of one priority get turns by it, e.g. user:17")
    ->type_name("KEY");
  command->add_option("--node", options.node, "Run on this node only")->type_name("NAME");
  add_list(command, "--label", options.labels, "Run only where the node has this label; may be repeated", "NAME=VALUE");
  command
    ->add_option("--cache", options.cache,
                 "Complete at once with the result of an earlier task that had this key, if it is younger")
    ->type_name("KEY=DURATION");
}

void add_snapshot_options(CLI::App* command, task_options& options) {
  add_list(command, "--snapshot-key", options.snapshot_keys,
           "Put the keys that begin so back when it fails; may be repeated", "PREFIX");
  add_list(command, "--snapshot-file", options.snapshot_files,
           "Put this file or directory of the node back when it fails; may be repeated", "FILE");
  command
    ->add_option("--keep-snapshot", options.keep_snapshot,
                 "So long after it has completed `overwatch rollback` can undo it")
    ->type_name("DURATION");
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

void add_retry(json::object& task, const task_options& options) {
  json::object retry;
  if (options.max_attempts != 1)
    retry["max_attempts"] = options.max_attempts;
  if (!options.backoff.empty())
    add_backoff(retry, options.backoff);
  if (!retry.empty())
    task["retry"] = std::move(retry);
}

void add_context(json::object& task, const task_options& options) {
  json::object context;
  for (const auto& text : options.context) {
    const auto pair = parse_pair(text);
    if (!pair)
      throw usage_failure("--context: '" + printable(text) + "' is not KEY=VALUE");
    context[pair->first] = pair->second;
  }
  if (!context.empty())
    task["context"] = std::move(context);
}

void add_resources(json::object& task, const task_options& options) {
  json::object resources;
  if (options.cpu)
    resources["cpu"] = *options.cpu;
  if (options.memory_mb)
    resources["memory_mb"] = *options.memory_mb;
  if (options.io)
    resources["io"] = *options.io;
  if (!options.exclusive.empty())
    resources["exclusive"] = to_array(options.exclusive);
  if (!resources.empty())
    task["resources"] = std::move(resources);
}

void add_placement(json::object& task, const task_options& options) {
  json::object placement;
  if (!options.node.empty())
    placement["node"] = options.node;
  json::object labels;
  for (const auto& text : options.labels) {
    const auto [name, value] = split_setting(text, "--label", "NAME=VALUE, such as disk=ssd");
    labels[name] = value;
  }
  if (!labels.empty())
    placement["labels"] = std::move(labels);
  if (!placement.empty())
    task["placement"] = std::move(placement);
}

// `mail=10/1m`, or `mail=10` for each second.
json::object rate_value(const std::string& text) {
  constexpr const char* form = "KEY=LIMIT/DURATION, such as mail=10/1m";
  const auto [key, amount] = split_setting(text, "--rate", form);
  const auto slash = amount.find('/');
  const auto count = amount.substr(0, slash);
  uint32_t limit = 0;
  const auto* const end = count.data() + count.size();
  const auto read = std::from_chars(count.data(), end, limit);
  if (read.ec != std::errc{} || read.ptr != end || limit == 0 || limit > task_limits::max_rate)
    throw usage_failure("--rate: '" + printable(count) + "' is no number from 1 to " +
                        std::to_string(task_limits::max_rate) + " in " + form);
  json::object result{{"key", key}, {"limit", limit}};
  if (slash != std::string::npos)
    result["per"] = seconds_of(amount.substr(slash + 1), "--rate");
  return result;
}

void add_limits(json::object& task, const task_options& options) {
  add_resources(task, options);
  add_placement(task, options);
  if (options.concurrency_limit && options.concurrency_key.empty())
    throw usage_failure("--concurrency-limit: it needs --concurrency-key, which says what is limited");
  if (!options.concurrency_key.empty())
    task["concurrency"] =
      json::object{{"key", options.concurrency_key}, {"limit", options.concurrency_limit.value_or(1)}};
  if (!options.rate.empty())
    task["rate"] = rate_value(options.rate);
  if (!options.cache.empty()) {
    const auto [key, ttl] = split_setting(options.cache, "--cache", "KEY=DURATION, such as report:7=1h");
    task["cache"] = json::object{{"key", key}, {"ttl", seconds_of(ttl, "--cache")}};
  }
}

void add_snapshot(json::object& task, const task_options& options) {
  json::object scope;
  if (!options.snapshot_keys.empty())
    scope["keys"] = to_array(options.snapshot_keys);
  if (!options.snapshot_files.empty())
    scope["files"] = to_array(options.snapshot_files);
  if (!scope.empty())
    task["snapshot"] = std::move(scope);
  if (!options.keep_snapshot.empty())
    task["keep_snapshot"] = seconds_of(options.keep_snapshot, "--keep-snapshot");
}

json::object payload_value(const std::string& argument, std::istream& standard_input) {
  return object_argument(text_argument(argument, "--payload", task_limits::payload_bytes, standard_input), "--payload",
                         ", such as '{\"command\": \"resize\"}', @FILE or - for standard input");
}

} // namespace

void add_task_options(CLI::App* command, task_options& options) {
  const auto add_group = [&](const char* title, void (*add)(CLI::App*, task_options&)) {
    command->option_defaults()->group(title);
    add(command, options);
  };
  add_group("What it is", add_label_options);
  add_group("Attempts", add_attempt_options);
  add_group("Gates", add_gate_options);
  add_group("What it takes, and how often", add_limit_options);
  add_group("Rollback", add_snapshot_options);
  command->option_defaults()->group("Options");
}

void add_single_task_options(CLI::App* command, task_options& options) {
  command->add_option("--description", options.description, "More about it")->type_name("TEXT");
  command->add_option("--at", options.at, "Not before this time; +5m counts from now")->type_name("TIME|+DURATION");
  command->add_option("--deadline", options.deadline, "Fails when it has not ended by then")
    ->type_name("TIME|+DURATION");
  add_list(command, "--depends-on", options.depends_on, "Task that must end before; may be repeated", "ID");
  command->add_option("--on-dependency-failure", options.on_dependency_failure, "What it does when one fails [fail]")
    ->check(CLI::IsMember(texts_of(dependency_policy_names)));
  command->add_option("--unique-key", options.unique_key, "While a task holds this key, creating returns that task");
  command->add_option("--unique-for", options.unique_for, "How long the key is held")->type_name("DURATION");
}

json::object task_of(const task_options& options, std::istream& standard_input) {
  json::object task;
  task["name"] = options.name;
  const auto add_text = [&](const char* field, const std::string& text) {
    if (!text.empty())
      task[field] = text;
  };
  const auto add_texts = [&](const char* field, const std::vector<std::string>& texts) {
    if (!texts.empty())
      task[field] = to_array(texts);
  };
  add_text("description", options.description);
  add_text("task_type", options.type);
  add_text("subsystem", options.subsystem);
  add_text("assigned_to", options.assigned_to);
  add_text("unique_key", options.unique_key);
  add_text("fairness_key", options.fairness_key);
  add_text("on_closed_gate", options.on_closed_gate);
  add_text("on_dependency_failure", options.on_dependency_failure);
  add_texts("tags", options.tags);
  add_texts("depends_on", options.depends_on);
  add_texts("required_gates", options.gates);
  if (options.cancel_on_gate_close)
    task["cancel_on_gate_close"] = true;
  if (!options.priority.empty())
    task["priority"] = priority_value(options.priority);
  if (!options.payload.empty())
    task["payload"] = payload_value(options.payload, standard_input);
  if (!options.at.empty())
    task["scheduled_at"] = time_text(options.at, "--at");
  if (!options.deadline.empty())
    task["deadline"] = time_text(options.deadline, "--deadline");
  if (!options.timeout.empty())
    task["timeout"] = seconds_of(options.timeout, "--timeout");
  if (!options.unique_for.empty())
    task["unique_for"] = seconds_of(options.unique_for, "--unique-for");
  add_context(task, options);
  add_retry(task, options);
  add_limits(task, options);
  add_snapshot(task, options);
  return task;
}

} // namespace overwatch::cli
