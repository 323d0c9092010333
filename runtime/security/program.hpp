#pragma once

#include "runtime/handlers/system_program.hpp"
#include "runtime/security/scan.hpp"

#include <string>
#include <vector>

namespace overwatch::security {

/// Asks a program of this machine; an exit status that is not 0 is a problem, too. It may use the proxies of the node.
/// Throws scan_stopped when the scan shall stop.
program_answer run_program(const scan& s, std::vector<std::string> argv, milliseconds limit);

} // namespace overwatch::security
