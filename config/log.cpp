#include "config/log.hpp"

#include "config/log_format.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

namespace overwatch {

namespace {

constexpr std::chrono::seconds stop_limit{2};
constexpr size_t bytes_per_mb = 1024 * 1024;

enum class line_format : uint8_t { json, text, coloured_text };

/// The running log. Members are destroyed in reverse order; the pool writes what waits first.
struct running_log {
  std::shared_ptr<spdlog::logger> logger;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  line_format format;
};

std::shared_ptr<running_log> current; // accessed with std::atomic_* only
std::atomic<severity> least{severity::info};
std::atomic<uint64_t> dropped_before{0}; // by logs that have ended
std::mutex start_stop;

line_format chosen_format(const settings& values, bool to_file) {
  bool terminal = !to_file && isatty(STDERR_FILENO) == 1;
  if (values.log.format == "json" || (values.log.format != "text" && !terminal))
    return line_format::json;
  // https://no-color.org: set to anything but nothing, it asks for none.
  auto* no_color = std::getenv("NO_COLOR");
  return terminal && (no_color == nullptr || *no_color == '\0') ? line_format::coloured_text : line_format::text;
}

std::string render(line_format format, const log_record& record) {
  return format == line_format::json ? json_line(record) : text_line(record, format == line_format::coloured_text);
}

/// Writes what waits, then ends the pool's thread; a log that cannot be written in time is left to the process's end.
void end(std::shared_ptr<running_log> log) {
  auto done = std::make_shared<std::promise<void>>();
  auto finished = done->get_future();
  dropped_before += log->pool->overrun_counter();
  std::thread writer{[log = std::move(log), done]() mutable {
    log.reset();
    done->set_value();
  }};
  if (finished.wait_for(stop_limit) == std::future_status::ready)
    writer.join();
  else
    writer.detach();
}

void stop_locked() {
  if (auto log = std::atomic_exchange(&current, std::shared_ptr<running_log>{}))
    end(std::move(log));
}

} // namespace

void start_logging(const settings& values) {
  std::lock_guard guard{start_stop};
  stop_locked();
  std::shared_ptr<spdlog::sinks::sink> sink;
  std::string failure;
  if (!values.log.file.empty()) {
    try {
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
        values.log.file, values.log.max_file_mb * bytes_per_mb, values.log.max_files);
    } catch (const spdlog::spdlog_ex& problem) {
      failure = problem.what();
    }
  }
  bool to_file = sink != nullptr;
  if (!to_file)
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  sink->set_pattern("%v");
  auto log = std::make_shared<running_log>();
  log->pool = std::make_shared<spdlog::details::thread_pool>(log_limits::queue_lines, 1);
  log->logger =
    std::make_shared<spdlog::async_logger>("overwatch", sink, log->pool, spdlog::async_overflow_policy::overrun_oldest);
  log->logger->set_level(spdlog::level::trace);
  log->logger->flush_on(spdlog::level::trace); // by the pool's thread: a kill loses only what is queued
  log->format = chosen_format(values, to_file);
  set_log_level(parse_severity(values.log.level).value_or(severity::info));
  std::atomic_store(&current, std::move(log));
  if (!failure.empty())
    log_line(severity::error, "log", "the log file cannot be opened; the log goes to standard error",
             {{"file", values.log.file}, {"reason", failure}});
}

void stop_logging() {
  std::lock_guard guard{start_stop};
  stop_locked();
}

void log_line(severity level, std::string_view component, std::string_view message, const log_fields& fields) {
  if (!log_enabled(level))
    return;
  log_record record{std::chrono::system_clock::now(), level, component, message, fields};
  if (auto log = std::atomic_load(&current)) {
    auto line = render(log->format, record);
    log->logger->log(spdlog::level::info, spdlog::string_view_t{line.data(), line.size()});
  } else if (level >= severity::warning) {
    auto line = text_line(record, false) + '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
}

bool log_enabled(severity level) { return level >= least.load(std::memory_order_relaxed); }

void set_log_level(severity level) { least.store(level, std::memory_order_relaxed); }

std::optional<severity> parse_severity(std::string_view text) {
  std::string lower{text};
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (auto level : {severity::trace, severity::debug, severity::info, severity::warning, severity::error})
    if (lower == to_string(level))
      return level;
  return std::nullopt;
}

std::string_view to_string(severity level) {
  switch (level) {
  case severity::trace:
    return "trace";
  case severity::debug:
    return "debug";
  case severity::info:
    return "info";
  case severity::warning:
    return "warning";
  case severity::error:
    return "error";
  }
  return "unknown";
}

uint64_t dropped_log_lines() {
  auto log = std::atomic_load(&current);
  return dropped_before + (log ? log->pool->overrun_counter() : 0);
}

} // namespace overwatch
