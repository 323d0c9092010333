#pragma once

#include "messages/time.hpp"
#include "runtime/security/scan.hpp"

#include <string>
#include <vector>

namespace overwatch::security {

/// What a program of the system said.
struct program_result {
  std::string error;  ///< why it did not run to a good end; empty: it did
  std::string output; ///< at most `max_output_bytes`
  static constexpr size_t max_output_bytes = 32 * 1024 * 1024;
};

/// The absolute path of a program in the usual directories of this machine; empty: it is not installed.
std::string find_program(const std::string& name);

/// Runs a program to its end, at most `limit`. Throws scan_stopped when the scan shall stop. `argv[0]` is an absolute
/// path.
program_result run_program(const scan& s, std::vector<std::string> argv, milliseconds limit);

} // namespace overwatch::security
