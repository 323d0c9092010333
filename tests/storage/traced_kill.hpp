#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace overwatch::test {

/// Runs the dying writer and kills it (SIGKILL) at its system call number `calls` after it has sent itself SIGUSR1,
/// all its threads counted, their begins and their ends. Returns how many it had made: fewer than `calls` when it came
/// to its end. Nothing where tracing is forbidden. Throws std::runtime_error when the writer failed.
std::optional<uint64_t> run_and_kill_at(const std::vector<std::string>& arguments, uint64_t calls);

/// Never reached: counts the calls of a whole run.
inline constexpr uint64_t whole_run = ~uint64_t{0};

} // namespace overwatch::test
