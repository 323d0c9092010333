#pragma once

#include <chrono>

namespace overwatch::bench {

/// From now on SIGINT and SIGTERM are noted, and make blocking calls fail.
void catch_interrupts();

/// Throws once one of them came, so that nodes and files are cleaned up on the way out.
void check_interrupted();

/// Waits: for the pace of a measurement. Throws when interrupted.
void pause_until(std::chrono::steady_clock::time_point end);

} // namespace overwatch::bench
