#include "tests/bench/interrupt.hpp"

#include <time.h>

#include <csignal>
#include <stdexcept>

namespace overwatch::bench {

namespace {

volatile std::sig_atomic_t interrupted = 0;

void note_interrupt(int) { interrupted = 1; }

} // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = note_interrupt; // and no SA_RESTART
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void check_interrupted() {
  if (interrupted != 0)
    throw std::runtime_error{"interrupted"};
}

void pause_until(std::chrono::steady_clock::time_point end) {
  using std::chrono::duration_cast;
  auto since_boot = end.time_since_epoch(); // steady_clock is CLOCK_MONOTONIC
  auto seconds = duration_cast<std::chrono::seconds>(since_boot);
  timespec until{seconds.count(), duration_cast<std::chrono::nanoseconds>(since_boot - seconds).count()};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
  check_interrupted();
}

} // namespace overwatch::bench
