#include "runtime/handlers/user_task.hpp"

#include "messages/task_id.hpp"
#include "runtime/handlers/json_text.hpp"
#include "runtime/handlers/output_lines.hpp"
#include "runtime/handlers/parents_file.hpp"
#include "runtime/handlers/process.hpp"

#include <boost/json.hpp>

#include <array>
#include <cstring>
#include <string_view>

namespace overwatch {

namespace {

namespace json = boost::json;

constexpr uint64_t megabyte = 1024 * 1024;

/// What a command writes becomes the task's log. A flood costs little: of one piece of output the newest
/// lines are kept, as many as the report of an attempt can hold, and the others are counted.
class command_output {
public:
  explicit command_output(const attempt_context& ctx) : ctx_{ctx} {}

  void take(process::stream from, std::string_view bytes) {
    splitter(from).feed(bytes, [this, from](output_line line) { take_line(from, line); });
    flush();
  }

  void finish() {
    for (auto from : {process::stream::output, process::stream::error})
      splitter(from).finish([this, from](output_line line) { take_line(from, line); });
    flush();
    if (left_out_ > 0)
      ctx_.log(log_level::warning, std::to_string(left_out_) + " lines came too fast and were not kept");
  }

  /// The newest line of standard output that is no blank and no progress line, without blanks around it.
  std::string_view last_output() const { return last_output_; }
  /// Its size before it was cut to `task_limits::result_bytes`.
  uint64_t last_output_size() const { return last_output_size_; }
  std::string_view last_error() const { return last_error_; }

private:
  struct kept_line {
    log_level level = log_level::info;
    std::string text;
  };

  line_splitter& splitter(process::stream from) { return splitters_[static_cast<size_t>(from)]; }

  void take_line(process::stream from, output_line line) {
    if (auto progress = parse_progress_line(line.text)) {
      ctx_.progress(progress->percent, valid_utf8(progress->message, task_limits::message_bytes));
      return;
    }
    auto& kept = lines_[count_ % lines_.size()];
    ++count_;
    kept.level = from == process::stream::output ? log_level::info : log_level::warning;
    // A byte more than the report keeps: it marks the line as cut.
    kept.text.assign(line.text.substr(0, task_limits::message_bytes + 1));
    auto begin = line.text.find_first_not_of(" \t");
    if (begin == std::string_view::npos)
      return;
    auto text = line.text.substr(begin, line.text.find_last_not_of(" \t") + 1 - begin);
    if (from == process::stream::output) {
      last_output_.assign(text);
      last_output_size_ = line.size - (line.text.size() - text.size());
    } else {
      last_error_.assign(text.substr(0, task_limits::message_bytes / 4)); // a sentence goes around it
    }
  }

  void flush() {
    auto first = count_ > lines_.size() ? count_ - lines_.size() : 0;
    left_out_ += first;
    for (auto i = first; i < count_; ++i) {
      const auto& line = lines_[i % lines_.size()];
      ctx_.log(line.level, valid_utf8(line.text, task_limits::message_bytes + 1));
    }
    count_ = 0;
  }

  const attempt_context& ctx_;
  std::array<line_splitter, 2> splitters_{line_splitter{task_limits::result_bytes},
                                          line_splitter{task_limits::message_bytes + 1}};
  std::array<kept_line, attempt_report::max_lines> lines_; // a ring
  size_t count_ = 0;                                       // lines since the last flush
  uint64_t left_out_ = 0;
  std::string last_output_;
  uint64_t last_output_size_ = 0;
  std::string last_error_;
};

std::string names_of(const std::map<std::string, named_command>& commands) {
  std::string result;
  for (const auto& command : commands)
    result += (result.empty() ? "" : ", ") + command.first;
  return result.empty() ? "none" : result;
}

process_options options_for(const attempt_context& ctx, const named_command& command, const std::string& api,
                            const parents_file& parents) {
  process_options result;
  result.argv = command.argv;
  result.environment = command.environment;
  result.environment["OVERWATCH_TASK_ID"] = to_string(ctx.task().id);
  result.environment["OVERWATCH_ATTEMPT"] = std::to_string(ctx.attempt());
  result.environment["OVERWATCH_TASK_NAME"] = ctx.task().name;
  if (!api.empty())
    result.environment["OVERWATCH_API"] = api;
  if (!parents.path().empty())
    result.environment["OVERWATCH_PARENTS"] = parents.path();
  result.directory = command.directory;
  result.user = command.user;
  result.input = ctx.payload();
  result.cpu_seconds = command.cpu_seconds;
  result.memory_bytes = command.memory_mb * megabyte;
  result.file_bytes = command.file_mb * megabyte;
  result.open_files = command.open_files;
  result.processes = command.processes;
  return result;
}

std::string usage_text(const process_end& end) {
  json::object usage{{"exit_status", end.signal == 0 ? json::value(end.exit_status) : json::value(nullptr)},
                     {"signal", end.signal != 0 ? json::value(end.signal) : json::value(nullptr)},
                     {"user_cpu_s", rounded(end.user_cpu_s, 6)},
                     {"system_cpu_s", rounded(end.system_cpu_s, 6)},
                     {"elapsed_s", rounded(end.elapsed_s, 6)}};
  usage["peak_memory_bytes"] =
    end.peak_memory_bytes > 0 ? json::value(end.peak_memory_bytes) : json::value(nullptr);
  usage["read_bytes"] = end.read_bytes;
  usage["written_bytes"] = end.written_bytes;
  return json_text(usage);
}

resource_usage usage_of(const process_end& end) {
  return {end.user_cpu_s + end.system_cpu_s, end.peak_memory_bytes, end.read_bytes, end.written_bytes};
}

std::string how_it_ended(const process_end& end) {
  if (end.signal == 0)
    return "ended with exit status " + std::to_string(end.exit_status);
  const auto* name = ::sigabbrev_np(end.signal);
  auto abbreviated = name != nullptr ? " (SIG" + std::string{name} + ")" : std::string{};
  return "was ended by signal " + std::to_string(end.signal) + abbreviated;
}

bool is_json(std::string_view text) {
  json::error_code error;
  json::parse({text.data(), text.size()}, error);
  return !error;
}

outcome judge(const std::string& name, const process_end& end, const command_output& output) {
  auto usage = usage_text(end);
  auto subject = "command \"" + name + "\" ";
  if (end.stopped)
    return outcome::failed(subject + "was stopped; it " + how_it_ended(end), std::move(usage));
  if (!end.succeeded()) {
    auto message = subject + how_it_ended(end);
    if (!output.last_error().empty())
      message += ": " + valid_utf8(output.last_error(), task_limits::message_bytes);
    return outcome::failed(std::move(message), std::move(usage));
  }
  auto last = output.last_output();
  if (output.last_output_size() > last.size()) { // cut: too large to be kept
    if (last.find_first_of("{[\"") == 0)
      return outcome::failed_for_good("the result of " + subject + "(its last line of output) has "
                                      + std::to_string(output.last_output_size()) + " bytes; at most "
                                      + std::to_string(task_limits::result_bytes) + " are allowed");
    return outcome::completed(std::move(usage));
  }
  return outcome::completed(is_json(last) ? std::string{last} : std::move(usage));
}

} // namespace

outcome run_user_task(const attempt_context& ctx, const std::map<std::string, named_command>& commands,
                      const std::string& api) {
  json::object payload;
  if (auto error = parse_payload(ctx.payload(), payload); !error.empty())
    return outcome::failed_for_good(error);
  auto way_out = " (configured: " + names_of(commands)
                 + "). A command is added in the node's configuration file: "
                   "commands { NAME { argv = [\"/path/to/program\"] } }";
  const auto* named = payload.if_contains("command");
  if (named == nullptr || !named->is_string())
    return outcome::failed_for_good("payload.command must name a configured command" + way_out);
  const auto name = valid_utf8({named->get_string().data(), named->get_string().size()}, task_limits::name_bytes);
  auto command = commands.find(name);
  if (command == commands.end())
    return outcome::failed_for_good("payload.command: \"" + name + "\" is not a command of this node" + way_out);

  auto stop_fd = ctx.stop_fd(); // throws when there is no descriptor left: before anything runs
  parents_file parents{ctx.parents(), command->second.user};
  process program;
  if (auto error = program.start(options_for(ctx, command->second, api, parents)); !error.empty())
    return outcome::failed("command \"" + name + "\" did not start: " + error);
  ctx.log(log_level::debug, "command \"" + name + "\" started");
  command_output output{ctx};
  auto end = program.run(stop_fd, [&output](process::stream from, std::string_view bytes) {
    output.take(from, bytes);
  });
  output.finish();
  ctx.log(end.succeeded() ? log_level::info : log_level::error, "command \"" + name + "\" " + how_it_ended(end),
          usage_text(end));
  if (end.survivors > 0)
    ctx.log(log_level::error, std::to_string(end.survivors) + " processes of the command could not be killed");
  auto result = judge(name, end, output);
  result.usage = usage_of(end);
  return result;
}

} // namespace overwatch
