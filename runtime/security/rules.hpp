#pragma once

#include "runtime/security/finding.hpp"

/// The two halves of the catalogue; `rules()` has both.
namespace overwatch::security {

std::vector<rule> rules_of_files();    ///< files, accounts, what is started, packages, content
std::vector<rule> rules_of_services(); ///< ssh, sudo, sockets, the kernel, this node

} // namespace overwatch::security
