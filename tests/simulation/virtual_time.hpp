#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <vector>

namespace overwatch::simulation {

using milliseconds = std::chrono::milliseconds;

/// The chance of a simulation. The same seed gives the same numbers everywhere.
class chance {
public:
  explicit chance(uint64_t seed) : engine_{seed} {}

  uint64_t number(uint64_t first, uint64_t last) { return first + engine_() % (last - first + 1); }
  bool one_in(uint64_t n) { return engine_() % n == 0; }
  milliseconds between(milliseconds first, milliseconds last) {
    return milliseconds{static_cast<int64_t>(number(0, static_cast<uint64_t>((last - first).count())))} + first;
  }

private:
  std::mt19937_64 engine_;
};

/// The time of a simulated world, and what happens in it. Nothing happens but in `run_until`, in the order of times;
/// of one time, in the order in which it was planned.
class virtual_time {
public:
  milliseconds now() const { return now_; }

  void at(milliseconds time, std::function<void()> what) {
    events_.push({std::max(time, now_), ++planned_, std::move(what)});
  }
  void after(milliseconds delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  void run_until(milliseconds time) {
    while (!events_.empty() && events_.top().time <= time) {
      auto next = events_.top();
      events_.pop();
      now_ = next.time;
      ++happened_;
      next.what();
    }
    now_ = time;
  }

  uint64_t happened() const { return happened_; }

private:
  struct event {
    milliseconds time;
    uint64_t order;
    std::function<void()> what;
    bool operator<(const event& other) const { // the largest is the next
      return time != other.time ? time > other.time : order > other.order;
    }
  };

  milliseconds now_{0};
  uint64_t planned_ = 0;
  uint64_t happened_ = 0;
  std::priority_queue<event> events_;
};

/// The clock of one node: it drifts, and jumps.
class node_clock {
public:
  milliseconds read(milliseconds now) const {
    return offset_ + milliseconds{(now - since_).count() * rate_percent_ / 100};
  }

  /// When it will show `reading`, if nothing happens to it.
  milliseconds when(milliseconds reading, milliseconds now) const {
    auto missing = (reading - read(now)).count();
    return missing <= 0 ? now : now + milliseconds{missing * 100 / rate_percent_ + 1};
  }

  void set_rate(int percent, milliseconds now) {
    offset_ = read(now);
    since_ = now;
    rate_percent_ = percent;
  }
  void jump(milliseconds by) { offset_ += by; }

private:
  milliseconds offset_{1000};
  milliseconds since_{0};
  int rate_percent_ = 100;
};

} // namespace overwatch::simulation
