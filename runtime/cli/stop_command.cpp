#include "runtime/cli/command.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/node_process.hpp"
#include "runtime/cli/setting_options.hpp"
#include "runtime/cli/text.hpp"

#include <memory>
#include <ostream>

namespace overwatch::cli {

namespace {

struct stop_options {
  std::string data_dir;
  std::string config_file;
  std::string limit = "60s";
};

// The directory that is named; else that of the node at --url, when one is named; else the one that `start`
// would use; else that of the node at the default URL.
std::string find_data_dir(const command_context& context, const stop_options& options) {
  if (!options.data_dir.empty())
    return options.data_dir;
  if (!context.options.url_given) {
    setting_options given;
    given.config_file = options.config_file;
    const auto loaded = given.load();
    if (!options.config_file.empty() || read_pid_file(pid_file_of(loaded.values.node.data_dir)))
      return loaded.values.node.data_dir;
  }
  const auto status = content_of(context.client().request("GET", "/status"));
  const auto* node = find_field(status, "node");
  const auto directory = node == nullptr ? std::string{} : text_of(*node, "data_dir");
  if (directory.empty())
    throw command_failure{exit_code::failed,
                          "the node at " + context.options.url + " does not name its data directory: use --data-dir"};
  return directory;
}

exit_code stop_node(const command_context& context, const stop_options& options) {
  const auto limit = parse_duration(options.limit);
  if (!limit)
    throw command_failure{exit_code::usage,
                          "--limit: '" + printable(options.limit) + "' is no duration such as 30s or 2m"};
  const auto data_dir = find_data_dir(context, options);
  const auto file = printable(pid_file_of(data_dir));
  const auto pid = read_pid_file(pid_file_of(data_dir));
  if (!pid)
    throw command_failure{exit_code::unreachable, "no node runs here with the data directory " + printable(data_dir) +
                                                    ": " + file +
                                                    " names no process. Name another with --data-dir or --url"};
  const auto result = stop_process(*pid, *limit, [&](milliseconds passed) {
    context.console.err << "waiting for process " << *pid << " to drain its tasks, "
                        << format_duration(static_cast<double>(passed.count()) / 1000) << '\n';
  });
  const auto process = "process " + std::to_string(*pid);
  switch (result) {
  case stop_result::stopped:
    context.console.out << "stopped " << process << '\n';
    return exit_code::good;
  case stop_result::not_running:
    throw command_failure{exit_code::unreachable,
                          "the node is not running: " + file + " names " + process + ", which has ended"};
  case stop_result::not_a_node:
    throw command_failure{exit_code::failed,
                          file + " is out of date: " + process + " is another program and was left alone"};
  case stop_result::not_allowed:
    throw command_failure{exit_code::refused, process + " belongs to another user: stop it as that user or as root"};
  case stop_result::still_running:
    break;
  }
  throw command_failure{exit_code::server, process + " still runs after " + options.limit +
                                             " and was told to stop; wait "
                                             "longer with --limit, or look at its log"};
}

} // namespace

void add_stop_command(CLI::App& app, command_context& context) {
  auto options = std::make_shared<stop_options>();
  auto* command = app.add_subcommand("stop", "Stop the node on this machine; running tasks may end first");
  command->add_option("--data-dir", options->data_dir, "Of the node; else --url says which, else the usual settings")
    ->type_name("DIR");
  command->add_option("--config-file", options->config_file, "Read the data directory from here")->type_name("FILE");
  command->add_option("--limit", options->limit, "Wait so long until it is gone")
    ->type_name("DURATION")
    ->capture_default_str();
  command->footer(
    "Tasks that have not ended within the node's drain timeout are queued again and run after the next start.\n"
    "To keep the node and only start no more tasks: `overwatch pause`.\n"
    "Example:\n  overwatch stop --data-dir ./node1");
  runs(command, context, [&context, options] { return stop_node(context, *options); });
}

} // namespace overwatch::cli
