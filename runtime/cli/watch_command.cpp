#include "runtime/cli/command.hpp"

#include "runtime/cli/interrupt.hpp"
#include "runtime/cli/text.hpp"
#include "runtime/cli/watch_view.hpp"

#include <memory>
#include <ostream>

namespace overwatch::cli {

namespace {

constexpr milliseconds shortest_interval{200}; // four requests each
constexpr size_t most_tasks = 50;              // of one kind on the screen

struct watch_options {
  std::string interval = "1s";
  uint64_t count = 0;
};

// The terminal's second screen without a cursor; whatever happens, the first one comes back.
class full_screen {
public:
  explicit full_screen(std::ostream& out) : out_{out} { out_ << "\x1b[?1049h\x1b[?25l" << std::flush; }
  ~full_screen() { out_ << "\x1b[?25h\x1b[?1049l" << std::flush; }
  full_screen(const full_screen&) = delete;
  full_screen& operator=(const full_screen&) = delete;

  void draw(const std::vector<std::string>& lines) {
    std::string text = "\x1b[H";
    for (size_t i = 0; i < lines.size(); ++i)
      text += (i == 0 ? "\x1b[K" : "\r\n\x1b[K") + lines[i]; // erased first: a full line's end would go with it
    out_ << text << "\x1b[J" << std::flush;
  }

private:
  std::ostream& out_;
};

watch_sample take_sample(const rest_client& client) {
  const auto get = [&](const std::string& path) { return content_of(client.request("GET", path)); };
  const auto limit = "&limit=" + std::to_string(most_tasks);
  watch_sample result;
  result.status = get("/status");
  result.stats = get("/stats");
  result.running = get("/tasks?status=running" + limit);
  result.ended = get("/tasks?status=completed,failed,cancelled" + limit);
  result.time = now();
  return result;
}

// A node that is away for a while (a restart) does not end the view.
watch_sample next_sample(const rest_client& client, const watch_sample& before) {
  try {
    return take_sample(client);
  } catch (const command_failure& failure) {
    auto result = before;
    result.problem = failure.what();
    return result;
  }
}

exit_code watch(command_context& context, const watch_options& options) {
  const auto interval = parse_duration(options.interval);
  if (!interval || *interval < shortest_interval || *interval > std::chrono::hours{24})
    throw command_failure{exit_code::usage,
                          "--interval: '" + printable(options.interval) + "' is no duration from 200ms to 24h"};
  const auto client = context.client();
  auto sample = take_sample(client);
  auto before = sample;
  const interrupt stop;
  std::unique_ptr<full_screen> screen;
  if (context.console.terminal)
    screen = std::make_unique<full_screen>(context.console.out);
  for (uint64_t shown = 0;;) {
    if (screen) {
      const auto size = current_terminal_size();
      context.console.width = size.columns;
      screen->draw(watch_screen(context.console, size.rows, sample, before));
    } else {
      context.console.out << (sample.problem.empty() ? watch_line(sample, before) : sample.problem) << '\n'
                          << std::flush;
    }
    if (++shown == options.count || stop.wait_for(*interval))
      return exit_code::good;
    auto next = next_sample(client, sample);
    if (next.problem.empty())
      before = std::move(sample);
    sample = std::move(next);
  }
}

} // namespace

void add_watch_command(CLI::App& app, command_context& context) {
  auto options = std::make_shared<watch_options>();
  auto* command = app.add_subcommand("watch", "A live view: counters, rates, running tasks, what ended; until Ctrl-C");
  command->add_option("--interval", options->interval, "Time between two looks")
    ->type_name("DURATION")
    ->capture_default_str();
  command->add_option("--count", options->count, "End after so many looks; 0: never")->capture_default_str();
  command->footer("Where standard output is no terminal: a line per look.\n"
                  "Examples:\n  overwatch watch\n  overwatch watch --interval 10s >> counters.txt");
  runs(command, context, [&context, options] { return watch(context, *options); });
}

} // namespace overwatch::cli
