#include "runtime/cli/cli.hpp"

#include "config/values.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/cli/text.hpp"

#include <cstdlib>
#include <ostream>

namespace overwatch {

namespace {

using namespace cli;

constexpr double longest_timeout_s = 86'400;

constexpr const char* description = "Overwatch: durable tasks, scheduled by priority and really executed.\n"
                                    "`overwatch start` runs a node; the other commands speak to a running one.";

constexpr const char* footer = R"(Exit codes:
  0  good
  1  the command did its work and the answer is bad: a task failed, a check did not hold, a node is not healthy
  2  the command line or the configuration is wrong
  3  no node answers
  4  the node refused the request (not found, not allowed in this state, wrong content)
  5  the node could not do it (no space, overloaded, stopping), or not in time

First steps:
  overwatch start --daemon
  overwatch create-task "Check this machine" --type system_health --wait
  overwatch list-tasks
  overwatch watch
  overwatch stop
`overwatch COMMAND --help` has examples for each command.)";

void add_global_options(CLI::App& app, command_context& context) {
  auto& options = context.options;
  app.add_option("--url", options.url, "The node; OVERWATCH_API is asked, too: named commands have it")
    ->type_name("URL")
    ->envname("OVERWATCH_URL")
    ->capture_default_str();
  app.add_option("--timeout", options.timeout_seconds, "Limit of each request, beside what it waits for on purpose")
    ->type_name("SECONDS")
    ->check(CLI::Range(0.001, longest_timeout_s))
    ->capture_default_str();
  app.add_flag("--json", options.json, "Print what the API answered instead of tables");
  app.add_flag("--no-color", options.no_colour, "No colours; the variable NO_COLOR does the same");
}

// A named command gets the address of the node that runs it.
void take_api_variable(global_options& options) {
  const char* api = std::getenv("OVERWATCH_API");
  if (options.url_given || api == nullptr || *api == '\0')
    return;
  options.url = api;
  options.url_given = true;
}

void add_version_command(CLI::App& app, command_context& context) {
  auto* command = app.add_subcommand("version", "The version of this program");
  runs(command, context, [&context] {
    if (context.options.json)
      context.print_raw("{\"version\":\"" OVERWATCH_VERSION "\"}");
    else
      context.console.out << "overwatch " OVERWATCH_VERSION "\n";
    return exit_code::good;
  });
}

void add_commands(CLI::App& app, command_context& context) {
  add_start_command(app, context);
  add_stop_command(app, context);
  add_node_commands(app, context);
  add_create_command(app, context);
  add_list_command(app, context);
  add_task_commands(app, context);
  add_control_commands(app, context);
  add_workflow_commands(app, context);
  add_gate_commands(app, context);
  add_key_commands(app, context);
  add_schedule_commands(app, context);
  add_rule_commands(app, context);
  add_cluster_commands(app, context);
  add_backup_commands(app, context);
  add_maintenance_commands(app, context);
  add_restore_command(app, context);
  add_security_commands(app, context);
  add_watch_command(app, context);
  add_events_command(app, context);
  add_pool_commands(app, context);
  add_self_test_command(app, context);
  add_config_commands(app, context);
  add_completion_command(app, context);
  add_version_command(app, context);
}

// What CLI11 says, and the command that was most likely meant.
std::string explain(const CLI::App* app, const CLI::Error& error) {
  std::string result = "overwatch: " + printable(error.what()) + "\n";
  const auto unknown = app->get_parent() == nullptr ? app->remaining() : std::vector<std::string>{};
  if (!unknown.empty() && unknown.front().front() != '-' && app->get_subcommands().empty()) {
    std::vector<std::string> names;
    for (const auto* command : app->get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(command->get_name());
    if (const auto nearest = nearest_name(unknown.front(), names))
      result += "  did you mean `overwatch " + *nearest + "`?\n";
  }
  return result + "  `overwatch --help` lists the commands, `overwatch COMMAND --help` what each takes\n";
}

int fail(const console& console, const command_failure& failure) {
  console.err << paint(console, colour::red, "overwatch") << ": " << failure.what() << '\n';
  return static_cast<int>(failure.code);
}

} // namespace

int run_cli(int argc, const char* const* argv, const cli_hooks& hooks, cli::console& console) {
  CLI::App app{description, "overwatch"};
  command_context context{console, hooks, {}, {}};
  app.require_subcommand(0, 1);
  app.fallthrough(); // global options are taken after the command, too
  app.get_formatter()->column_width(34);
  app.set_help_flag("-h,--help", "Help for this command");
  app.set_version_flag("--version", "overwatch " OVERWATCH_VERSION, "The version");
  add_global_options(app, context);
  add_commands(app, context);
  app.footer(footer);
  app.failure_message(explain);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool good = app.exit(error, console.out, console.err) == 0;
    return static_cast<int>(good ? exit_code::good : exit_code::usage);
  }
  if (!context.action) {
    console.out << app.help();
    return static_cast<int>(exit_code::good);
  }
  context.options.url_given = app.get_option("--url")->count() > 0;
  take_api_variable(context.options);
  console.colours = console.colours && !context.options.no_colour;
  try {
    return static_cast<int>(context.action());
  } catch (const command_failure& failure) {
    return fail(console, failure);
  }
}

int run_cli(int argc, const char* const* argv, const cli_hooks& hooks) {
  auto console = cli::standard_console();
  return run_cli(argc, argv, hooks, console);
}

} // namespace overwatch
