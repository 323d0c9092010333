#include "runtime/security/guard.hpp"
#include "runtime/security/lines.hpp"
#include "runtime/security/scan.hpp"

#include <array>

namespace overwatch::security {

namespace {

struct kernel_setting {
  const char* name; ///< as sysctl says it
  int64_t bad_first, bad_last;
  const char* rule;
};

constexpr std::array<kernel_setting, 15> settings_to_judge{{
  {"kernel.randomize_va_space", 0, 1, "kernel-address-randomization"},
  {"kernel.kptr_restrict", 0, 0, "kernel-addresses-shown"},
  {"kernel.dmesg_restrict", 0, 0, "kernel-log-shown"},
  {"kernel.unprivileged_bpf_disabled", 0, 0, "kernel-bpf-for-all"},
  {"kernel.yama.ptrace_scope", 0, 0, "kernel-ptrace"},
  {"fs.protected_hardlinks", 0, 0, "kernel-links-unprotected"},
  {"fs.protected_symlinks", 0, 0, "kernel-links-unprotected"},
  {"fs.suid_dumpable", 1, 1, "kernel-set-uid-dumps"},
  {"net.ipv4.tcp_syncookies", 0, 0, "kernel-syn-floods"},
  {"net.ipv4.conf.all.accept_source_route", 1, 1, "kernel-source-route"},
  {"net.ipv6.conf.all.accept_source_route", 1, 1, "kernel-source-route"},
  {"net.ipv4.conf.all.accept_redirects", 1, 1, "kernel-redirects"},
  {"net.ipv6.conf.all.accept_redirects", 1, 1, "kernel-redirects"},
  {"net.ipv4.icmp_echo_ignore_broadcasts", 0, 0, "kernel-broadcast-pings"},
  {"vm.mmap_min_addr", 0, 4095, "kernel-null-page"},
}};

std::string path_of(std::string_view name) {
  std::string path = "/proc/sys/" + std::string{name};
  for (auto& c : path)
    if (c == '.')
      c = '/';
  return path;
}

// What the kernel starts as root: for crashes, and to load modules.
void check_started_programs(scan& s) {
  for (const auto* name : {"kernel.core_pattern", "kernel.modprobe", "kernel.hotplug"}) {
    auto text = s.root.read(path_of(name)).text;
    auto words = words_of(text);
    if (words.empty())
      continue;
    auto program = words[0];
    if (program.front() == '|')
      program.remove_prefix(1);
    else if (std::string_view{name} == "kernel.core_pattern")
      continue; // a file name
    if (program.empty() || program.front() != '/')
      continue;
    if (auto weakness = changeable_by_others(s.root, s.accounts, program); !weakness.empty())
      s.found.add("kernel-program-writable", name, weakness);
  }
}

} // namespace

void check_kernel(scan& s) {
  if (!s.root.exists("/proc/sys/kernel"))
    return s.found.cannot_look("kernel settings", "there is no /proc/sys below " + s.root.root());
  std::string unreadable;
  for (const auto& one : settings_to_judge) {
    auto text = s.root.read(path_of(one.name));
    auto value = number_of<int64_t>(trimmed(text.text));
    if (text.error != 0 && text.error != ENOENT)
      unreadable += (unreadable.empty() ? "" : ", ") + std::string{one.name};
    if (value && *value >= one.bad_first && *value <= one.bad_last)
      s.found.add(one.rule, one.name, "is " + std::to_string(*value));
  }
  if (!unreadable.empty())
    s.found.partly_blind("kernel settings " + unreadable, error_sentence(EACCES));
  check_started_programs(s);
}

} // namespace overwatch::security
