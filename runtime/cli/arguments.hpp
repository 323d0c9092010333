#pragma once

#include "runtime/cli/console.hpp"

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What several commands read from their command lines. What cannot be read throws `command_failure` with `usage`, a
/// sentence that begins with the flag, and the way out.
namespace overwatch::cli {

command_failure usage_failure(const std::string& message);

/// `500ms`, `30s`, `5m`, `1h30m` in seconds.
double seconds_of(const std::string& text, const char* flag);

/// A time for the API: `+5m` counts from now, other forms are the node's to judge.
std::string time_text(const std::string& text, const char* flag);

/// A priority by its name or number, as the API names it.
boost::json::value priority_value(const std::string& text);

/// The priorities in the form that shell completion reads.
std::string completable_priorities();

/// Names of an enumeration for `CLI::IsMember`.
template <class Names>
std::vector<std::string> texts_of(const Names& names) {
  return {names.begin(), names.end()};
}

/// `KEY=VALUE` in two at the last `=`: keys may have one.
std::pair<std::string, std::string> split_setting(const std::string& text, const char* flag, const char* form);

/// All of a file, or of `standard_input` when `file` is `-`; at most `limit` bytes.
std::string read_source(const std::string& file, const char* flag, size_t limit, std::istream& standard_input);

/// The argument itself, or what `@FILE` or `-` (standard input) name.
std::string text_argument(const std::string& argument, const char* flag, size_t limit, std::istream& standard_input);

/// `text` as a JSON object; `expected` completes the sentence that refuses anything else.
boost::json::object object_argument(const std::string& text, const char* flag, const std::string& expected);

boost::json::array to_array(const std::vector<std::string>& texts);

} // namespace overwatch::cli
