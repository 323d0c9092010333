#include "runtime/cli/arguments.hpp"

#include "messages/task.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/text.hpp"

#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <istream>

namespace overwatch::cli {

namespace {

std::string names_of_priorities() {
  std::string result;
  for (size_t i = 0; i < priority_names.size(); ++i)
    result += (i == 0 ? "" : ", ") + std::string{priority_names[i]} + " (" + std::to_string(i) + ")";
  return result;
}

std::string read_limited(std::istream& in, const char* flag, size_t limit) {
  constexpr size_t piece = 64 * 1024;
  std::array<char, piece> buffer{};
  std::string result;
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0) {
    result.append(buffer.data(), static_cast<size_t>(in.gcount()));
    if (result.size() > limit)
      throw usage_failure(std::string{flag} + ": more than " + format_bytes(static_cast<double>(limit)));
  }
  return result;
}

} // namespace

command_failure usage_failure(const std::string& message) { return {exit_code::usage, message}; }

double seconds_of(const std::string& text, const char* flag) {
  const auto duration = parse_duration(text);
  if (!duration)
    throw usage_failure(std::string{flag} + ": '" + printable(text) +
                        "' is no duration such as 500ms, 30s, 5m or 1h30m");
  return static_cast<double>(duration->count()) / 1000;
}

std::string time_text(const std::string& text, const char* flag) {
  auto time = parse_time(text, now());
  if (!time)
    throw usage_failure(std::string{flag} + ": '" + printable(text) +
                        "' is no time such as 2026-11-22T08:00:00Z, and no delay such as +5m");
  return std::move(*time);
}

boost::json::value priority_value(const std::string& text) {
  if (const auto named = parse_name<priority>(priority_names, text))
    return boost::json::value(std::string{name_of(*named)});
  if (text.size() == 1 && text[0] >= '0' && static_cast<size_t>(text[0] - '0') < priority_names.size())
    return boost::json::value(std::string{priority_names[static_cast<size_t>(text[0] - '0')]});
  throw usage_failure("--priority: '" + printable(text) + "' is none of " + names_of_priorities());
}

std::string completable_priorities() {
  std::string result;
  for (const auto name : priority_names)
    result += (result.empty() ? "{" : ",") + std::string{name};
  return result + "}";
}

std::pair<std::string, std::string> split_setting(const std::string& text, const char* flag, const char* form) {
  const auto equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw usage_failure(std::string{flag} + ": '" + printable(text) + "' is not " + form);
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::string read_source(const std::string& file, const char* flag, size_t limit, std::istream& standard_input) {
  if (file == "-")
    return read_limited(standard_input, flag, limit);
  std::ifstream in{file, std::ios::binary};
  // A directory opens, and fails at the first read.
  if (!in || (in.peek() == std::ifstream::traits_type::eof() && in.bad()))
    throw usage_failure(std::string{flag} + ": the file '" + printable(file) + "' cannot be read");
  in.clear();
  return read_limited(in, flag, limit);
}

std::string text_argument(const std::string& argument, const char* flag, size_t limit, std::istream& standard_input) {
  if (argument == "-")
    return read_source(argument, flag, limit, standard_input);
  if (argument.empty() || argument.front() != '@')
    return argument;
  return read_source(argument.substr(1), flag, limit, standard_input);
}

boost::json::object object_argument(const std::string& text, const char* flag, const std::string& expected) {
  auto content = parse_json(text);
  if (!content || !content->is_object())
    throw usage_failure(std::string{flag} + ": a JSON object is expected" + expected);
  return std::move(content->get_object());
}

boost::json::array to_array(const std::vector<std::string>& texts) {
  boost::json::array result;
  for (const auto& text : texts)
    result.emplace_back(text);
  return result;
}

} // namespace overwatch::cli
