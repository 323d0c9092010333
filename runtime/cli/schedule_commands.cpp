#include "runtime/cli/command.hpp"

#include "messages/schedule.hpp"
#include "runtime/cli/arguments.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/task_options.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <memory>
#include <ostream>

/// `overwatch schedules ...`
namespace overwatch::cli {

namespace {

namespace json = boost::json;

constexpr uint32_t most_slots = 100; // the node's own limit
constexpr size_t max_task_bytes = 2 * task_limits::payload_bytes;

std::string schedule_path(const std::string& name) { return "/schedules/" + percent_encode(name); }

std::string when_of(const json::value& schedule) {
  const auto interval = number_of(schedule, "interval");
  return interval ? "every " + format_duration(*interval) : text_of(schedule, "cron");
}

table::cell next_of(const json::value& schedule) {
  if (is_true(schedule, "paused"))
    return {"paused", colour::yellow};
  const auto next = short_time(text_of(schedule, "next"));
  return next.empty() ? table::cell{"ended", colour::dim} : table::cell{next};
}

exit_code list_schedules(const command_context& context) {
  const auto reply = context.client().request("GET", "/schedules");
  return answer(context, reply, [&](const json::value& content) {
    table result{{{"SCHEDULE"}, {"WHEN"}, {"TIME ZONE"}, {"NEXT (UTC)", false, true}, {"LAST TASK", false, true}}};
    for (const auto& schedule : list_of(content, "schedules"))
      result.add({text_of(schedule, "name"), when_of(schedule), text_of(schedule, "time_zone"), next_of(schedule),
                  text_of(schedule, "last_task")});
    if (result.empty())
      context.console.out << "no schedules\n";
    else
      result.print(context.console);
  });
}

colour colour_of_outcome(std::string_view outcome) {
  return outcome == "submitted" ? colour::green : outcome == "refused" ? colour::red : colour::yellow;
}

void print_history(const console& console, const json::value& schedule) {
  table result{{{"SLOT", false, true}, {"OUTCOME", false, true}, {"TASK", false, true}, {"NOTE"}}};
  for (const auto& slot : list_of(schedule, "history")) {
    const auto outcome = text_of(slot, "outcome");
    const auto count = count_of(slot, "count");
    auto note = text_of(slot, "note");
    if (count > 1)
      note = std::to_string(count) + " slots" + (note.empty() ? "" : ", " + note);
    if (is_true(slot, "by_hand"))
      note = "by hand" + (note.empty() ? "" : ", " + note);
    result.add({short_time(text_of(slot, "time")), {outcome, colour_of_outcome(outcome)}, text_of(slot, "task"), note});
  }
  if (result.empty())
    return;
  console.out << '\n';
  result.print(console);
}

void print_schedule(const console& console, const json::value& schedule) {
  const auto next = next_of(schedule);
  const auto queued = list_of(schedule, "queued").size();
  fact_list facts;
  facts.add("schedule", text_of(schedule, "name"));
  facts.add("description", text_of(schedule, "description"));
  facts.add("when", when_of(schedule));
  facts.add("time zone", text_of(schedule, "time_zone"));
  facts.add("next", next.text, next.shade);
  facts.add("missed slots", text_of(schedule, "missed"));
  facts.add("overlap", text_of(schedule, "overlap"));
  facts.add("starts", short_time(text_of(schedule, "starts_at")));
  facts.add("ends", short_time(text_of(schedule, "ends_at")));
  facts.add("slots that wait", queued == 0 ? "" : std::to_string(queued));
  facts.add("last task", text_of(schedule, "last_task"));
  facts.add("created", short_time(text_of(schedule, "created_at")));
  if (const auto* task = find_field(schedule, "task"); task != nullptr)
    facts.add("task", text_of(*task));
  facts.print(console);
  print_history(console, schedule);
}

exit_code show_schedule(const command_context& context, const std::string& name) {
  const auto reply = context.client().request("GET", schedule_path(name));
  return answer(context, reply, [&](const json::value& schedule) { print_schedule(context.console, schedule); });
}

exit_code remove_schedule(const command_context& context, const std::string& name) {
  const auto reply = context.client().request("DELETE", schedule_path(name));
  return answer(context, reply, [&](const json::value&) { context.console.out << printable(name) << "  deleted\n"; });
}

void print_next(const console& console, const std::string& name, const json::value& schedule) {
  const auto next = next_of(schedule);
  console.out << printable(name) << "  " << (is_true(schedule, "paused") ? "" : "next ")
              << paint(console, next.shade, printable(next.text)) << '\n';
}

exit_code control_schedule(const command_context& context, const std::string& name, const char* action) {
  const auto reply = context.client().request("POST", schedule_path(name) + "/" + action, "{}");
  return answer(context, reply, [&](const json::value& schedule) { print_next(context.console, name, schedule); });
}

exit_code pause_schedule(const command_context& context, const std::string& name) {
  return control_schedule(context, name, "pause");
}

exit_code resume_schedule(const command_context& context, const std::string& name) {
  return control_schedule(context, name, "resume");
}

// The exit code is `failed` when no task came of it.
exit_code run_schedule(const command_context& context, const std::string& name) {
  const auto reply = context.client().request("POST", schedule_path(name) + "/run", "{}");
  const auto schedule = content_of(reply);
  const auto& history = list_of(schedule, "history");
  const auto outcome = history.empty() ? std::string{} : text_of(history.front(), "outcome");
  answer(context, reply, [&](const json::value&) {
    if (history.empty())
      return;
    const auto task = text_of(history.front(), "task");
    const auto note = text_of(history.front(), "note");
    context.console.out << (task.empty() ? printable(name) : "task " + printable(task)) << "  " << printable(outcome)
                        << (note.empty() ? "" : ": " + printable(note)) << '\n';
  });
  return outcome == "refused" ? exit_code::failed : exit_code::good;
}

exit_code show_slots(const command_context& context, const std::string& name, uint32_t count) {
  const auto path = schedule_path(name) + "/next?count=" + std::to_string(count);
  return answer(context, context.client().request("GET", path), [&](const json::value& content) {
    for (const auto& slot : list_of(content, "slots"))
      context.console.out << printable(short_time(text_of(slot))) << '\n';
    if (list_of(content, "slots").empty())
      context.console.out << "no slot comes: it has ended\n";
  });
}

struct schedule_options {
  std::string name, cron, every, time_zone, missed, overlap, starts, ends, description, task_file, task_name;
  bool paused = false;
  task_options task;
};

// The file's task with what the options say; its name is the schedule's when nobody names it.
json::object template_of(const schedule_options& options, std::istream& in) {
  json::object result;
  if (!options.task_file.empty())
    result = object_argument(read_source(options.task_file, "--task", max_task_bytes, in), "--task",
                             R"(, such as {"name": "backup", "task_type": "noop"})");
  auto given = task_of(options.task, in);
  given.erase("name");
  for (auto& field : given)
    result[field.key()] = std::move(field.value());
  if (!options.task_name.empty() || !result.contains("name"))
    result["name"] = options.task_name.empty() ? options.name : options.task_name;
  return result;
}

json::object body_of(const schedule_options& options, std::istream& in) {
  if (options.cron.empty() == options.every.empty())
    throw usage_failure("schedules set: --cron or --every is needed, and not both");
  json::object body;
  const auto add = [&](const char* field, const std::string& text) {
    if (!text.empty())
      body[field] = text;
  };
  add("cron", options.cron);
  if (!options.every.empty())
    body["interval"] = seconds_of(options.every, "--every");
  add("time_zone", options.time_zone);
  add("missed", options.missed);
  add("overlap", options.overlap);
  add("description", options.description);
  if (!options.starts.empty())
    body["starts_at"] = time_text(options.starts, "--starts");
  if (!options.ends.empty())
    body["ends_at"] = time_text(options.ends, "--ends");
  if (options.paused)
    body["paused"] = true;
  body["task"] = template_of(options, in);
  return body;
}

exit_code set_schedule(const command_context& context, const schedule_options& options) {
  const auto body = json::serialize(body_of(options, context.console.in));
  const auto reply = context.client().request("PUT", schedule_path(options.name), body);
  return answer(context, reply,
                [&](const json::value& schedule) { print_next(context.console, options.name, schedule); });
}

void add_set_command(CLI::App* schedules, command_context& context) {
  auto options = std::make_shared<schedule_options>();
  auto* set = schedules->add_subcommand("set", "Create a schedule, or replace it whole");
  set->add_option("NAME", options->name, "The schedule")->required();
  set
    ->add_option("--cron", options->cron, "Five fields (minute hour day month weekday), or six that begin with seconds")
    ->type_name("FIELDS");
  set->add_option("--every", options->every, "Instead of --cron: the time between slots, at least 1s")
    ->type_name("DURATION");
  set->add_option("--time-zone", options->time_zone, "Of --cron [UTC]")->type_name("ZONE");
  set->add_option("--missed", options->missed, "What becomes of slots while no node ran [once]")
    ->check(CLI::IsMember(texts_of(missed_policy_names)));
  set->add_option("--overlap", options->overlap, "What happens while the task before is unfinished [skip]")
    ->check(CLI::IsMember(texts_of(overlap_policy_names)));
  set->add_option("--starts", options->starts, "No slot before")->type_name("TIME|+DURATION");
  set->add_option("--ends", options->ends, "No slot from then on")->type_name("TIME|+DURATION");
  set->add_option("--description", options->description, "More about it")->type_name("TEXT");
  set->add_flag("--paused", options->paused, "Begins with `schedules resume` only");
  set
    ->add_option("--task", options->task_file, "The task as JSON, as POST /tasks takes it; the options below change it")
    ->type_name("FILE|-");
  set->add_option("--task-name", options->task_name, "Name of its tasks [the schedule's]")->type_name("TEXT");
  add_task_options(set, options->task);
  set->footer("Examples:\n"
              "  overwatch schedules set nightly --cron \"0 3 * * mon-fri\" --time-zone Europe/Berlin \\\n"
              "    --payload '{\"command\": \"backup\"}' --overlap queue\n"
              "  overwatch schedules set pulse --every 5m --type system_health\n"
              "  overwatch schedules set report --cron \"0 8 1 * *\" --task report.json");
  runs(set, context, [&context, options] { return set_schedule(context, *options); });
}

void add_one_schedule_command(CLI::App* schedules, command_context& context, const char* name, const char* meaning,
                              exit_code (*run)(const command_context&, const std::string&)) {
  auto schedule = std::make_shared<std::string>();
  auto* command = schedules->add_subcommand(name, meaning);
  command->add_option("NAME", *schedule, "The schedule")->required();
  command->footer(std::string{"Example:\n  overwatch schedules "} + name + " nightly");
  runs(command, context, [&context, schedule, run] { return run(context, *schedule); });
}

void add_next_command(CLI::App* schedules, command_context& context) {
  struct next_options {
    std::string name;
    uint32_t count = 10;
  };
  auto options = std::make_shared<next_options>();
  auto* next = schedules->add_subcommand("next", "The slots that come, in UTC");
  next->add_option("NAME", options->name, "The schedule")->required();
  next->add_option("--count", options->count, "So many")->check(CLI::Range(1U, most_slots))->capture_default_str();
  next->footer("Example:\n  overwatch schedules next nightly --count 3");
  runs(next, context, [&context, options] { return show_slots(context, options->name, options->count); });
}

} // namespace

void add_schedule_commands(CLI::App& app, command_context& context) {
  const auto list = [&context] { return list_schedules(context); };
  auto* schedules = add_group(app, context, "schedules", "Tasks at times; alone: lists the schedules", list);
  schedules->footer("Examples:\n"
                    "  overwatch schedules set pulse --every 5m --type system_health\n"
                    "  overwatch schedules next pulse\n"
                    "  overwatch schedules");
  auto* all = schedules->add_subcommand("list", "All schedules");
  all->footer("Example:\n  overwatch schedules list");
  runs(all, context, list);
  add_one_schedule_command(schedules, context, "show", "Everything about a schedule, and its newest slots",
                           show_schedule);
  add_set_command(schedules, context);
  add_one_schedule_command(schedules, context, "delete", "Remove a schedule; its tasks stay", remove_schedule);
  add_one_schedule_command(schedules, context, "pause", "No slots until `resume`", pause_schedule);
  add_one_schedule_command(schedules, context, "resume", "Slots again; those of the pause are left out",
                           resume_schedule);
  add_one_schedule_command(schedules, context, "run", "Create its task now; the exit code is 1 when it is refused",
                           run_schedule);
  add_next_command(schedules, context);
}

} // namespace overwatch::cli
