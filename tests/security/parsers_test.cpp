#include "runtime/security/accounts.hpp"
#include "runtime/security/baseline_file.hpp"
#include "runtime/security/certificate.hpp"
#include "runtime/security/debsecan.hpp"
#include "runtime/security/history.hpp"
#include "runtime/security/lines.hpp"
#include "runtime/security/lynis.hpp"
#include "runtime/security/package_lists.hpp"
#include "runtime/security/secrets.hpp"
#include "runtime/security/socket_table.hpp"
#include "runtime/security/sshd_config.hpp"
#include "runtime/security/started_programs.hpp"
#include "runtime/security/sudoers.hpp"
#include "runtime/security/suppressions.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <functional>
#include <random>

namespace overwatch::security {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

sshd_settings settings_of(std::map<std::string, std::string> texts) {
  sshd_files files;
  files.matching = [](const std::string& pattern) { return std::vector<std::string>{pattern}; };
  files.read = [texts](const std::string& path, std::string& text) {
    auto found = texts.find(path);
    text = found == texts.end() ? "" : found->second;
    return found != texts.end();
  };
  return read_sshd_settings("main", files);
}

/// All parsers, as functions that must come back whatever they get.
std::map<std::string, std::function<void(std::string_view)>> all_parsers() {
  return {
    {"passwd", [](auto text) { parse_passwd(text); }},
    {"group", [](auto text) { parse_group(text); }},
    {"shadow", [](auto text) { parse_shadow(text); }},
    {"subordinate ids", [](auto text) { parse_subordinate_ids(text); }},
    {"lastlog", [](auto text) { last_login_of(text); }},
    {"nsswitch", [](auto text) { has_remote_source(text, "passwd"); }},
    {"sshd",
     [](auto text) {
       settings_of({{"main", std::string{text}}}).all_of("ciphers", "");
     }},
    {"algorithms", [](auto text) { weak_algorithms(text); }},
    {"sudoers",
     [](auto text) {
       command_aliases aliases;
       parse_sudoers(text, aliases);
     }},
    {"tcp", [](auto text) { parse_socket_table(text, protocol::tcp); }},
    {"ports", [](auto text) { parse_port_range(text), inode_of_link(text); }},
    {"crontab", [](auto text) { parse_crontab(text, true), programs_in(text); }},
    {"unit", [](auto text) { parse_unit(text); }},
    {"secrets",
     [](auto text) {
       secret_kind_of(text);
       is_test_material(text);
       for (auto kind : {secret_kind::private_key, secret_kind::settings, secret_kind::credentials})
         has_secret(kind, "/home/ann/.netrc", text);
     }},
    {"diversions", [](auto text) { parse_diversions(text), merged_path(text); }},
    {"debsecan", [](auto text) { by_package(parse_debsecan(text)), debian_suite(text); }},
    {"lynis", [](auto text) { parse_lynis_report(text); }},
    {"certificates", [](auto text) { parse_certificates(text); }},
    {"baseline", [](auto text) { parse_baseline_line(text); }},
    {"memory", [](auto text) { parse_memory(text); }},
    {"suppressions",
     [](auto text) {
       suppressions all;
       parse_suppressions(text, all);
     }},
  };
}

} // namespace

TEST(ParsersTest, RandomTextIsSurvived) {
  static const std::vector<std::string> words{":",
                                              "\n",
                                              "=",
                                              " ",
                                              "\\\n",
                                              "ALL",
                                              "NOPASSWD:",
                                              "(",
                                              ")",
                                              "#",
                                              "@include",
                                              "Cmnd_Alias A = A, A\n",
                                              "A",
                                              ",",
                                              "Match ",
                                              "/bin/sh",
                                              "0A",
                                              "00000000:0016",
                                              "[Service]\n",
                                              "ExecStart=",
                                              "*",
                                              "@daily",
                                              "-----BEGIN CERTIFICATE-----\n",
                                              "\"",
                                              "'",
                                              "CVE-1 x (",
                                              "|",
                                              "warning[]=",
                                              std::string(1, '\0'),
                                              "99999999999999999999",
                                              "-1",
                                              "{",
                                              "}",
                                              "$",
                                              "socket:["};
  std::mt19937 random{20261122};
  for (const auto& [name, parse] : all_parsers())
    for (int round = 0; round < 300; ++round) {
      std::string text;
      for (auto count = random() % 60; count > 0; --count)
        text += random() % 3 == 0 ? std::string(1, static_cast<char>(random())) : words[random() % words.size()];
      SCOPED_TRACE(name);
      parse(text);
    }
}

// What takes a time that grows like the square of the input would need minutes here.
TEST(ParsersTest, LargeTextTakesLittleTime) {
  for (const std::string unit :
       {"a", ":", ",", " ", "\n", "\\", "\\\n", "(", "#", "=", "/", "*", "A,", "Match a\nciphers b\n", "[a]\n",
        "a:x:1:1::/:/bin/sh\n", "ALL ALL = ALL, A\n", "x='"}) {
    std::string text;
    while (text.size() < 400'000)
      text += unit;
    for (const auto& [name, parse] : all_parsers()) {
      auto start = std::chrono::steady_clock::now();
      parse(text);
      EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{10}) << name << " of " << unit;
    }
  }
}

TEST(ParsersTest, PasswdLeavesOutWhatIsNoAccount) {
  auto all = parse_passwd(
    "root:x:0:0:root:/:/bin/bash\n+::::::\nhalf:x:1\nneg:x:-1:0::/:\nbig:x:4294967296:0::/:\n#c:x:1:1::/:/x\n"
    "last:x:7:8::/home/l:/usr/sbin/nologin");
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_TRUE(all[0].may_log_in());
  EXPECT_EQ(all[1].name, "last");
  EXPECT_FALSE(all[1].may_log_in());
}

TEST(ParsersTest, OnlyForeignSourcesOfAccountsAreRemote) {
  EXPECT_FALSE(has_remote_source("passwd: files systemd\n", "passwd"));
  EXPECT_TRUE(has_remote_source("passwd: files [NOTFOUND=return] sss # x\n", "passwd"));
  EXPECT_FALSE(has_remote_source("hosts: dns\n", "passwd"));
}

TEST(ParsersTest, SshdTakesTheFirstValueAndEndsMatchWithItsFile) {
  auto settings = settings_of(
    {{"main",
      "Port 22\nInclude /a\nPermitRootLogin yes\nMatch User x\n X11Forwarding yes\nMatch all\nStrictModes no\n"},
     {"/a", "PermitRootLogin no # not now\nMatch Address 10.0.0.0/8\nPasswordAuthentication yes\n"}});
  EXPECT_EQ(settings.value_of("permitrootlogin", "?"), "no");
  EXPECT_EQ(settings.value_of("strictmodes", "yes"), "no");
  EXPECT_EQ(settings.value_of("x11forwarding", "no"), "no");
  auto passwords = settings.all_of("passwordauthentication", "no");
  ASSERT_THAT(passwords, SizeIs(2));
  EXPECT_EQ(passwords[1].match, "Address 10.0.0.0/8");
}

TEST(ParsersTest, SshdThatIncludesItselfEnds) {
  auto settings = settings_of({{"main", "Include /main\n"}, {"/main", "Include /main /main\nPort 1\n"}});
  EXPECT_TRUE(settings.cut);
}

TEST(ParsersTest, RemovedAlgorithmsAreNotOffered) {
  EXPECT_THAT(weak_algorithms("-3des-cbc,hmac-md5"), IsEmpty());
  EXPECT_THAT(weak_algorithms("+hmac-md5"), ElementsAre("hmac-md5"));
}

TEST(ParsersTest, SudoersResolvesAliasesAndOptions) {
  command_aliases aliases;
  auto content = parse_sudoers(
    "Cmnd_Alias WEB = /bin/systemctl restart web, \\\n  /bin/journalctl : MORE = WEB, /bin/x\n"
    "#1000 ALL = NOPASSWD: MORE, PASSWD: /bin/y, !/bin/z\n# ann ALL = ALL\n%adm ALL=(root) NOEXEC: NOPASSWD: ALL\n"
    "#includedir /etc/more.d\n@include local\nDefaults:ann !authenticate, env_reset\nDefaults !authenticate_x\n",
    aliases);
  std::vector<std::string> grants;
  for (const auto& one : content.grants)
    grants.push_back(one.who + " " + one.command + (one.without_password ? " free" : ""));
  EXPECT_THAT(grants, ElementsAre("#1000 /bin/systemctl restart web free", "#1000 /bin/journalctl free",
                                  "#1000 /bin/x free", "#1000 /bin/y", "%adm ALL free"));
  EXPECT_THAT(content.include_directories, ElementsAre("/etc/more.d"));
  EXPECT_THAT(content.include_files, ElementsAre("local"));
  EXPECT_THAT(content.without_password, SizeIs(1));
}

TEST(ParsersTest, SocketsSayHowFarTheyReach) {
  const std::string rest = " 00000000:0000 0A 0:0 0:0 0 1000 0 4711 1 0 100 0 0 10 0\n";
  auto one = [&](const std::string& address) {
    return parse_socket_table("0: " + address + rest, protocol::tcp).at(0);
  };
  EXPECT_EQ(one("0100007F:1F90").reach(), exposure::loopback);
  EXPECT_EQ(one("0100007F:1F90").text(), "tcp 127.0.0.1:8080");
  EXPECT_EQ(one("00000000:0016").reach(), exposure::every_address);
  EXPECT_EQ(one("00000000000000000000000000000000:0016").reach(), exposure::every_address);
  EXPECT_EQ(one("00000000000000000000000001000000:0016").reach(), exposure::loopback);
  EXPECT_EQ(one("0000000000000000FFFF00000100007F:0016").reach(), exposure::loopback);
  EXPECT_EQ(one("000080FE00000000FF005450B6AD1DFE:0016").reach(), exposure::one_address);
  EXPECT_EQ(one("00000000:0016").inode, 4711U);
  EXPECT_THAT(parse_socket_table("0: 00000000:0016 0A000001:1234 01 0:0 0:0 0 0 0 1 1\n", protocol::tcp), IsEmpty());
}

TEST(ParsersTest, CrontabsNameProgramsButNotWhatOutputGoesTo) {
  auto all = parse_crontab("MAILTO=x\n# 1 2 3 4 5 root /bin/a\n@reboot root /bin/a\n*/5 1-3 * jan,feb mon root X=1 "
                           "/bin/b > /var/log/b 2>&1\nbad line\n",
                           true);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].command, "/bin/a");
  EXPECT_THAT(programs_in(all[1].command), ElementsAre("/bin/b"));
  EXPECT_THAT(programs_in("test -x /opt/x && (cd / ; /opt/x) | /usr/bin/logger; sh -c '/opt/y'"),
              ElementsAre("/opt/x", "/opt/x", "/usr/bin/logger", "/opt/y"));
  EXPECT_EQ(parse_crontab("0 0 * * * /bin/a\n", false).at(0).user, "");
}

TEST(ParsersTest, UnitsNameWhatTheyStart) {
  auto unit = parse_unit("[Unit]\nExecStart=/no\n[Service]\nUser=web\n# ExecStart=/no\nExecStart=-@/usr/bin/a b \\\n "
                         "c\nExecStop=/bin/%i\nExecReload=/bin/b\n");
  EXPECT_EQ(unit.user, "web");
  EXPECT_THAT(unit.programs, ElementsAre("/usr/bin/a", "/bin/b"));
}

TEST(ParsersTest, DebsecanLinesHaveNotes) {
  auto all = parse_debsecan(
    "CVE-2024-1 curl (fixed, remotely exploitable, high urgency)\nCVE-2024-2 vim\nnoise\nTEMP-1-2 x (obsolete)\n");
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_TRUE(all[0].fixed && all[0].remote && all[0].high_urgency);
  EXPECT_FALSE(all[1].fixed);
  EXPECT_TRUE(all[2].obsolete);
  EXPECT_EQ(debian_suite("ID=ubuntu\nVERSION_CODENAME=noble\n"), "");
}

TEST(ParsersTest, LynisReportsHaveWarningsAndSuggestions) {
  auto all = parse_lynis_report("hardening_index=60\nwarning[]=MAIL-8818|SMTP banner|-|text:hide it|\nsuggestion[]=bad "
                                "name|x\nsuggestion[]=SSH-7408|Harden|Port (set 22)|-|\n");
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_TRUE(all[0].warning);
  EXPECT_EQ(all[1].detail, "Port (set 22)");
  EXPECT_EQ(all[1].mend, "");
}

TEST(ParsersTest, PatternsMatchWholeTexts) {
  EXPECT_TRUE(matches("listening:*:22", "listening:tcp 0.0.0.0:22"));
  EXPECT_FALSE(matches("listening:*:22", "listening:tcp 0.0.0.0:2222x"));
  EXPECT_TRUE(matches("a?c*", "abc"));
  EXPECT_FALSE(matches("a?c", "ac"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches(std::string(200, '*') + "b", std::string(100'000, 'a')));
}

} // namespace overwatch::security
