#include "runtime/cli/command.hpp"

#include "runtime/cli/interrupt.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/sse_parser.hpp"
#include "runtime/cli/text.hpp"

#include <memory>
#include <ostream>

namespace overwatch::cli {

namespace {

constexpr size_t kind_columns = 17; // of the longest kind, dispatch_resumed, and one more
constexpr milliseconds reconnect_pause{1000};
constexpr uint32_t most_reconnects = 30; // in a row, without an event between

struct event_options {
  std::string from;
  std::string task;
  std::vector<std::string> kinds;
  uint64_t count = 0;
};

void print_event(const console& console, const sse_event& event) {
  const auto content = parse_json(event.data);
  console.out << printable(event.id) << "  ";
  if (!content) {
    console.out << printable(event.name) << "  " << printable(event.data) << '\n' << std::flush;
    return;
  }
  const auto* task = find_field(*content, "task");
  const auto* progress = find_field(*content, "progress");
  const auto* error = find_field(*content, "error");
  console.out << paint(console, colour::dim, printable(short_time(text_of(*content, "time")))) << "  "
              << paint(console, colour_of_status(text_of(*content, "status")),
                       pad(printable(event.name), kind_columns));
  const auto say = [&](const std::string& text) {
    if (!text.empty())
      console.out << "  " << printable(text);
  };
  if (task != nullptr) {
    say(text_of(*task, "id"));
    say(text_of(*task, "name"));
  }
  if (event.name == "task_progress" && progress != nullptr)
    say(text_of(*progress, "percent") + " %");
  say(text_of(*content, "message"));
  if (error != nullptr)
    say(text_of(*error, "message"));
  console.out << '\n' << std::flush;
}

std::string path_of(const event_options& options, const std::string& from) {
  std::string query;
  const auto add = [&](const char* name, const std::string& encoded) {
    if (!encoded.empty())
      query += (query.empty() ? "?" : "&") + std::string{name} + "=" + encoded;
  };
  add("from", percent_encode(from));
  add("task", percent_encode(options.task));
  std::string kinds;
  for (const auto& kind : options.kinds)
    kinds += (kinds.empty() ? "" : ",") + percent_encode(kind);
  add("kinds", kinds);
  return "/events" + query;
}

// A stream that ends is taken up again where it ended: the node keeps recent events for that.
exit_code print_events(const command_context& context, const event_options& options) {
  const interrupt stop;
  const auto client = context.client();
  auto from = options.from;
  uint64_t seen = 0;
  uint32_t reconnects = 0;
  bool connected = false;
  for (;;) {
    sse_parser parser;
    const auto on_event = [&](const sse_event& event) {
      from = event.id;
      reconnects = 0;
      if (context.options.json)
        context.console.out << event.data << '\n' << std::flush;
      else
        print_event(context.console, event);
      return ++seen != options.count;
    };
    try {
      const auto reply = client.stream(
        path_of(options, from), [&](std::string_view piece) { return parser.feed(piece, on_event); }, stop.requested());
      if (!reply.good())
        throw failure_of(reply);
      connected = true;
    } catch (const command_failure& failure) {
      if (failure.code != exit_code::unreachable || !connected || reconnects >= most_reconnects)
        throw;
    }
    if (stop.requested() || (options.count > 0 && seen >= options.count))
      return exit_code::good;
    if (++reconnects > most_reconnects)
      throw command_failure{exit_code::server, "the node ends each event stream at once; see its log"};
    context.console.err << "the stream ended; going on from " << (from.empty() ? "now" : printable(from)) << '\n';
    if (stop.wait_for(reconnect_pause))
      return exit_code::good;
  }
}

} // namespace

void add_events_command(CLI::App& app, command_context& context) {
  auto options = std::make_shared<event_options>();
  auto* command = app.add_subcommand("events", "Print events as they happen, until Ctrl-C");
  command->add_option("--from", options->from, "Begin after the event with this cursor (first column) instead of now");
  command->add_option("--task", options->task, "Only of this task")->type_name("ID");
  command->add_option("--kind", options->kinds, "Only of these kinds: task_created, task_failed, ...")
    ->expected(1)
    ->take_all()
    ->delimiter(',');
  command->add_option("--count", options->count, "End after so many; 0: never")->capture_default_str();
  command->footer("With --json one object per line. A stream that breaks is taken up where it ended.\n"
                  "Examples:\n  overwatch events --kind task_failed\n  overwatch events --from 0.4711.0 --json");
  runs(command, context, [&context, options] { return print_events(context, *options); });
}

} // namespace overwatch::cli
