#include "tests/bench/interrupt.hpp"

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

} // namespace overwatch::bench
