#pragma once

#include "runtime/backup/failure.hpp"
#include "runtime/backup/problem_list.hpp"

#include <boost/json.hpp>

namespace overwatch::backup {

/// Puts the newest backups into `result`, and what the repository takes. Returns a sentence.
std::string list_backups(const repository& which, size_t limit, problem_list& problems, boost::json::object& result);

/// Puts what a backup holds into `result`, as far as it matches `paths`. Returns a sentence.
std::string list_entries(const repository& which, const std::string& id, const std::vector<std::string>& paths,
                         size_t limit, const stop_check& stop, boost::json::object& result);

} // namespace overwatch::backup
