#include "runtime/security/finding.hpp"
#include "tests/security/certificates.hpp"
#include "tests/security/prepared_root.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <cstring>
#include <functional>

namespace overwatch::security {

using testing::ElementsAre;
using testing::IsEmpty;

namespace {

/// One weakness that is put into a clean tree.
struct plant {
  const char* id; ///< of the finding that must come of it, and no other
  std::function<void(prepared_root&)> put;
};

std::string socket_line(const std::string& address, int inode) {
  return "   0: " + address + " 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 " +
         std::to_string(inode) + " 1 0000000000000000 100 0 0 10 0\n";
}

std::function<void(prepared_root&)> kernel(const char* path, const char* value) {
  return [=](prepared_root& x) { x.write(std::string{"/proc/sys/"} + path, value); };
}

std::function<void(prepared_root&)> sshd(const char* line) {
  return [=](prepared_root& x) { x.append("/etc/ssh/sshd_config.d/site.conf", std::string{line} + "\n"); };
}

std::function<void(prepared_root&)> account(const char* passwd, const char* shadow) {
  return [=](prepared_root& x) {
    x.append("/etc/passwd", std::string{passwd} + "\n");
    if (*shadow != '\0')
      x.append("/etc/shadow", std::string{shadow} + "\n");
  };
}

std::function<void(prepared_root&)> sudo(const char* line) {
  return [=](prepared_root& x) {
    x.write("/usr/bin/site-tool", "#!/bin/sh\n", 0755);
    x.write("/etc/sudoers.d/site", std::string{line} + "\n", 0440);
  };
}

std::function<void(prepared_root&)> listens(const char* address) {
  return [=](prepared_root& x) { x.append("/proc/net/tcp", socket_line(address, 77)); };
}

void add_lastlog(prepared_root& x, uint32_t uid, int32_t seconds) {
  std::string log(292ULL * (uid + 1), '\0');
  std::memcpy(log.data() + 292ULL * uid, &seconds, sizeof(seconds));
  x.write("/var/log/lastlog", log);
}

void add_certificate(prepared_root& x, int days) {
  x.config.security.certificates = {"/etc/site.crt"};
  x.write("/etc/site.crt", certificate_pem("site", days));
}

const std::vector<plant>& plants_in_files() {
  static const std::vector<plant> all{
    {"world-writable-file:/srv/open", [](auto& x) { x.write("/srv/open", "x", 0666); }},
    {"world-writable-file:/etc/open", [](auto& x) { x.write("/etc/open", "x", 0646); }},
    {"world-writable-directory:/srv/drop",
     [](auto& x) { x.directory("/srv/drop", 0777), x.write("/srv/drop/in", "x", 0666); }},
    {"set-uid-unpackaged:/usr/local/bin/helper", [](auto& x) { x.write("/usr/local/bin/helper", "x", 04755); }},
    {"set-gid-unpackaged:/usr/local/bin/helper", [](auto& x) { x.write("/usr/local/bin/helper", "x", 02755); }},
    {"set-uid-tool:/usr/bin/python3.11", [](auto& x) { x.install("/usr/bin/python3.11", "x", 04755); }},
    {"private-key-readable:/etc/ssh/ssh_host_rsa_key",
     [](auto& x) { x.write("/etc/ssh/ssh_host_rsa_key", private_key); }},
    {"private-key-readable:/srv/site.pem", [](auto& x) { x.write("/srv/site.pem", "cert\n" + private_key); }},
    {"secret-readable:/srv/app/.env", [](auto& x) { x.write("/srv/app/.env", "DEBUG=1\nDB_PASSWORD=hunter22\n"); }},
    {"secret-readable:/home/ann/.pgpass", [](auto& x) { x.write("/home/ann/.pgpass", "*:*:*:ann:hunter22\n"); }},
    {"password-hashes-readable:/etc/shadow-", [](auto& x) { x.write("/etc/shadow-", "ann:$6$x:1:0:9:7:::\n"); }},
    {"account-without-password:eve", account("eve:x:1003:1003::/home/eve:/bin/sh", "eve::60000:0:99999:7:::")},
    {"account-without-password:eve2", account("eve2::1003:1003::/home/eve:/bin/sh", "")},
    {"second-root:toor", account("toor:x:0:0::/:/bin/sh", "toor:!:60000:0:99999:7:::")},
    {"password-in-passwd:eve", account("eve:abJnggxhB/yWI:1003:1003::/home/eve:/bin/sh", "")},
    {"weak-password-hash:eve", account("eve:x:1003:1003::/home/eve:/bin/sh", "eve:$1$ab$cd:60000:0:99999:7:::")},
    {"stale-account:bob", [](auto& x) { add_lastlog(x, 1002, 1'500'000'000); }},
    {"stale-account:eve", account("eve:x:1003:1003::/home/eve:/bin/sh", "eve:$y$x:15000:0:99999:7:::")},
    {"account-file-writable:/etc/group",
     [](auto& x) { x.write("/etc/gshadow", "", 0640), x.mode("/etc/group", 0666); }},
    {"authorized-keys-writable:/home/ann/.ssh/authorized_keys",
     [](auto& x) { x.write("/home/ann/.ssh/authorized_keys", "", 0622); }},
    {"cron-file-writable:/etc/cron.daily/tidy", [](auto& x) { x.mode("/etc/cron.daily/tidy", 0757); }},
    {"cron-program-writable:/etc/cron.d/site: /opt/site/run",
     [](auto& x) {
       x.write("/opt/site/run", "x", 0757);
       x.write("/etc/cron.d/site", "*/5 * * * * root test -x /opt/site/run && /opt/site/run >/dev/null\n");
     }},
    {"unit-file-writable:/etc/systemd/system/a.service",
     [](auto& x) { x.write("/etc/systemd/system/a.service", "[Unit]\n", 0666); }},
    {"unit-program-writable:/etc/systemd/system/a.service: /srv/a/run",
     [](auto& x) {
       x.write("/srv/a/run", "x", 0755);
       x.mode("/srv/a", 0777);
       x.write("/etc/systemd/system/a.service",
               "[Service]\nExecStartPre=-/bin/true\nExecStart=/srv/a/run \\\n --serve\n");
     }},
    {"certificate-expired:/etc/site.crt", [](auto& x) { add_certificate(x, -1); }},
    {"certificate-ends-soon:/etc/site.crt", [](auto& x) { add_certificate(x, 20); }},
  };
  return all;
}

const std::vector<plant>& plants_in_services() {
  static const std::vector<plant> all{
    {"kernel-address-randomization:kernel.randomize_va_space", kernel("kernel/randomize_va_space", "0\n")},
    {"kernel-addresses-shown:kernel.kptr_restrict", kernel("kernel/kptr_restrict", "0\n")},
    {"kernel-log-shown:kernel.dmesg_restrict", kernel("kernel/dmesg_restrict", "0\n")},
    {"kernel-bpf-for-all:kernel.unprivileged_bpf_disabled", kernel("kernel/unprivileged_bpf_disabled", "0\n")},
    {"kernel-ptrace:kernel.yama.ptrace_scope", kernel("kernel/yama/ptrace_scope", "0\n")},
    {"kernel-links-unprotected:fs.protected_symlinks", kernel("fs/protected_symlinks", "0\n")},
    {"kernel-set-uid-dumps:fs.suid_dumpable", kernel("fs/suid_dumpable", "1\n")},
    {"kernel-syn-floods:net.ipv4.tcp_syncookies", kernel("net/ipv4/tcp_syncookies", "0\n")},
    {"kernel-source-route:net.ipv4.conf.all.accept_source_route",
     kernel("net/ipv4/conf/all/accept_source_route", "1\n")},
    {"kernel-redirects:net.ipv4.conf.all.accept_redirects", kernel("net/ipv4/conf/all/accept_redirects", "1\n")},
    {"kernel-broadcast-pings:net.ipv4.icmp_echo_ignore_broadcasts",
     kernel("net/ipv4/icmp_echo_ignore_broadcasts", "0\n")},
    {"kernel-null-page:vm.mmap_min_addr", kernel("vm/mmap_min_addr", "0\n")},
    {"kernel-program-writable:kernel.core_pattern",
     [](auto& x) {
       x.write("/var/crash/dump", "x", 0777);
       x.mode("/var/crash/dump", 0757);
       x.config.security.exclude = {"/var/crash"}; // else it is a writable file, too
       x.write("/proc/sys/kernel/core_pattern", "|/var/crash/dump %p\n");
     }},
    {"exposed-service:tcp 0.0.0.0:6379", listens("00000000:18EB")},
    {"exposed-plain-service:tcp 10.0.0.1:5432", listens("0100000A:1538")},
    {"listening:tcp 0.0.0.0:22", listens("00000000:0016")},
    {"sshd-root-login:PermitRootLogin (Match user root)", sshd("Match user root\nPermitRootLogin yes")},
    {"sshd-empty-passwords:PermitEmptyPasswords", sshd("PermitEmptyPasswords yes")},
    {"sshd-passwords:PasswordAuthentication", sshd("PasswordAuthentication yes")},
    {"sshd-strict-modes-off:StrictModes", sshd("StrictModes=no")},
    {"sshd-trusts-hosts:HostbasedAuthentication", sshd("HostbasedAuthentication yes")},
    {"sshd-user-environment:PermitUserEnvironment", sshd("PermitUserEnvironment yes")},
    {"sshd-x11-forwarding:X11Forwarding", sshd("X11Forwarding yes")},
    {"sshd-many-tries:MaxAuthTries", sshd("MaxAuthTries 60")},
    {"sshd-weak-algorithms:ciphers", sshd("Ciphers aes256-ctr,3des-cbc")},
    {"sshd-config-writable:/etc/ssh/sshd_config.d/site.conf",
     [](auto& x) {
       x.mode("/etc/ssh/sshd_config.d/site.conf", 0646);
       x.config.security.exclude = {"*.conf"};
     }},
    {"sudo-everything-without-password:/etc/sudoers.d/site: ann ALL", sudo("ann ALL=(ALL) NOPASSWD: ALL")},
    {"sudo-gives-a-shell:/etc/sudoers.d/site: ann /usr/bin/vim /etc/motd",
     sudo("ann ALL=NOPASSWD:/usr/bin/vim /etc/motd")},
    {"sudo-never-asks:/etc/sudoers.d/site: Defaults:ann !authenticate", sudo("Defaults:ann !authenticate")},
    {"sudo-pattern:/etc/sudoers.d/site: ann /usr/bin/site-tool *", sudo("ann ALL = /usr/bin/site-tool *")},
    {"sudo-program-writable:/etc/sudoers.d/site: ann /opt/tool",
     [](auto& x) {
       x.write("/opt/tool", "x", 0757);
       x.config.security.exclude = {"/opt"};
       x.write("/etc/sudoers.d/site", "Cmnd_Alias TOOLS = /opt/tool\nann ALL = TOOLS\n", 0440);
     }},
    {"sudo-file-writable:/etc/sudoers.d/site",
     [](auto& x) {
       x.write("/etc/sudoers.d/site", "", 0646);
       x.config.security.exclude = {"/etc/sudoers.d"};
     }},
  };
  return all;
}

std::vector<plant> all_plants() {
  auto result = plants_in_files();
  const auto& more = plants_in_services();
  result.insert(result.end(), more.begin(), more.end());
  return result;
}

// What a plant in a file that others may change brings with it: the walk sees it, too.
std::set<std::string> expected_of(const plant& x) {
  static const std::map<std::string, std::string> beside{
    {"account-file-writable:/etc/group", "world-writable-file:/etc/group"},
    {"authorized-keys-writable:/home/ann/.ssh/authorized_keys", "world-writable-file:/home/ann/.ssh/authorized_keys"},
    {"cron-file-writable:/etc/cron.daily/tidy", "world-writable-file:/etc/cron.daily/tidy"},
    {"cron-program-writable:/etc/cron.d/site: /opt/site/run", "world-writable-file:/opt/site/run"},
    {"unit-file-writable:/etc/systemd/system/a.service", "world-writable-file:/etc/systemd/system/a.service"},
    {"unit-program-writable:/etc/systemd/system/a.service: /srv/a/run", "world-writable-directory:/srv/a"},
  };
  std::set<std::string> result{x.id};
  if (auto more = beside.find(x.id); more != beside.end())
    result.insert(more->second);
  return result;
}

} // namespace

TEST(PlantedTest, ACleanTreeHasNoFindingsAndNoBlindSpots) {
  prepared_root root;
  auto scan = scan_tree(root);
  ASSERT_EQ(scan.ended.kind, violation::none) << scan.ended.message;
  EXPECT_THAT(scan.ids(), IsEmpty());
  EXPECT_THAT(scan.blind(), IsEmpty());
  EXPECT_EQ(scan.result.at("score").as_int64(), 100);
}

TEST(PlantedTest, EachWeaknessIsFoundAndNothingElse) {
  for (const auto& one : all_plants()) {
    prepared_root root;
    one.put(root);
    auto scan = scan_tree(root);
    ASSERT_EQ(scan.ended.kind, violation::none) << one.id << ": " << scan.ended.message;
    EXPECT_EQ(scan.ids(), expected_of(one)) << one.id;
    EXPECT_THAT(scan.blind(), IsEmpty()) << one.id;
  }
}

TEST(PlantedTest, AllOfThemAreFoundTogether) {
  prepared_root root;
  std::set<std::string> expected;
  std::vector<std::string> exclude;
  std::set<std::string> put_kinds;
  for (const auto& one : plants_in_files()) {
    auto id = std::string{one.id};
    if (id.find("certificate") == 0 || id.find("helper") != std::string::npos || id == "stale-account:bob" ||
        (id.find(":eve") != std::string::npos && id.find("weak") == std::string::npos) ||
        id.find("a.service") != std::string::npos)
      continue; // they stand in the same place as another
    one.put(root);
    auto more = expected_of(one);
    expected.insert(more.begin(), more.end());
  }
  EXPECT_EQ(scan_tree(root).ids(), expected);
}

// A rule that nothing can find would be dead, and one without a test might be.
TEST(PlantedTest, EveryRuleIsPlanted) {
  std::set<std::string> elsewhere{
    // of a machine, in node_check_test.cpp
    "node-api-exposed", "node-caf-exposed", "node-command-writable", "node-data-readable", "node-data-writable",
    // baseline_test.cpp
    "baseline-added", "baseline-changed", "baseline-changed-by-package", "baseline-damaged", "baseline-removed",
    // packages_test.cpp
    "vulnerabilities-without-fix", "vulnerable-package",
    // below: needs root
    "unowned-file"};
  for (const auto& one : all_plants())
    elsewhere.insert(std::string{one.id}.substr(0, std::string{one.id}.find(':')));
  std::set<std::string> known;
  for (const auto& one : rules())
    known.insert(std::string{one.name});
  EXPECT_EQ(elsewhere, known);
}

TEST(PlantedTest, OnlyTheTopOfAnUnownedTreeIsTold) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "only root can give files away";
  prepared_root root;
  root.write("/srv/lost/a/b", "x");
  root.write("/srv/contained", "x");
  root.write("/etc/subuid", "ann:100000:65536\n");
  root.write("/var/lib/docker/overlay/etc/db", "x");
  root.mode("/var/lib/docker", 0710);
  ASSERT_EQ(::chown((root.path() + "/var/lib/docker/overlay/etc/db").c_str(), 4712, 4712), 0);
  for (const auto* path : {"/srv/lost", "/srv/lost/a", "/srv/lost/a/b"})
    ASSERT_EQ(::chown((root.path() + path).c_str(), 4711, 0), 0);
  ASSERT_EQ(::chown((root.path() + "/srv/contained").c_str(), 100'005, 0), 0);
  EXPECT_THAT(scan_tree(root).ids(), ElementsAre("unowned-file:/srv/lost"));
}

TEST(PlantedTest, WhatNobodyElseCanReachIsNotTold) {
  prepared_root root;
  root.write("/srv/inner/key.pem", private_key);
  root.write("/srv/inner/open", "x", 0666);
  root.write("/srv/inner/suid", "x", 04755);
  root.mode("/srv/inner", 0750);
  EXPECT_THAT(scan_tree(root).ids(), IsEmpty());
}

TEST(PlantedTest, WhatOnlyLooksLikeASecretIsNotTold) {
  prepared_root root;
  root.write("/usr/share/ca.pem", "-----BEGIN CERTIFICATE-----\n");
  root.write("/srv/app/.env", "DB_PASSWORD=\nAPI_KEY=changeme\nTOKEN=${TOKEN}\n");
  root.write("/srv/app/.env.example", "DB_PASSWORD=hunter22\n");
  root.write("/usr/lib/node_modules/tls/test.pem", private_key);
  root.install("/usr/share/doc-package/snakeoil.key", private_key, 0644);
  root.write("/srv/app/id_generator.py", "print('-----BEGIN PRIVATE KEY-----')\n");
  auto scan = scan_tree(root);
  EXPECT_THAT(scan.ids(), IsEmpty());
  EXPECT_EQ(scan.result.at("looked_at").at("keys_in_tests").as_int64(), 1);
}

TEST(PlantedTest, PackagesOnAMergedSystemOwnTheirFiles) {
  prepared_root root;
  root.write("/usr/bin/mount-helper", "x", 04755);
  root.write("/var/lib/dpkg/info/old.list", "/bin/mount-helper\n");
  root.write("/usr/bin/moved.distrib", "x", 04755);
  root.write("/srv/chroot/usr/bin/su", "x", 04755);
  root.write("/srv/chroot/var/lib/dpkg/info/login.list", "/bin/su\n");
  root.write("/var/lib/dpkg/diversions", "/usr/bin/moved\n/usr/bin/moved.distrib\nsite\n");
  EXPECT_THAT(scan_tree(root).ids(), IsEmpty());
}

} // namespace overwatch::security
