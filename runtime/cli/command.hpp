#pragma once

#include "runtime/cli/cli.hpp"
#include "runtime/cli/console.hpp"
#include "runtime/cli/rest_client.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <string>

/// What all commands share. Each file of commands has one `add_..._command(s)` function that puts them into
/// the tree; `cli.cpp` calls them all.
namespace overwatch::cli {

/// The options that every command has.
struct global_options {
  std::string url = "http://127.0.0.1:8765";
  bool url_given = false; ///< by flag or environment
  double timeout_seconds = 30;
  bool json = false;
  bool no_colour = false;
};

struct command_context {
  cli::console& console;
  const cli_hooks& hooks;
  global_options options;
  std::function<exit_code()> action; ///< of the command that was named; runs when all is parsed

  rest_client client() const;

  /// Writes an answer as the node sent it, with a final newline.
  void print_raw(const std::string& body) const;
};

/// `reply.body` as JSON; a node that answers something else is a failure.
boost::json::value content_of(const rest_reply& reply);

/// Makes `action` what `command` does. `action` is called at most once.
void runs(CLI::App* command, command_context& context, std::function<exit_code()> action);

/// Prints an answer: with `--json` as the node sent it, else by `show`.
template <class Show>
exit_code answer(const command_context& context, const rest_reply& reply, Show show) {
  if (context.options.json)
    context.print_raw(reply.body);
  else
    show(content_of(reply));
  return exit_code::good;
}

/// A group of commands, such as `gates`. Named alone it does `action`.
CLI::App* add_group(CLI::App& app, command_context& context, const char* name, const char* meaning,
                    std::function<exit_code()> action);

// Each adds its commands to `app`.
void add_start_command(CLI::App& app, command_context& context);
void add_stop_command(CLI::App& app, command_context& context);
void add_node_commands(CLI::App& app, command_context& context);
void add_cluster_node_commands(CLI::App* group, command_context& context);
void add_pool_commands(CLI::App& app, command_context& context);
void add_create_command(CLI::App& app, command_context& context);
void add_list_command(CLI::App& app, command_context& context);
void add_task_commands(CLI::App& app, command_context& context);
void add_control_commands(CLI::App& app, command_context& context);
void add_gate_commands(CLI::App& app, command_context& context);
void add_key_commands(CLI::App& app, command_context& context);
void add_workflow_commands(CLI::App& app, command_context& context);
void add_schedule_commands(CLI::App& app, command_context& context);
void add_rule_commands(CLI::App& app, command_context& context);
void add_cluster_commands(CLI::App& app, command_context& context);
void add_backup_commands(CLI::App& app, command_context& context);
void add_restore_command(CLI::App& app, command_context& context);
void add_maintenance_commands(CLI::App& app, command_context& context);
void add_security_commands(CLI::App& app, command_context& context);
void add_watch_command(CLI::App& app, command_context& context);
void add_events_command(CLI::App& app, command_context& context);
void add_self_test_command(CLI::App& app, command_context& context);
void add_config_commands(CLI::App& app, command_context& context);
void add_completion_command(CLI::App& app, command_context& context);

} // namespace overwatch::cli
