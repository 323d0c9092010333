#include "runtime/cli/watch_view.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/text.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace overwatch::cli {

namespace {

constexpr size_t bar_width = 22;
constexpr size_t status_width = 10;
constexpr size_t type_width = 18;
constexpr size_t duration_width = 8;

struct counters {
  uint64_t queued, running, completed, failed;
  double completed_per_s, failed_per_s, submitted_per_s;
};

counters counters_of(const watch_sample& sample, const watch_sample& before) {
  const auto seconds = std::chrono::duration<double>(sample.time - before.time).count();
  // A smaller number than before: the node was exchanged for another.
  const auto rate = [&](const char* field) {
    const auto now = count_of(sample.stats, field);
    const auto then = count_of(before.stats, field);
    return seconds > 0 && now > then ? static_cast<double>(now - then) / seconds : 0.0;
  };
  return {count_of(sample.stats, "queue_size"),
          count_of(sample.stats, "currently_running"),
          count_of(sample.stats, "total_completed"),
          count_of(sample.stats, "total_failed"),
          rate("total_completed"),
          rate("total_failed"),
          rate("total_submitted")};
}

std::string rate_text(double per_second) {
  const auto tenths = std::llround(per_second * 10);
  if (tenths >= 1000)
    return format_count(static_cast<uint64_t>(tenths / 10)) + "/s";
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "/s";
}

std::string dispatch_text(const watch_sample& sample) {
  return is_true(sample.status, "running") ? "dispatching" : "paused";
}

std::string clock_text(timestamp time) { return short_time(format_time(time)).substr(11); }

std::string time_in_state(const boost::json::value& task, timestamp now) {
  const auto started = parse_api_time(text_of(task, "started_at"));
  return started ? format_duration(std::max(0.0, std::chrono::duration<double>(now - *started).count())) : "";
}

std::string running_line(const boost::json::value& task, timestamp now, size_t width) {
  const auto* progress = find_field(task, "progress");
  const auto percent = progress == nullptr ? 0.0 : number_of(*progress, "percent").value_or(0);
  const auto message = progress == nullptr ? std::string{} : text_of(*progress, "message");
  auto line = pad(cut(printable(text_of(task, "task_type")), type_width), type_width) + "  " +
              progress_bar(percent, bar_width) + " " + pad(std::to_string(std::lround(percent)), 3, true) + " %  " +
              pad(time_in_state(task, now), duration_width, true) + "  " + printable(text_of(task, "name"));
  if (!message.empty())
    line += ": " + printable(message);
  return cut(line, width);
}

std::string ended_line(const console& console, const boost::json::value& task, size_t width) {
  const auto status = text_of(task, "status");
  const auto seconds = number_of(task, "execution_time");
  auto rest = "  " + pad(cut(printable(text_of(task, "task_type")), type_width), type_width) + "  " +
              pad(seconds ? format_duration(*seconds) : "", duration_width, true) + "  " +
              printable(text_of(task, "name"));
  if (const auto error = text_of(task, "error_message"); !error.empty())
    rest += ": " + printable(error);
  return paint(console, colour_of_status(status), pad(cut(printable(status), status_width), status_width)) +
         cut(rest, width > status_width ? width - status_width : 0);
}

} // namespace

std::string progress_bar(double percent, size_t width) {
  if (width < 3)
    return {};
  const auto inside = width - 2;
  const auto share = std::clamp(std::isfinite(percent) ? percent : 0.0, 0.0, 100.0) / 100;
  const auto full = static_cast<size_t>(share * static_cast<double>(inside) + 0.5);
  return "[" + std::string(full, '#') + std::string(inside - full, '-') + "]";
}

std::string watch_line(const watch_sample& sample, const watch_sample& before) {
  const auto count = counters_of(sample, before);
  return clock_text(sample.time) + "  " + dispatch_text(sample) + "  queued " + format_count(count.queued) +
         "  running " + format_count(count.running) + "  completed " + format_count(count.completed) + " (" +
         rate_text(count.completed_per_s) + ")  failed " + format_count(count.failed) + " (" +
         rate_text(count.failed_per_s) + ")  submitted " + rate_text(count.submitted_per_s);
}

std::vector<std::string> watch_screen(const console& console, size_t rows, const watch_sample& sample,
                                      const watch_sample& before) {
  constexpr size_t fixed_rows = 6; // two of counters, two titles, two blank
  const auto width = console.width == 0 ? 80 : console.width;
  const auto count = counters_of(sample, before);
  const auto uptime = number_of(sample.status, "uptime");
  std::vector<std::string> lines;
  const auto* status = find_field(sample.status, "node");
  const auto node = status == nullptr ? std::string{} : printable(text_of(*status, "name"));
  lines.push_back(
    paint(console, colour::bold,
          cut("overwatch " + node + "  " + dispatch_text(sample) + "  up " + (uptime ? format_duration(*uptime) : "-") +
                "  " + clock_text(sample.time) + " UTC  Ctrl-C ends",
              width)));
  if (sample.problem.empty())
    lines.push_back(cut("queued " + format_count(count.queued) + "   running " + format_count(count.running) +
                          "   completed " + format_count(count.completed) + " (" + rate_text(count.completed_per_s) +
                          ")   failed " + format_count(count.failed) + " (" + rate_text(count.failed_per_s) +
                          ")   submitted " + rate_text(count.submitted_per_s),
                        width));
  else
    lines.push_back(paint(console, colour::red, cut(printable(sample.problem), width)));
  const auto& running = list_of(sample.running, "tasks");
  const auto& ended = list_of(sample.ended, "tasks");
  const auto left = rows > fixed_rows ? rows - fixed_rows : 0;
  const auto running_rows = std::min(running.size(), std::max(left / 2, left - std::min(left, ended.size())));
  const auto ended_rows = std::min(ended.size(), left - running_rows);
  lines.emplace_back();
  lines.push_back(paint(console, colour::bold, "running"));
  for (size_t i = 0; i < running_rows; ++i)
    lines.push_back(running_line(running[i], sample.time, width));
  lines.emplace_back();
  lines.push_back(paint(console, colour::bold, "ended"));
  for (size_t i = 0; i < ended_rows; ++i)
    lines.push_back(ended_line(console, ended[i], width));
  if (lines.size() > rows)
    lines.resize(rows);
  return lines;
}

} // namespace overwatch::cli
