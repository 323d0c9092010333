#include "runtime/security/debsecan.hpp"

#include "runtime/security/lines.hpp"

#include <algorithm>

namespace overwatch::security {

namespace {

constexpr size_t max_vulnerabilities = 100'000;

std::string unquoted(std::string_view text) {
  text = trimmed(text);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front())
    text = text.substr(1, text.size() - 2);
  return std::string{text};
}

bool is_plain_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '+' || c == ':';
  });
}

} // namespace

std::vector<vulnerability> parse_debsecan(std::string_view text) {
  std::vector<vulnerability> result;
  for_each_line(text, [&](std::string_view line) {
    auto words = words_of(line);
    auto named = words.size() >= 2 && (begins_with(words[0], "CVE-") || begins_with(words[0], "TEMP-"));
    if (!named || !is_plain_name(words[0]) || !is_plain_name(words[1]) || result.size() >= max_vulnerabilities)
      return;
    vulnerability one{std::string{words[0]}, std::string{words[1]}};
    auto open = line.find('(');
    auto close = line.rfind(')');
    if (open != std::string_view::npos && close != std::string_view::npos && open < close)
      for (auto note : split(line.substr(open + 1, close - open - 1), ',')) {
        note = trimmed(note);
        one.fixed = one.fixed || note == "fixed";
        one.remote = one.remote || note == "remotely exploitable";
        one.high_urgency = one.high_urgency || note == "high urgency";
        one.obsolete = one.obsolete || note == "obsolete";
      }
    result.push_back(std::move(one));
  });
  return result;
}

std::map<std::string, std::vector<vulnerability>> by_package(const std::vector<vulnerability>& all) {
  std::map<std::string, std::vector<vulnerability>> result;
  for (const auto& one : all)
    result[one.package].push_back(one);
  return result;
}

std::string debian_suite(std::string_view os_release) {
  std::string id, suite;
  for_each_line(os_release, [&](std::string_view line) {
    if (begins_with(line, "ID="))
      id = unquoted(line.substr(3));
    if (begins_with(line, "VERSION_CODENAME="))
      suite = unquoted(line.substr(17));
  });
  return id == "debian" && is_plain_name(suite) ? suite : std::string{};
}

} // namespace overwatch::security
