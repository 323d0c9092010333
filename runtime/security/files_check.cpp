#include "runtime/security/lines.hpp"
#include "runtime/security/package_lists.hpp"
#include "runtime/security/scan.hpp"
#include "runtime/security/secrets.hpp"
#include "runtime/security/walk.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

namespace overwatch::security {

namespace {

constexpr size_t secret_bytes = 64 * 1024; // of a file that may hold one
constexpr size_t max_candidates = 10'000;  // of each kind, until packages are asked

bool is_system_path(std::string_view path) {
  static constexpr std::array<std::string_view, 9> trees{"/etc",   "/usr",   "/bin",  "/sbin", "/lib",
                                                         "/lib32", "/lib64", "/boot", "/opt"};
  static constexpr std::array<std::string_view, 4> places{"/tmp", "/var/tmp", "/dev/shm", "/"};
  auto top = path.substr(0, path.find('/', 1));
  return std::find(trees.begin(), trees.end(), top) != trees.end() ||
         std::find(places.begin(), places.end(), path) != places.end();
}

// Programs that do for everybody what their owner may do.
bool is_shell_or_tool(std::string_view path) {
  static constexpr std::array<std::string_view, 42> names{
    "ash",    "awk",    "bash",  "busybox", "cat",  "chmod", "chown", "cp",   "csh",     "dash",    "dd",
    "docker", "ed",     "emacs", "env",     "find", "fish",  "gawk",  "gdb",  "head",    "install", "ksh",
    "less",   "ln",     "mawk",  "more",    "mv",   "nano",  "nmap",  "node", "openssl", "rsync",   "sed",
    "sh",     "strace", "tail",  "tar",     "tcsh", "tee",   "vi",    "vim",  "zsh"};
  auto name = path.substr(path.rfind('/') + 1);
  for (auto front : {"python", "perl", "ruby", "php", "lua"})
    if (begins_with(name, front))
      return true;
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string mode_text(const scan& s, const struct stat& status) {
  char mode[8];
  std::snprintf(mode, sizeof(mode), "%04o", static_cast<unsigned>(status.st_mode & 07777));
  return std::string{"mode "} + mode + ", owner " + s.accounts.user_name(status.st_uid) + ":" +
         s.accounts.group_name(status.st_gid);
}

/// What is known only once packages were asked.
struct candidate {
  const char* rule;
  severity level;
  std::string detail;
};

class file_judge {
public:
  explicit file_judge(scan& s) : s_{s} {}

  void look(const walk_entry& entry) {
    if (!entry.reachable) // as the trees of containers, whose accounts are not those of the machine
      return;
    judge_owner(entry);
    if (S_ISLNK(entry.status.st_mode))
      return;
    judge_writable(entry);
    if (!S_ISREG(entry.status.st_mode))
      return;
    if ((entry.status.st_mode & (S_ISUID | S_ISGID)) != 0)
      judge_set_id(entry);
    if ((entry.status.st_mode & S_IROTH) != 0)
      judge_secret(entry);
  }

  // What belongs to a package is as Debian ships it: everybody can read it there.
  void finish() {
    std::unordered_set<std::string> paths;
    for (const auto& one : candidates_)
      paths.insert(one.first);
    if (!paths.empty() && !strike_packaged(s_.root, paths, [this] { s_.stop_if_told(); })) {
      s_.found.partly_blind("to which packages set-uid and set-gid files belong", "there is no database of dpkg");
      return add_secrets();
    }
    strike_nested(paths);
    for (const auto& [path, one] : candidates_)
      if (paths.count(path) > 0)
        s_.found.add_at(one.level, one.rule, path, one.detail);
    if (candidates_.size() >= max_candidates)
      s_.found.partly_blind("more than " + std::to_string(max_candidates) + " set-uid files and secrets", "too many");
  }

private:
  // A chroot has packages of its own.
  void strike_nested(std::unordered_set<std::string>& paths) {
    std::map<std::string, std::unordered_set<std::string>> by_system;
    for (const auto& path : paths)
      for (auto end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1))
        if (auto system = path.substr(0, end); s_.root.exists(system + "/var/lib/dpkg/info")) {
          by_system[system].insert(path);
          break;
        }
    for (auto& [system, theirs] : by_system) {
      for (const auto& path : theirs)
        paths.erase(path);
      strike_packaged(
        s_.root, theirs, [this] { s_.stop_if_told(); }, system);
      paths.insert(theirs.begin(), theirs.end());
    }
  }

  void add_secrets() {
    for (const auto& [path, one] : candidates_)
      if (!begins_with(one.rule, "set-"))
        s_.found.add_at(one.level, one.rule, path, one.detail);
  }

  void add_candidate(const walk_entry& entry, const char* rule, severity level, std::string detail) {
    if (candidates_.size() < max_candidates)
      candidates_.emplace(entry.path, candidate{rule, level, std::move(detail)});
  }

  // Of a whole tree without an owner only the top is told.
  void judge_owner(const walk_entry& entry) {
    const auto& status = entry.status;
    auto user = entry.parent.st_uid != status.st_uid && !s_.accounts.knows_user(status.st_uid);
    auto group = entry.parent.st_gid != status.st_gid && !s_.accounts.knows_group(status.st_gid);
    if (user)
      s_.found.add("unowned-file", entry.path, "no account has the uid " + std::to_string(status.st_uid));
    else if (group)
      s_.found.add("unowned-file", entry.path, "no group has the gid " + std::to_string(status.st_gid));
  }

  static bool open_to_all(const struct stat& status) {
    return (status.st_mode & S_IWOTH) != 0 && !(S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0);
  }

  // What lies in a directory that everybody may change is not told again.
  void judge_writable(const walk_entry& entry) {
    const auto& status = entry.status;
    auto is_directory = S_ISDIR(status.st_mode);
    if (!(is_directory || S_ISREG(status.st_mode)) || !open_to_all(status) || open_to_all(entry.parent))
      return;
    auto* rule = is_directory ? "world-writable-directory" : "world-writable-file";
    s_.found.add_at(is_system_path(entry.path) ? severity::high : severity::medium, rule, entry.path,
                    mode_text(s_, status));
  }

  void judge_set_id(const walk_entry& entry) {
    const auto& status = entry.status;
    auto user = (status.st_mode & S_ISUID) != 0;
    if ((status.st_mode & 0111) == 0 || (!user && (status.st_mode & S_IXGRP) == 0))
      return; // it cannot be run
    if (user && is_shell_or_tool(entry.path))
      s_.found.add("set-uid-tool", entry.path, mode_text(s_, status));
    else
      add_candidate(entry, user ? "set-uid-unpackaged" : "set-gid-unpackaged", rule_level(user), mode_text(s_, status));
  }

  static severity rule_level(bool user) { return rule_named(user ? "set-uid-unpackaged" : "set-gid-unpackaged").level; }

  void judge_secret(const walk_entry& entry) {
    auto kind = secret_kind_of(entry.path);
    if (!kind || entry.status.st_size == 0)
      return;
    auto text = read_at(entry.directory, entry.name, secret_bytes).text;
    if (!has_secret(*kind, entry.path, text))
      return;
    if (is_test_material(entry.path)) {
      ++s_.counters.keys_in_tests;
      return;
    }
    auto encrypted = *kind == secret_kind::private_key && is_encrypted_key(text);
    const auto* rule = *kind == secret_kind::password_hashes ? "password-hashes-readable"
                       : *kind == secret_kind::private_key   ? "private-key-readable"
                                                             : "secret-readable";
    add_candidate(entry, rule, encrypted ? severity::medium : rule_named(rule).level,
                  mode_text(s_, entry.status) + (encrypted ? "; it needs a passphrase" : ""));
  }

  scan& s_;
  std::map<std::string, candidate> candidates_;
};

void report_unseen(scan& s, const walk_result& walked) {
  if (walked.unreadable > 0) {
    std::string examples;
    for (const auto& path : walked.unreadable_examples)
      examples += (examples.empty() ? "" : ", ") + path;
    s.found.partly_blind(std::to_string(walked.unreadable) + " directories, such as " + examples,
                         error_sentence(EACCES));
  }
  if (walked.too_deep > 0)
    s.found.partly_blind(std::to_string(walked.too_deep) + " directories",
                         "they are nested deeper than " + std::to_string(walk_result::max_depth));
}

} // namespace

void check_files(scan& s) {
  walk_options options;
  options.paths = s.options.paths.empty() ? usual_paths(s.root) : s.options.paths;
  options.exclude = s.options.exclude;
  options.cross = s.options.cross_file_systems;
  find_mounts(s.root, options);
  auto expected = static_cast<double>(estimated_entries(s.root, options.paths));
  file_judge judge{s};
  auto walked = walk(
    s.root, options, [&](const walk_entry& entry) { judge.look(entry); },
    [&](const walk_result& so_far) {
      s.stop_if_told();
      auto seen = static_cast<double>(so_far.files + so_far.directories);
      // Never full before the end: an estimate may be too low.
      s.control.progress(100 * std::min(0.99, expected > 0 ? seen / expected : seen / (seen + 500'000)),
                         std::to_string(so_far.files + so_far.directories) + " files");
    });
  s.counters.files += walked.files;
  s.counters.directories += walked.directories;
  report_unseen(s, walked);
  judge.finish();
}

} // namespace overwatch::security
