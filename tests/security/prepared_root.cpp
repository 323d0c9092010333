#include "tests/security/prepared_root.hpp"

#include "runtime/handlers/json_text.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace overwatch::security {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

const char* const kernel_values[][2] = {
  {"kernel/randomize_va_space", "2"},
  {"kernel/kptr_restrict", "1"},
  {"kernel/dmesg_restrict", "1"},
  {"kernel/unprivileged_bpf_disabled", "2"},
  {"kernel/yama/ptrace_scope", "1"},
  {"kernel/core_pattern", "core"},
  {"fs/protected_hardlinks", "1"},
  {"fs/protected_symlinks", "1"},
  {"fs/suid_dumpable", "0"},
  {"net/ipv4/tcp_syncookies", "1"},
  {"net/ipv4/conf/all/accept_source_route", "0"},
  {"net/ipv4/conf/all/accept_redirects", "0"},
  {"net/ipv4/icmp_echo_ignore_broadcasts", "1"},
  {"net/ipv4/ip_local_port_range", "32768\t60999"},
  {"vm/mmap_min_addr", "65536"},
};

std::string text_of_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

} // namespace

const std::string private_key = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n";

prepared_root::prepared_root() {
  std::string name = (fs::temp_directory_path() / "overwatch-security-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error{"no temporary directory"};
  base_ = name;
  path_ = base_ + "/tree";
  ::umask(022);
  config.security.directory = base_ + "/kept";
  directory("/");
  auto me = std::to_string(::getuid());
  auto my_group = std::to_string(::getgid());
  write("/etc/passwd", "root:x:0:0:root:/:/bin/bash\n"
                       "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
                       "ann:x:1001:1001:Ann:/home/ann:/bin/bash\n"
                       "bob:x:1002:1002:Bob:/home/bob:/bin/bash\n" +
                         (::getuid() == 0 ? "" : "owner:x:" + me + ":" + my_group + "::/:/usr/sbin/nologin\n"));
  write("/etc/group", "root:x:0:\ndaemon:x:1:\nstaff:x:50:\nann:x:1001:\nbob:x:1002:\n" +
                        (::getgid() == 0 ? std::string{} : "owner:x:" + my_group + ":\n"));
  write("/etc/shadow",
        "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n"
        "ann:$y$j9T$abc$def:60000:0:99999:7:::\nbob:!:60000:0:99999:7:::\n",
        0640);
  write("/var/log/lastlog", "");
  write("/etc/os-release", "ID=debian\nVERSION_CODENAME=bookworm\n");
  write("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication no\nUsePAM yes\n");
  write("/etc/ssh/sshd_config.d/site.conf", "PermitRootLogin no\n");
  write("/etc/ssh/ssh_host_ed25519_key", private_key, 0600);
  write("/etc/sudoers",
        "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n", 0440);
  directory("/etc/sudoers.d");
  write("/etc/crontab",
        "SHELL=/bin/sh\n17 * * * * root cd / && run-parts --report /etc/cron.hourly > /var/log/cron.log\n");
  write("/etc/cron.daily/tidy", "#!/bin/sh\n", 0755);
  write("/lib/systemd/system/site.service", "[Service]\nExecStart=/usr/bin/site --serve\n");
  write("/usr/bin/site", "#!/bin/sh\n", 0755);
  directory("/tmp", 01777);
  for (const auto& value : kernel_values)
    write(std::string{"/proc/sys/"} + value[0], std::string{value[1]} + "\n");
  write("/proc/net/tcp",
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
  directory("/var/lib/dpkg/info");
  install("/usr/bin/su", "a program", 04755);
}

prepared_root::~prepared_root() {
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator{base_, ignored})
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored))
      ::chmod(entry.path().c_str(), 0700);
  fs::remove_all(base_, ignored);
}

void prepared_root::write(const std::string& path, const std::string& text, mode_t mode) {
  auto full = path_ + path;
  fs::create_directories(fs::path{full}.parent_path());
  std::ofstream{full, std::ios::binary} << text;
  ASSERT_EQ(::chmod(full.c_str(), mode), 0) << path;
}

void prepared_root::append(const std::string& path, const std::string& text) {
  struct stat status {};
  auto full = path_ + path;
  ASSERT_EQ(::stat(full.c_str(), &status), 0) << path;
  ::chmod(full.c_str(), 0600);
  std::ofstream{full, std::ios::binary | std::ios::app} << text;
  ::chmod(full.c_str(), status.st_mode & 07777);
}

void prepared_root::directory(const std::string& path, mode_t mode) {
  fs::create_directories(path_ + path);
  ASSERT_EQ(::chmod((path_ + path).c_str(), mode), 0) << path;
}

void prepared_root::link(const std::string& path, const std::string& target) {
  fs::create_directories(fs::path{path_ + path}.parent_path());
  ASSERT_EQ(::symlink(target.c_str(), (path_ + path).c_str()), 0) << path;
}

void prepared_root::mode(const std::string& path, mode_t mode) {
  ASSERT_EQ(::chmod((path_ + path).c_str(), mode), 0) << path;
}

void prepared_root::remove(const std::string& path) { fs::remove_all(path_ + path); }

void prepared_root::install(const std::string& path, const std::string& text, mode_t mode) {
  write(path, text, mode);
  std::ofstream{path_ + "/var/lib/dpkg/info/site.list", std::ios::app} << path << '\n';
}

std::set<std::string> scanned::ids() const {
  std::set<std::string> result;
  for (const auto& [id, level] : levels())
    result.insert(id);
  return result;
}

std::map<std::string, std::string> scanned::levels() const {
  std::map<std::string, std::string> result;
  if (const auto* findings = report.if_contains("findings"))
    for (const auto& one : findings->as_array())
      result.emplace(one.at("id").as_string(), one.at("severity").as_string());
  return result;
}

std::vector<std::string> scanned::blind() const {
  std::vector<std::string> result;
  if (const auto* spots = this->result.if_contains("not_looked_at"))
    for (const auto& one : spots->as_array())
      result.push_back(std::string{one.at("what").as_string()} + ": " + std::string{one.at("why").as_string()});
  return result;
}

scanned scan_tree(const prepared_root& root, json::object payload, std::shared_ptr<node_services> node) {
  if (!payload.contains("root"))
    payload["root"] = root.path();
  if (!payload.contains("checks"))
    payload["checks"] = {"accounts", "sshd", "sudo", "kernel", "sockets", "startup", "node", "files"};
  auto spec = std::make_shared<task_spec>();
  spec->id = task_id_generator{1}.next(now(), 0);
  attempt_context ctx{spec,
                      std::make_shared<const std::string>(json::serialize(payload)),
                      fencing_token{1, 1},
                      std::make_shared<cancellation>(),
                      std::make_shared<attempt_report>(),
                      {},
                      std::move(node)};
  scanned result{run_security_scan(ctx, root.config), {}, {}};
  if (result.ended.kind == violation::none) {
    result.result = json::parse(result.ended.result).as_object();
    result.report = json::parse(text_of_file(std::string{result.result.at("report").as_string()})).as_object();
  }
  return result;
}

} // namespace overwatch::security
