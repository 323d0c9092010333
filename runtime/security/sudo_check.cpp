#include "runtime/security/guard.hpp"
#include "runtime/security/lines.hpp"
#include "runtime/security/scan.hpp"
#include "runtime/security/sudoers.hpp"

#include <set>

namespace overwatch::security {

namespace {

constexpr size_t max_files = 1000;

class sudo_reader {
public:
  explicit sudo_reader(scan& s) : s_{s} {}

  void read(const std::string& path) {
    s_.stop_if_told();
    if (seen_.size() >= max_files || !seen_.insert(path).second)
      return;
    auto text = s_.root.read(path);
    if (text.error == ENOENT)
      return;
    if (text.error != 0) {
      s_.found.partly_blind(path, error_sentence(text.error));
      return;
    }
    if (auto weakness = changeable_by_others(s_.root, s_.accounts, path); !weakness.empty())
      s_.found.add("sudo-file-writable", path, weakness);
    auto content = parse_sudoers(text.text, aliases_);
    for (const auto& line : content.without_password)
      s_.found.add("sudo-never-asks", path + ": " + line);
    for (const auto& grant : content.grants)
      judge(path, grant);
    for (const auto& file : content.include_files)
      read(file.front() == '/' ? file : "/etc/" + file);
    for (const auto& directory : content.include_directories)
      for (const auto& name : s_.root.list(directory).names)
        if (is_sudoers_name(name))
          read(directory + "/" + name);
  }

private:
  void judge(const std::string& path, const sudo_grant& grant) {
    if (grant.who == "root")
      return;
    auto where = path + ": " + grant.who + " " + grant.command;
    if (grant.command == "ALL") {
      if (grant.without_password)
        s_.found.add("sudo-everything-without-password", where);
      return;
    }
    auto words = words_of(grant.command);
    if (words.empty() || words[0].front() != '/')
      return;
    if (grant.without_password && gives_a_shell(words[0]))
      s_.found.add("sudo-gives-a-shell", where);
    if (grant.command.find('*') != std::string::npos)
      s_.found.add("sudo-pattern", where);
    if (auto weakness = changeable_by_others(s_.root, s_.accounts, words[0]); !weakness.empty())
      s_.found.add("sudo-program-writable", where, weakness);
  }

  scan& s_;
  std::set<std::string> seen_;
  command_aliases aliases_;
};

} // namespace

void check_sudo(scan& s) {
  auto main = s.root.locate("/etc/sudoers");
  if (main.error == ENOENT)
    return; // no sudo here
  if (auto text = s.root.read("/etc/sudoers"); text.error != 0)
    return s.found.cannot_look("rules of sudo", "/etc/sudoers: " + error_sentence(text.error));
  sudo_reader{s}.read("/etc/sudoers");
}

} // namespace overwatch::security
