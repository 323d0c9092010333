#pragma once

#include "actors/handler.hpp"
#include "messages/time.hpp"

#include <string>
#include <vector>

namespace overwatch::maintenance {

/// How a program that was asked for something ended.
struct program_answer {
  std::string problem;  ///< empty, or why there is no answer: it could not be started, was stopped or took too long
  bool missing = false; ///< there is no such program
  int exit_status = 0;
  std::string output;
  std::string errors;

  /// The first line of what it said of an error, for a sentence.
  std::string complaint() const;
};

/// Of each of the two streams; what is more is not kept.
inline constexpr size_t max_program_output = 8 * 1024 * 1024;

/// Runs a program to its end, at most `limit`. It is looked up in the usual directories, speaks English, and is ended
/// when the attempt shall stop.
program_answer ask_program(const attempt_context& attempt, std::vector<std::string> argv, milliseconds limit);

/// The path of an installed program; empty when there is none of this name.
std::string find_program(const std::string& name);

} // namespace overwatch::maintenance
