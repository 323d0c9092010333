#include "runtime/security/sudoers.hpp"

#include "runtime/security/lines.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace overwatch::security {

namespace {

constexpr size_t max_alias_depth = 10;
constexpr size_t max_alias_members = 1000;

// Joins lines that end in a backslash and drops comments; `#include` and `#includedir` and ids (`#1000`) are none.
std::vector<std::string> logical_lines(std::string_view text) {
  std::vector<std::string> result;
  std::string line;
  for_each_line(text, [&](std::string_view part) {
    auto first = trimmed(part);
    if (line.empty() && (begins_with(first, "#include ") || begins_with(first, "#includedir "))) {
      result.emplace_back("@" + std::string{first.substr(1)});
      return;
    }
    for (size_t at = part.find('#'); at != std::string_view::npos; at = part.find('#', at + 1)) {
      auto hidden = at > 0 && part[at - 1] == '\\';
      auto is_id = at + 1 < part.size() && part[at + 1] >= '0' && part[at + 1] <= '9';
      if (!hidden && !is_id) {
        part = part.substr(0, at);
        break;
      }
    }
    auto goes_on = !part.empty() && part.back() == '\\';
    line += goes_on ? part.substr(0, part.size() - 1) : part;
    if (goes_on)
      return;
    if (!trimmed(line).empty())
      result.emplace_back(trimmed(line));
    line.clear();
  });
  if (!trimmed(line).empty())
    result.emplace_back(trimmed(line));
  return result;
}

// Parts between commas that no backslash hides.
std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> result(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size())
      result.back() += text[++i];
    else if (text[i] == ',')
      result.emplace_back();
    else
      result.back() += text[i];
  }
  for (auto& part : result)
    part = trimmed(part);
  return result;
}

bool is_alias_name(std::string_view text) {
  return !text.empty() && text != "ALL" && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void resolve(const std::string& command, const command_aliases& aliases, size_t depth, std::vector<std::string>& into) {
  auto alias = is_alias_name(command) ? aliases.find(command) : aliases.end();
  if (alias == aliases.end() || depth > max_alias_depth) {
    if (into.size() < max_alias_members)
      into.push_back(command);
    return;
  }
  for (const auto& member : alias->second)
    if (into.size() < max_alias_members)
      resolve(member, aliases, depth + 1, into);
}

// Takes `(user:group)` and options such as `NOPASSWD:` off the front of a command.
void strip_options(std::string_view& text, bool& without_password) {
  for (;;) {
    text = trimmed(text);
    if (begins_with(text, "(")) {
      auto end = text.find(')');
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      continue;
    }
    auto end = std::min(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), text.size());
    auto colon = text.find_first_not_of(" \t", end);
    if (end == 0 || colon == std::string_view::npos || text[colon] != ':')
      return;
    auto option = text.substr(0, end);
    if (option == "NOPASSWD")
      without_password = true;
    if (option == "PASSWD")
      without_password = false;
    text.remove_prefix(colon + 1);
  }
}

void parse_aliases(std::string_view line, command_aliases& aliases) {
  for (auto definition : split(line, ':')) {
    auto equals = definition.find('=');
    if (equals == std::string_view::npos)
      continue;
    auto name = std::string{trimmed(definition.substr(0, equals))};
    if (is_alias_name(name) && aliases.size() < max_alias_members)
      aliases[name] = list_of(definition.substr(equals + 1));
  }
}

// `who hosts = commands`
void parse_grant(const std::string& line, const command_aliases& aliases, sudoers_text& result) {
  auto equals = line.find('=');
  auto words = words_of(std::string_view{line}.substr(0, equals));
  if (equals == std::string::npos || words.size() < 2)
    return;
  bool without_password = false; // holds for the commands that follow, too
  for (const auto& part : list_of(std::string_view{line}.substr(equals + 1))) {
    if (result.grants.size() >= max_grants)
      return;
    std::string_view command = part;
    strip_options(command, without_password);
    std::vector<std::string> resolved;
    resolve(std::string{command}, aliases, 0, resolved);
    for (auto& one : resolved)
      if (!one.empty() && one.front() != '!' && result.grants.size() < max_grants)
        result.grants.push_back({std::string{words[0]}, std::move(one), without_password});
  }
}

} // namespace

sudoers_text parse_sudoers(std::string_view text, command_aliases& aliases) {
  sudoers_text result;
  auto lines = logical_lines(text);
  for (const auto& line : lines)
    if (begins_with(line, "Cmnd_Alias ") || begins_with(line, "Cmnd_Alias\t") || begins_with(line, "Cmd_Alias "))
      parse_aliases(std::string_view{line}.substr(line.find_first_of(" \t")), aliases);
  for (const auto& line : lines) {
    auto words = words_of(line);
    if (begins_with(words[0], "@include")) {
      auto place = std::string{trimmed(std::string_view{line}.substr(words[0].size()))};
      place.erase(std::remove(place.begin(), place.end(), '"'), place.end());
      (words[0] == "@includedir" ? result.include_directories : result.include_files).push_back(place);
    } else if (begins_with(words[0], "Defaults")) {
      for (const auto& setting : list_of(std::string_view{line}.substr(words[0].size())))
        if (setting == "!authenticate")
          result.without_password.push_back(line);
    } else if (!ends_with(words[0], "_Alias")) {
      parse_grant(line, aliases, result);
    }
  }
  return result;
}

bool is_sudoers_name(std::string_view name) {
  return !name.empty() && name.find('.') == std::string_view::npos && name.back() != '~';
}

bool gives_a_shell(std::string_view program) {
  static const std::set<std::string, std::less<>> names{
    "ash",    "awk",     "bash",    "busybox", "capsh",   "chmod",   "chown",   "cp",    "crontab", "csh",
    "dash",   "dd",      "docker",  "ed",      "emacs",   "env",     "find",    "fish",  "ftp",     "gawk",
    "gdb",    "git",     "install", "ionice",  "ksh",     "less",    "ln",      "lua",   "man",     "mawk",
    "more",   "mount",   "mv",      "nano",    "nice",    "nmap",    "node",    "nohup", "nsenter", "perl",
    "php",    "pip",     "pip3",    "podman",  "python",  "python2", "python3", "rsync", "ruby",    "rvim",
    "scp",    "screen",  "sed",     "sh",      "socat",   "ssh",     "strace",  "su",    "tar",     "taskset",
    "tclsh",  "tcpdump", "tee",     "time",    "timeout", "tmux",    "unshare", "vi",    "vim",     "vipw",
    "visudo", "watch",   "wget",    "xargs",   "zsh"};
  return names.count(program.substr(program.rfind('/') + 1)) > 0;
}

} // namespace overwatch::security
