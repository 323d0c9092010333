#pragma once

#include "runtime/backup/prune.hpp"
#include "runtime/backup/restore.hpp"
#include "runtime/backup/verify.hpp"

#include <boost/json.hpp>

#include <string>

/// What the operations did, as JSON for programs and as a sentence for people.
namespace overwatch::backup {

/// A path as JSON can hold it: bytes that are no UTF-8 are replaced.
std::string printable_path(const std::string& path);

/// "12.5 MB".
std::string size_text(uint64_t bytes);

boost::json::object to_json(const problem_list& x);
boost::json::object to_json(const prune_result& x);

void add(boost::json::object& result, const manifest& x);
void add(boost::json::object& result, const verify_counts& x);
void add(boost::json::object& result, const restore_counts& x);

std::string summary_of(const manifest& x);
std::string summary_of(const verify_counts& x);
std::string summary_of(const restore_counts& x, const problem_list& problems);
std::string summary_of(const prune_result& x, bool dry_run);

} // namespace overwatch::backup
