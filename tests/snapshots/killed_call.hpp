#pragma once

#include <cstdint>
#include <functional>
#include <optional>

namespace overwatch::test {

/// Runs `body` in a child process and kills it (SIGKILL) before its system call number `calls`, counted from 1. Returns
/// how many calls it had made: fewer than `calls` when it came to its end. Nothing where tracing is forbidden.
std::optional<uint64_t> run_and_kill(const std::function<void()>& body, uint64_t calls);

/// Never reached: counts the calls of a whole run.
inline constexpr uint64_t whole_run = ~uint64_t{0};

} // namespace overwatch::test
