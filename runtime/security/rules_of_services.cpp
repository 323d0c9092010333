#include "runtime/security/rules.hpp"

namespace overwatch::security {

namespace {

std::vector<rule> of_kernel() {
  return {
    {"kernel-address-randomization", severity::medium, "Programs get predictable addresses",
     "mistakes in them are much easier to use", "sysctl kernel.randomize_va_space=2, and in /etc/sysctl.d"},
    {"kernel-addresses-shown", severity::info, "The kernel shows its addresses to root's programs",
     "they help to use mistakes in the kernel (Debian's default)",
     "sysctl kernel.kptr_restrict=1, and in /etc/sysctl.d"},
    {"kernel-log-shown", severity::low, "Everybody can read the kernel's log", "it has addresses and hints for attacks",
     "sysctl kernel.dmesg_restrict=1, and in /etc/sysctl.d"},
    {"kernel-bpf-for-all", severity::medium, "Every account may load BPF programs",
     "mistakes in their verifier led to root several times",
     "sysctl kernel.unprivileged_bpf_disabled=2, and in /etc/sysctl.d"},
    {"kernel-ptrace", severity::info, "A program may look into every other one of its account",
     "one that was broken into can read the keys of the others (Debian's default)",
     "sysctl kernel.yama.ptrace_scope=1, and in /etc/sysctl.d"},
    {"kernel-links-unprotected", severity::medium,
     "Links in shared directories are followed without a look at their owner",
     "a program that writes to /tmp can be made to write elsewhere",
     "sysctl fs.protected_symlinks=1 fs.protected_hardlinks=1, and in /etc/sysctl.d"},
    {"kernel-set-uid-dumps", severity::medium, "Set-uid programs leave core dumps", "they hold what only root may read",
     "sysctl fs.suid_dumpable=0, and in /etc/sysctl.d"},
    {"kernel-syn-floods", severity::low, "SYN cookies are off", "a flood of half-open connections stops all services",
     "sysctl net.ipv4.tcp_syncookies=1, and in /etc/sysctl.d"},
    {"kernel-source-route", severity::medium, "Packets may choose their own way (source routing)",
     "it passes by filters and forges where packets come from", "sysctl NAME=0, and in /etc/sysctl.d"},
    {"kernel-redirects", severity::info, "ICMP redirects are accepted",
     "a machine on the same network can draw traffic to itself (Debian's default)",
     "sysctl NAME=0, and in /etc/sysctl.d"},
    {"kernel-broadcast-pings", severity::low, "Pings to everybody are answered", "floods are amplified with them",
     "sysctl net.ipv4.icmp_echo_ignore_broadcasts=1, and in /etc/sysctl.d"},
    {"kernel-null-page", severity::low, "Programs may map the lowest page", "it makes mistakes in the kernel usable",
     "sysctl vm.mmap_min_addr=65536, and in /etc/sysctl.d"},
    {"kernel-program-writable", severity::high, "Others can change a program that the kernel starts as root",
     "what they put there runs as root", "chown root the program; chmod go-w it and its directories"},
  };
}

std::vector<rule> of_network() {
  return {
    {"exposed-service", severity::high,
     "A service without proof of identity or encryption can be reached over the network",
     "who reaches it can use or read it, unless a firewall stops him (firewalls are not looked at)",
     "bind it to 127.0.0.1, stop it, or filter its port"},
    {"exposed-plain-service", severity::medium, "A database or file service can be reached over the network",
     "passwords can be tried, and traffic may be read, unless a firewall stops it (firewalls are not looked at)",
     "bind it to 127.0.0.1 or to an inner address, or filter its port"},
    {"listening", severity::info, "A program can be reached over the network", "each one is a way in: know them all",
     "stop it when nobody needs it, or bind it to 127.0.0.1; else suppress this finding"},
    {"node-api-exposed", severity::high, "The API of this node can be reached over the network",
     "it asks nobody who he is, and whoever reaches it can run the configured commands",
     "http.address = \"127.0.0.1\"; reach it through ssh or a proxy that asks for a password"},
    {"node-caf-exposed", severity::high, "This node's CAF port can be reached over the network",
     "whoever reaches it can do what the API can", "caf.address = \"127.0.0.1\""},
    {"node-data-readable", severity::medium, "Everybody can look into the data directory of this node",
     "payloads and results of all tasks are in it", "chmod 700 DIRECTORY"},
    {"node-data-writable", severity::high, "Others can change the data directory of this node",
     "they can change tasks, and so what runs",
     "chown it to the node's account; chmod go-w it and the directories above"},
    {"node-command-writable", severity::high, "Others can change a program that tasks of this node run",
     "what they put there runs with the rights of the node",
     "chown root the program; chmod go-w it and its directories"},
    {"certificate-expired", severity::high, "A certificate has expired",
     "clients refuse it, or learn to ignore warnings", "renew it"},
    {"certificate-ends-soon", severity::low, "A certificate will expire soon", "clients will refuse it", "renew it"},
  };
}

std::vector<rule> of_logins() {
  return {
    {"sshd-root-login", severity::high, "root may log in over ssh",
     "its name is known, so only its password must be guessed",
     "PermitRootLogin prohibit-password (or no) in /etc/ssh/sshd_config"},
    {"sshd-empty-passwords", severity::high, "Accounts without a password may log in over ssh",
     "who knows the name is in", "PermitEmptyPasswords no"},
    {"sshd-passwords", severity::low, "Passwords are accepted over ssh",
     "they can be guessed from everywhere; keys cannot", "PasswordAuthentication no, once everybody has a key"},
    {"sshd-strict-modes-off", severity::medium, "sshd does not look at who may change a user's keys",
     "a directory that others may write is enough to get in", "StrictModes yes"},
    {"sshd-trusts-hosts", severity::medium, "sshd believes what another machine says about its users",
     "who controls that machine or its address is in", "HostbasedAuthentication no, IgnoreRhosts yes"},
    {"sshd-user-environment", severity::medium, "Users may set environment variables before they log in",
     "with LD_PRELOAD they get around what their account is restricted to", "PermitUserEnvironment no"},
    {"sshd-x11-forwarding", severity::info, "X11 is forwarded over ssh",
     "a server that was broken into can watch the keyboard of who logs in (Debian's default)",
     "X11Forwarding no, unless it is used"},
    {"sshd-many-tries", severity::low, "sshd allows many tries per connection", "guessing is faster", "MaxAuthTries 6"},
    {"sshd-weak-algorithms", severity::medium, "sshd offers broken algorithms",
     "connections that use them can be read or changed", "remove them from the list, or the line"},
    {"sshd-config-writable", severity::high, "Others than root can change how sshd lets people in",
     "they can let themselves in", "chown root FILE; chmod go-w FILE and its directories"},
    {"sudo-everything-without-password", severity::high, "An account may do everything as root without a password",
     "who gets at its session is root", "remove NOPASSWD, or name the commands that are needed"},
    {"sudo-gives-a-shell", severity::medium, "sudo runs a program without a password that gives a shell or any file",
     "it amounts to being root", "name a small program of your own instead, or remove NOPASSWD"},
    {"sudo-never-asks", severity::medium, "sudo asks nobody for a password",
     "who gets at a session of a permitted account is root", "remove !authenticate from Defaults"},
    {"sudo-pattern", severity::low, "A sudo rule has a wildcard",
     "`*` also matches blanks and slashes, so more arguments fit than were meant", "write the arguments out"},
    {"sudo-program-writable", severity::high, "Others can change a program that sudo runs as root",
     "what they put there runs as root", "chown root the program; chmod go-w it and its directories"},
    {"sudo-file-writable", severity::high, "Others than root can change the rules of sudo",
     "they can make themselves root", "chown root FILE; chmod 440 FILE"},
  };
}

} // namespace

std::vector<rule> rules_of_services() {
  auto result = of_kernel();
  for (auto&& more : {of_network(), of_logins()})
    result.insert(result.end(), more.begin(), more.end());
  return result;
}

} // namespace overwatch::security
