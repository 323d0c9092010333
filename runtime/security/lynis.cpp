#include "runtime/security/lynis.hpp"

#include "runtime/security/lines.hpp"

#include <algorithm>

namespace overwatch::security {

namespace {

// lynis writes "-" for nothing.
std::string field(const std::vector<std::string_view>& fields, size_t number) {
  auto text = number < fields.size() ? trimmed(fields[number]) : std::string_view{};
  return text == "-" ? std::string{} : std::string{text};
}

bool is_test_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

} // namespace

std::vector<lynis_remark> parse_lynis_report(std::string_view text) {
  std::vector<lynis_remark> result;
  for_each_line(text, [&](std::string_view line) {
    auto warning = begins_with(line, "warning[]=");
    if ((!warning && !begins_with(line, "suggestion[]=")) || result.size() >= max_remarks)
      return;
    auto fields = split(line.substr(line.find('=') + 1), '|');
    if (is_test_name(fields[0]) && fields.size() > 1)
      result.push_back({warning, std::string{fields[0]}, field(fields, 1), field(fields, 2), field(fields, 3)});
  });
  return result;
}

} // namespace overwatch::security
