#include "runtime/cli/command.hpp"

#include "runtime/cli/account.hpp"
#include "runtime/cli/arguments.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/run_task.hpp"
#include "runtime/cli/security_view.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/task_view.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <filesystem>
#include <memory>
#include <ostream>

/// `overwatch security ...`
namespace overwatch::cli {

namespace {

namespace json = boost::json;

constexpr const char* suppressions_path = "/keys/security%2Fsuppressions"; // one JSON object for all
constexpr int most_tries = 5; // when somebody else changes the suppressions at the same time

struct scan_options {
  std::vector<std::string> checks, paths, excludes, baselines;
  std::string root, fail_on = "high";
  bool cross = false, update_baseline = false, detach = false;
};

/// The node works in another directory: what is relative here is made absolute.
json::array absolute_paths(const std::vector<std::string>& paths) {
  json::array result;
  for (const auto& path : paths)
    result.emplace_back(std::filesystem::absolute(path).lexically_normal().string());
  return result;
}

json::object payload_of(const scan_options& options) {
  json::object result;
  if (!options.checks.empty())
    result["checks"] = to_array(options.checks);
  if (!options.paths.empty()) // below another root a path is not one of this machine
    result["paths"] = options.root.empty() ? absolute_paths(options.paths) : to_array(options.paths);
  if (!options.excludes.empty())
    result["exclude"] = to_array(options.excludes);
  if (!options.baselines.empty())
    result["baseline"] = options.root.empty() ? absolute_paths(options.baselines) : to_array(options.baselines);
  if (!options.root.empty())
    result["root"] = absolute_paths({options.root}).front();
  if (options.cross)
    result["cross_file_systems"] = true;
  if (options.update_baseline)
    result["update_baseline"] = true;
  return result;
}

// `failed` when something at least as severe as `limit` counts.
exit_code judge(const json::value& task, const std::string& limit) {
  const auto outcome = outcome_of(task);
  const auto* result = find_field(task, "result");
  const auto* counts = result == nullptr ? nullptr : find_field(*result, "counts");
  if (outcome != exit_code::good || counts == nullptr)
    return outcome;
  for (const auto* level : {"high", "medium", "low", "info"}) {
    if (limit == "never")
      break;
    if (count_of(*counts, level) > 0)
      return exit_code::failed;
    if (limit == level)
      break;
  }
  return exit_code::good;
}

exit_code run_scan(const command_context& context, const scan_options& options) {
  task_run run{options.update_baseline ? "New baseline" : "Security scan", "security_scan", payload_of(options),
               options.detach};
  run.print_result = [&](const json::value& result) { return print_security(context.console, result); };
  const auto ended = run_task(context, run);
  return ended ? judge(*ended, options.fail_on) : exit_code::good;
}

exit_code show_last(const command_context& context) {
  const auto reply = context.client().request("GET", "/tasks?task_type=security_scan&status=completed&limit=1");
  const auto content = content_of(reply);
  const auto& tasks = list_of(content, "tasks");
  if (tasks.empty()) {
    context.console.out << "there was no scan yet: overwatch security scan\n";
    return exit_code::good;
  }
  const auto whole = context.client().request("GET", "/tasks/" + percent_encode(text_of(tasks.front(), "id")));
  return answer(context, whole, [&](const json::value& task) { print_task(context.console, task); });
}

struct suppression_options {
  std::string id, until;
  account who;
};

struct stored_suppressions {
  json::object all;
  std::string version = "0"; // there is none yet
};

stored_suppressions read_suppressions(const rest_client& client) {
  stored_suppressions result;
  const auto reply = client.send("GET", suppressions_path);
  if (reply.status == 404)
    return result;
  if (!reply.good())
    throw failure_of(reply);
  const auto key = content_of(reply);
  const auto value = parse_json(text_of(key, "value"));
  if (!value || !value->is_object())
    throw command_failure{exit_code::failed, "the key security/suppressions is no JSON object; `overwatch keys delete "
                                             "security/suppressions` begins anew"};
  result.all = value->get_object();
  result.version = text_of(key, "version");
  return result;
}

// Reads, changes and writes; again when somebody else wrote in between.
template <class Change>
void change_suppressions(const command_context& context, Change change) {
  const auto client = context.client();
  for (int tries = 1;; ++tries) {
    auto stored = read_suppressions(client);
    change(stored.all);
    const auto reply = client.send("PUT", std::string{suppressions_path} + "?version=" + stored.version,
                                   json::serialize(stored.all), {}, rest_client::bytes_type);
    if (reply.good())
      return;
    const bool conflict = reply.status == 409 || reply.status == 412;
    if (!conflict || tries == most_tries)
      throw failure_of(reply);
  }
}

// Seconds since 1970: what the node compares with.
int64_t end_of(const std::string& duration) {
  const auto end = now() + std::chrono::duration_cast<timestamp::duration>(
                             std::chrono::duration<double>(seconds_of(duration, "--for")));
  return std::chrono::duration_cast<std::chrono::seconds>(end.time_since_epoch()).count();
}

std::string end_text(const json::value& suppression) {
  const auto until = number_of(suppression, "until");
  if (!until)
    return "for ever";
  const auto end = timestamp{std::chrono::seconds{static_cast<int64_t>(*until)}};
  return short_time(format_time(end)) + (end <= now() ? " (expired: it counts again)" : "");
}

exit_code suppress(const command_context& context, const suppression_options& options) {
  auto entry = body_of(options.who);
  entry["until"] = options.until.empty() ? json::value(nullptr) : json::value(end_of(options.until));
  change_suppressions(context, [&](json::object& all) { all[options.id] = entry; });
  if (context.options.json)
    context.print_raw(json::serialize(json::object{{options.id, entry}}));
  else
    context.console.out << printable(options.id) << "  suppressed: " << printable(end_text(entry)) << '\n';
  return exit_code::good;
}

exit_code unsuppress(const command_context& context, const std::string& id) {
  bool known = false;
  change_suppressions(context, [&](json::object& all) { known = all.erase(id) > 0; });
  if (!known)
    throw command_failure{exit_code::refused,
                          "nothing suppresses " + printable(id) + "; `overwatch security suppressions` lists what is"};
  context.console.out << printable(id) << "  counts again\n";
  return exit_code::good;
}

exit_code list_suppressions(const command_context& context) {
  const auto stored = read_suppressions(context.client());
  if (context.options.json) {
    context.print_raw(json::serialize(stored.all));
    return exit_code::good;
  }
  table rows{{{"FINDING"}, {"UNTIL", false, true}, {"BY"}, {"REASON"}}};
  for (const auto& [id, entry] : stored.all)
    rows.add({std::string{id}, end_text(entry), text_of(entry, "by"), text_of(entry, "reason")});
  if (rows.empty())
    context.console.out << "nothing is suppressed\n";
  else
    rows.print(context.console);
  return exit_code::good;
}

void add_scan_command(CLI::App* security, command_context& context) {
  auto options = std::make_shared<scan_options>();
  auto* scan = security->add_subcommand("scan", "Look for weaknesses now, and follow the scan to its end");
  const auto add_list = [scan](const char* name, std::vector<std::string>& place, const char* meaning,
                               const char* type) {
    scan->add_option(name, place, meaning)->type_name(type)->expected(1)->take_all();
  };
  add_list("--check", options->checks,
           "Only this: accounts, sshd, sudo, kernel, sockets, startup, node, packages, files, baseline, lynis", "NAME");
  add_list("--path", options->paths, "Walk this tree instead of all local file systems", "PATH");
  add_list("--exclude", options->excludes, "Leave out a path, or what fits a pattern such as */node_modules", "PATH");
  add_list("--baseline", options->baselines, "Compare the content of this tree instead of those configured", "PATH");
  scan->add_option("--root", options->root, "Another tree instead of this machine, such as a chroot or a mounted image")
    ->type_name("DIRECTORY");
  scan->add_flag("--cross-file-systems", options->cross, "Also walk local file systems that are mounted in a path");
  scan->add_option("--fail-on", options->fail_on, "The exit code is 1 when something at least so severe was found")
    ->check(CLI::IsMember({"high", "medium", "low", "info", "never"}))
    ->capture_default_str();
  scan->add_flag("--detach", options->detach, "Return when the task is stored");
  scan->footer("Examples:\n"
               "  overwatch security scan\n"
               "  overwatch security scan --check files --path /srv --exclude '*/node_modules'\n"
               "  overwatch security scan --root /mnt/image --fail-on never");
  runs(scan, context, [&context, options] { return run_scan(context, *options); });
}

void add_baseline_command(CLI::App* security, command_context& context) {
  auto* baseline = security->add_subcommand("baseline", "What trees should contain");
  baseline->require_subcommand(1);
  auto options = std::make_shared<scan_options>();
  options->checks = {"baseline"};
  options->update_baseline = true;
  auto* update = baseline->add_subcommand("update", "Accept what trees contain now");
  update->add_option("PATH", options->baselines, "The trees; none: those of the configuration (security.baseline)");
  update->add_flag("--detach", options->detach, "Return when the task is stored");
  update->footer("Example:\n  overwatch security baseline update /etc /usr/bin");
  runs(update, context, [&context, options] { return run_scan(context, *options); });
}

void add_suppression_commands(CLI::App* security, command_context& context) {
  auto options = std::make_shared<suppression_options>();
  auto* add = security->add_subcommand("suppress", "Let a finding not count, for some time");
  add->add_option("FINDING", options->id, "Its id, or a pattern with * and ?")->required()->type_name("ID");
  add->add_option("--for", options->until, "Then it counts again; none: never")->type_name("DURATION");
  add_account_options(add, options->who, true);
  add->footer("Examples:\n"
              "  overwatch security suppress 'listening:tcp 0.0.0.0:22' --reason \"the way in\"\n"
              "  overwatch security suppress 'vulnerable-package:*' --for 7d --reason \"update on Monday\"");
  runs(add, context, [&context, options] { return suppress(context, *options); });

  auto id = std::make_shared<std::string>();
  auto* remove = security->add_subcommand("unsuppress", "Let a finding count again");
  remove->add_option("FINDING", *id, "As it was suppressed")->required()->type_name("ID");
  remove->footer("Example:\n  overwatch security unsuppress 'vulnerable-package:*'");
  runs(remove, context, [&context, id] { return unsuppress(context, *id); });

  auto* list = security->add_subcommand("suppressions", "What is suppressed, until when, by whom and why");
  list->footer("Example:\n  overwatch security suppressions");
  runs(list, context, [&context] { return list_suppressions(context); });
}

} // namespace

void add_security_commands(CLI::App& app, command_context& context) {
  auto* security = add_group(app, context, "security", "Weaknesses of this machine; alone: shows the newest scan",
                             [&context] { return show_last(context); });
  security->footer("Examples:\n"
                   "  overwatch security scan\n"
                   "  overwatch security\n"
                   "  overwatch security suppressions");
  add_scan_command(security, context);
  add_baseline_command(security, context);
  add_suppression_commands(security, context);
}

} // namespace overwatch::cli
