#pragma once

#include <string>
#include <vector>

namespace overwatch::test {

/// Runs the dying writer, kills it (SIGKILL) as soon as it has said `enough` numbers, and returns the last number
/// that it said before it was dead. Throws std::runtime_error when it ended by itself.
int run_and_kill_writer(const std::vector<std::string>& arguments, int enough = 1);

} // namespace overwatch::test
