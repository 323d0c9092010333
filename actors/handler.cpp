#include "actors/handler.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace overwatch {

namespace {

std::string cut(std::string text) {
  if (text.size() > task_limits::message_bytes) {
    text.resize(task_limits::message_bytes - 3);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80)
      text.pop_back(); // never inside a UTF-8 sequence
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0)
      text.pop_back();
    text += "...";
  }
  return text;
}

} // namespace

void attempt_report::progress(double percent, std::string message) {
  std::lock_guard lock{mutex_};
  content_.has_progress = true;
  content_.percent = std::isfinite(percent) ? std::clamp(percent, 0.0, 100.0) : 0.0;
  content_.message = cut(std::move(message));
}

void attempt_report::log(log_level level, std::string message, std::string data) {
  log_entry line;
  line.time = now();
  line.level = level;
  line.message = cut(std::move(message));
  if (data.size() <= task_limits::message_bytes)
    line.data = std::move(data);
  std::lock_guard lock{mutex_};
  if (content_.lines.size() < max_lines) {
    content_.lines.push_back(std::move(line));
    return;
  }
  content_.lines[oldest_] = std::move(line);
  oldest_ = (oldest_ + 1) % max_lines;
  ++content_.dropped;
}

attempt_report::content attempt_report::take() {
  std::lock_guard lock{mutex_};
  auto result = std::exchange(content_, {});
  auto first = result.lines.begin() + static_cast<std::ptrdiff_t>(oldest_);
  std::rotate(result.lines.begin(), first, result.lines.end());
  oldest_ = 0;
  return result;
}

bool is_task_type(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  };
  return !text.empty() && text.size() <= task_limits::type_bytes && std::all_of(text.begin(), text.end(), allowed);
}

void handler_registry::add(std::string task_type, handler_function run, handler_options options) {
  if (!is_task_type(task_type))
    throw std::invalid_argument("task type \"" + task_type +
                                "\": 1 to 64 characters of a-z, 0-9, '_', '.', '-' are allowed");
  entries_[std::move(task_type)] = {std::move(run), std::move(options)};
}

} // namespace overwatch
