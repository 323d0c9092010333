#pragma once

#include "messages/time.hpp"

#include <map>
#include <string>
#include <vector>

namespace overwatch {

/// How a program of the system that was asked for something ended.
struct program_answer {
  std::string problem;  ///< empty, or why there is no answer: it could not be started, was stopped or took too long
  bool missing = false; ///< there is no such program
  int exit_status = 0;
  std::string output;
  std::string errors;

  /// What it said of its failure, for a sentence: its last line.
  std::string complaint() const;
};

/// Of each of the two streams; what is more is not kept.
inline constexpr size_t max_program_output = 32 * 1024 * 1024;

/// The path of an installed program: of this name in the usual directories of a system, or at an absolute path. Empty
/// when there is none.
std::string find_system_program(const std::string& name);

/// Runs a program to its end, at most `limit`; blocks. `argv[0]` is looked up in the usual directories. It speaks
/// English and gets no environment but what is given. Ended early when `stop_fd` (-1: none) becomes readable.
program_answer ask_program(int stop_fd, std::vector<std::string> argv, milliseconds limit,
                           std::map<std::string, std::string> environment = {});

} // namespace overwatch
