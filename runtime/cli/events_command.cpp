#include "runtime/cli/command.hpp"

#include "runtime/cli/interrupt.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/sse_parser.hpp"
#include "runtime/cli/text.hpp"

#include <memory>
#include <ostream>

namespace overwatch::cli {

namespace {

constexpr size_t kind_columns = 18; // of the longest kind, workflow_finished, and one more
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
  if (event.name == "task_rollback")
    say(text_of(*content, "rollback"));
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

// Prints events until `count` of them or the end of the process is asked for. A stream that ends is taken up where
// it ended: the node keeps recent events for that.
class event_printer {
public:
  event_printer(const command_context& context, const event_options& options)
    : context_{context}, options_{options}, client_{context.client()}, from_{options.from} {}

  exit_code run() {
    for (;;) {
      read_stream();
      if (stop_.requested() || is_enough())
        return exit_code::good;
      if (++reconnects_ > most_reconnects)
        throw command_failure{exit_code::server, "the event stream ended again and again; see the node's log"};
      context_.console.err << "the stream ended; going on from " << (from_.empty() ? "now" : printable(from_)) << '\n';
      if (stop_.wait_for(reconnect_pause))
        return exit_code::good;
    }
  }

private:
  bool is_enough() const { return options_.count > 0 && seen_ >= options_.count; }

  bool take(const sse_event& event) {
    if (event.name == "error") {
      const auto content = parse_json(event.data);
      context_.console.err << "the node says: " << printable(content ? text_of(*content, "message") : event.data)
                           << '\n';
      return true;
    }
    reconnects_ = 0;
    ++seen_;
    if (context_.options.json)
      context_.console.out << event.data << '\n' << std::flush;
    else
      print_event(context_.console, event);
    return !is_enough();
  }

  // Once there was a stream, a node that is away for a while is waited for.
  void read_stream() {
    sse_parser parser;
    const auto on_data = [&](std::string_view piece) {
      const bool more = parser.feed(piece, [this](const sse_event& event) { return take(event); });
      if (!parser.last_id().empty())
        from_ = parser.last_id();
      return more;
    };
    try {
      const auto reply = client_.stream(path_of(options_, from_), on_data, stop_.requested());
      if (!reply.good())
        throw failure_of(reply);
      connected_ = true;
    } catch (const command_failure& failure) {
      if (!connected_ || failure.code == exit_code::refused)
        throw;
    }
  }

  const command_context& context_;
  const event_options& options_;
  rest_client client_;
  interrupt stop_;
  std::string from_;
  uint64_t seen_ = 0;
  uint32_t reconnects_ = 0;
  bool connected_ = false;
};

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
  runs(command, context, [&context, options] { return event_printer{context, *options}.run(); });
}

} // namespace overwatch::cli
