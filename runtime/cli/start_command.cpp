#include "runtime/cli/command.hpp"

#include "runtime/cli/daemon.hpp"
#include "runtime/cli/node_process.hpp"
#include "runtime/cli/setting_options.hpp"
#include "runtime/cli/text.hpp"

#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>

namespace overwatch::cli {

namespace {

using steady = std::chrono::steady_clock;

constexpr std::chrono::seconds start_limit{60}; // until a node in the background answers
constexpr milliseconds probe_pause{100};
constexpr milliseconds probe_timeout{2000};
constexpr size_t shown_log_lines = 5; // of a node that did not come up

// The address under which this machine reaches a node that listens at `values.http`.
std::string local_url(const settings& values) {
  auto address = values.http.address;
  if (address == "0.0.0.0")
    address = "127.0.0.1";
  else if (address == "::")
    address = "::1";
  if (address.find(':') != std::string::npos)
    address = "[" + address + "]";
  return "http://" + address + ":" + std::to_string(values.http.port);
}

std::string end_of_file(const std::string& path) {
  std::ifstream file{path};
  std::deque<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
    if (lines.size() > shown_log_lines)
      lines.pop_front();
  }
  std::string result;
  for (const auto& line : lines)
    result += "\n  " + printable(line);
  return result;
}

// The answer alone is not enough: another node may have the port, and ours dies of it in a moment.
bool is_ready(const rest_client& client, const settings& values, pid_t pid) {
  if (read_pid_file(pid_file_of(values.node.data_dir)) != pid)
    return false;
  try {
    return client.send("GET", "/health/ready").good();
  } catch (const command_failure&) {
    return false; // not yet
  }
}

exit_code await_node(const command_context& context, const settings& values, const background_process& node) {
  const rest_client client{local_url(values), probe_timeout};
  const auto end = steady::now() + start_limit;
  while (!is_ready(client, values, node.pid())) {
    if (node.ended_within(probe_pause))
      throw command_failure{exit_code::failed, "the node ended while it started. The end of " + values.log.file + ":" +
                                                 end_of_file(values.log.file)};
    if (steady::now() >= end)
      throw command_failure{exit_code::server, "the node (process " + std::to_string(node.pid()) +
                                                 ") is not ready after " + format_duration(start_limit.count()) +
                                                 " and goes on starting. The end of " + values.log.file + ":" +
                                                 end_of_file(values.log.file)};
  }
  context.console.out << "overwatch runs in the background as process " << node.pid() << "\n  API   "
                      << local_url(values) << "/api/overwatch\n  log   " << values.log.file
                      << "\n  stop  overwatch stop --data-dir " << values.node.data_dir << '\n';
  return exit_code::good;
}

exit_code start_daemon(const command_context& context, load_result loaded) {
  auto& values = loaded.values;
  if (values.http.port == 0)
    throw command_failure{exit_code::usage,
                          "--daemon needs a fixed port: with http.port 0 nobody learns where the node listens"};
  std::error_code error;
  std::filesystem::create_directories(values.node.data_dir, error);
  if (error)
    throw command_failure{exit_code::failed,
                          "the data directory " + values.node.data_dir + " cannot be made: " + error.message()};
  if (values.log.file.empty())
    values.log.file = values.node.data_dir + "/node.log";
  context.console.out.flush();
  std::string problem;
  const auto node = start_in_background(
    values.log.file, [&] { return context.hooks.start_node(loaded, true); }, problem);
  if (!node)
    throw command_failure{exit_code::failed, problem};
  return await_node(context, values, *node);
}

exit_code start_node(const command_context& context, const setting_options& given, bool daemon) {
  auto loaded = given.load();
  report(context.console, loaded);
  if (!loaded.ok())
    return exit_code::usage;
  // The node names it in its status, for readers that are in another directory.
  loaded.values.node.data_dir = std::filesystem::absolute(loaded.values.node.data_dir).lexically_normal().string();
  if (daemon)
    return start_daemon(context, std::move(loaded));
  return static_cast<exit_code>(context.hooks.start_node(loaded, false));
}

} // namespace

void add_start_command(CLI::App& app, command_context& context) {
  auto* command = app.add_subcommand("start", "Run a node, in the foreground until Ctrl-C");
  auto given = add_setting_options(command);
  auto daemon = std::make_shared<bool>(false);
  auto monitoring = std::make_shared<bool>(false);
  command->add_flag("--daemon", *daemon,
                    "Run in the background; returns when the node is ready. It logs to log.file, by "
                    "default <data-dir>/node.log");
  command->add_flag("--enable-monitoring", *monitoring,
                    "Accepted from scripts of the first Overwatch and without effect: "
                    "health and performance tasks come with --generation-interval");
  command->footer("Settings come from the defaults, then the file, the environment, the command line: later ones win.\n"
                  "`overwatch config show` takes the same flags and says what would be used.\n"
                  "Examples:\n"
                  "  overwatch start\n"
                  "  overwatch start --daemon --data-dir ./node1 --http 127.0.0.1:9000\n"
                  "  overwatch start --config-file node.conf --max-tasks 20 --log-level debug");
  runs(command, context, [&context, given, daemon, monitoring] {
    if (*monitoring)
      context.console.err << "note: --enable-monitoring has no effect; see `overwatch start --help`\n";
    return start_node(context, *given, *daemon);
  });
}

} // namespace overwatch::cli
