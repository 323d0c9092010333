#include "runtime/security/sshd_config.hpp"

#include "runtime/security/lines.hpp"

#include <algorithm>
#include <array>

namespace overwatch::security {

namespace {

// `Keyword value`, `Keyword=value`, `Keyword "a value"`.
sshd_line parse_line(std::string_view line) {
  sshd_line result;
  while (!line.empty()) {
    auto first = line.find_first_not_of(" \t\f=");
    if (first == std::string_view::npos || line[first] == '#')
      break;
    line.remove_prefix(first);
    auto quoted = line.front() == '"';
    if (quoted)
      line.remove_prefix(1);
    auto end =
      std::min(quoted ? line.find('"') : line.find_first_of(result.keyword.empty() ? " \t\f=" : " \t\f"), line.size());
    if (result.keyword.empty())
      result.keyword = lower(line.substr(0, end));
    else
      result.arguments.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return result;
}

std::string joined(const std::vector<std::string>& words) {
  std::string result;
  for (const auto& word : words)
    result += (result.empty() ? "" : " ") + word;
  return result;
}

class sshd_reader {
public:
  sshd_reader(const sshd_files& files, sshd_settings& result) : files_{files}, result_{result} {}

  // A Match block ends with its file at the latest.
  void read(const std::string& path, std::string match, size_t depth) {
    std::string text;
    if (depth > sshd_settings::max_depth || result_.files.size() >= max_files) {
      result_.cut = true;
      return;
    }
    if (!files_.read(path, text)) {
      result_.unreadable.push_back(path);
      return;
    }
    result_.files.push_back(path);
    for (auto& line : parse_sshd_config(text)) {
      if (++lines_ > sshd_settings::max_lines) {
        result_.cut = true;
        return;
      }
      if (line.keyword == "match")
        match = lower(joined(line.arguments)) == "all" ? std::string{} : joined(line.arguments);
      else if (line.keyword == "include")
        for (const auto& pattern : line.arguments)
          for (const auto& file : files_.matching(pattern.front() == '/' ? pattern : "/etc/ssh/" + pattern))
            read(file, match, depth + 1);
      else if (!line.arguments.empty())
        result_.values.emplace_back(std::move(line.keyword), sshd_setting{joined(line.arguments), match});
    }
  }

private:
  static constexpr size_t max_files = 1000;

  const sshd_files& files_;
  sshd_settings& result_;
  size_t lines_ = 0;
};

} // namespace

std::vector<sshd_line> parse_sshd_config(std::string_view text) {
  std::vector<sshd_line> result;
  for_each_line(text, [&](std::string_view line) {
    auto one = parse_line(line);
    one.arguments.erase(std::remove(one.arguments.begin(), one.arguments.end(), std::string{}), one.arguments.end());
    if (!one.keyword.empty())
      result.push_back(std::move(one));
  });
  return result;
}

sshd_settings read_sshd_settings(const std::string& path, const sshd_files& files) {
  sshd_settings result;
  sshd_reader{files, result}.read(path, {}, 0);
  return result;
}

std::string sshd_settings::value_of(std::string_view keyword, std::string_view preset) const {
  for (const auto& [name, setting] : values)
    if (name == keyword && setting.match.empty())
      return setting.value;
  return std::string{preset};
}

std::vector<sshd_setting> sshd_settings::all_of(std::string_view keyword, std::string_view preset) const {
  std::vector<sshd_setting> result{{value_of(keyword, preset), {}}};
  for (const auto& [name, setting] : values) {
    if (name != keyword || result.size() >= max_matches)
      continue;
    auto known = [match = setting.match](const sshd_setting& x) { return x.match == match; };
    if (std::none_of(result.begin(), result.end(), known))
      result.push_back(setting);
  }
  return result;
}

std::vector<std::string> weak_algorithms(std::string_view list) {
  static constexpr std::array weak{"3des-cbc",
                                   "blowfish-cbc",
                                   "cast128-cbc",
                                   "arcfour",
                                   "arcfour128",
                                   "arcfour256",
                                   "rijndael-cbc@lysator.liu.se",
                                   "hmac-md5",
                                   "hmac-md5-96",
                                   "hmac-sha1-96",
                                   "hmac-md5-etm@openssh.com",
                                   "hmac-md5-96-etm@openssh.com",
                                   "none",
                                   "hmac-sha1-96-etm@openssh.com",
                                   "diffie-hellman-group1-sha1",
                                   "diffie-hellman-group-exchange-sha1",
                                   "ssh-dss",
                                   "ssh-dss-cert-v01@openssh.com"};
  std::vector<std::string> result;
  list = trimmed(list);
  if (begins_with(list, "-"))
    return result;
  if (begins_with(list, "+") || begins_with(list, "^"))
    list.remove_prefix(1);
  for (auto name : split(list, ','))
    if (std::find(weak.begin(), weak.end(), trimmed(name)) != weak.end())
      result.emplace_back(trimmed(name));
  return result;
}

} // namespace overwatch::security
