#include "messages/client/remote_attempt.hpp"

namespace overwatch {

bool remote_attempt::stopping() const { return reason().has_value(); }

std::optional<stop_reason> remote_attempt::reason() const {
  std::lock_guard lock{mutex_};
  return stop_;
}

bool remote_attempt::wait_for(milliseconds duration) const {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, duration, [this] { return stop_.has_value(); });
}

void remote_attempt::progress(double percent, std::string message) {
  std::lock_guard lock{mutex_};
  percent_ = percent;
  message_ = std::move(message);
}

void remote_attempt::log(log_level level, std::string message, std::string data) {
  log_entry line;
  line.time = now();
  line.level = level;
  line.message = std::move(message);
  line.data = std::move(data);
  std::lock_guard lock{mutex_};
  if (lines_.size() == worker_limits::lines)
    lines_.erase(lines_.begin());
  lines_.push_back(std::move(line));
}

attempt_beat remote_attempt::take_beat() {
  attempt_beat beat;
  beat.id = task().id;
  beat.fence = fence();
  std::lock_guard lock{mutex_};
  beat.percent = std::exchange(percent_, std::nullopt);
  beat.message = std::exchange(message_, {});
  beat.lines = std::exchange(lines_, {});
  return beat;
}

void remote_attempt::stop(stop_reason why) {
  {
    std::lock_guard lock{mutex_};
    if (stop_)
      return;
    stop_ = why;
  }
  changed_.notify_all();
}

} // namespace overwatch
