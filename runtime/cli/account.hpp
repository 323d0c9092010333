#pragma once

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <string>

/// Who does something and why, for changes that people answer for.
namespace overwatch::cli {

struct account {
  std::string reason;
  std::string by; ///< empty: whoever runs this program
};

void add_account_options(CLI::App* command, account& place, bool reason_needed);

/// A body with `by`, and `reason` when there is one.
boost::json::object body_of(const account& who);

} // namespace overwatch::cli
