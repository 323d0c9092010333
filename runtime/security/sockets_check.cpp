#include "runtime/security/lines.hpp"
#include "runtime/security/scan.hpp"
#include "runtime/security/socket_table.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

namespace overwatch::security {

namespace {

constexpr size_t table_bytes = 64 * 1024 * 1024;
constexpr uint16_t x11_first = 6000;
constexpr uint16_t x11_last = 6009;

struct known_port {
  uint16_t port;
  protocol is;
  const char* name;
  const char* rule;
};

// Services that by themselves ask nobody who he is, or send what they know in the clear.
constexpr std::array<known_port, 22> known_ports{{
  {23, protocol::tcp, "telnet", "exposed-service"},
  {69, protocol::udp, "TFTP", "exposed-service"},
  {512, protocol::tcp, "rexec", "exposed-service"},
  {513, protocol::tcp, "rlogin", "exposed-service"},
  {514, protocol::tcp, "rsh", "exposed-service"},
  {2375, protocol::tcp, "Docker without TLS", "exposed-service"},
  {6379, protocol::tcp, "Redis", "exposed-service"},
  {9200, protocol::tcp, "Elasticsearch", "exposed-service"},
  {11211, protocol::tcp, "memcached", "exposed-service"},
  {11211, protocol::udp, "memcached", "exposed-service"},
  {27017, protocol::tcp, "MongoDB", "exposed-service"},
  {2379, protocol::tcp, "etcd", "exposed-service"},
  {10255, protocol::tcp, "the read-only port of a kubelet", "exposed-service"},
  {21, protocol::tcp, "FTP", "exposed-plain-service"},
  {111, protocol::tcp, "the port mapper", "exposed-plain-service"},
  {111, protocol::udp, "the port mapper", "exposed-plain-service"},
  {873, protocol::tcp, "rsync", "exposed-plain-service"},
  {2049, protocol::tcp, "NFS", "exposed-plain-service"},
  {3306, protocol::tcp, "MySQL", "exposed-plain-service"},
  {5432, protocol::tcp, "PostgreSQL", "exposed-plain-service"},
  {5900, protocol::tcp, "VNC", "exposed-plain-service"},
  {161, protocol::udp, "SNMP", "exposed-plain-service"},
}};

const known_port* known(const listening_socket& x) {
  static constexpr known_port x11{x11_first, protocol::tcp, "an X server", "exposed-service"};
  if (x.is == protocol::tcp && x.port >= x11_first && x.port <= x11_last)
    return &x11;
  auto found = std::find_if(known_ports.begin(), known_ports.end(),
                            [&](const known_port& y) { return y.port == x.port && y.is == x.is; });
  return found == known_ports.end() ? nullptr : &*found;
}

struct closes_directory {
  void operator()(DIR* x) const { ::closedir(x); }
};

// Which process holds a socket: by the links in /proc/PID/fd. False when they may not be read.
bool match_process(const tree& root, const std::string& pid, std::map<uint64_t, std::string>& programs) {
  auto directory = root.open_directory("/proc/" + pid + "/fd");
  auto fd = directory ? ::fcntl(directory.get(), F_DUPFD_CLOEXEC, 3) : -1;
  if (fd < 0)
    return errno == ENOENT; // it has ended
  std::unique_ptr<DIR, closes_directory> entries{::fdopendir(fd)};
  if (!entries) {
    ::close(fd);
    return false;
  }
  while (const auto* entry = ::readdir(entries.get())) {
    auto inode = inode_of_link(link_at(directory.get(), entry->d_name));
    auto wanted = inode == 0 ? programs.end() : programs.find(inode);
    if (wanted != programs.end() && wanted->second.empty())
      wanted->second = std::string{trimmed(root.read("/proc/" + pid + "/comm", 64).text)} + " (pid " + pid + ")";
  }
  return true;
}

std::vector<listening_socket> read_sockets(scan& s) {
  std::vector<listening_socket> result;
  for (auto [file, is] :
       {std::pair{"tcp", protocol::tcp}, {"tcp6", protocol::tcp}, {"udp", protocol::udp}, {"udp6", protocol::udp}}) {
    auto text = s.root.read(std::string{"/proc/net/"} + file, table_bytes);
    for (auto& one : parse_socket_table(text.text, is))
      result.push_back(one);
  }
  return result;
}

std::map<uint64_t, std::string> programs_of(scan& s, const std::vector<listening_socket>& sockets) {
  std::map<uint64_t, std::string> programs;
  for (const auto& x : sockets)
    programs[x.inode];
  bool complete = true;
  for (const auto& name : s.root.list("/proc").names) {
    s.stop_if_told();
    if (number_of<uint32_t>(name))
      complete = match_process(s.root, name, programs) && complete;
  }
  auto unknown = std::count_if(programs.begin(), programs.end(), [](const auto& x) { return x.second.empty(); });
  if (!complete && unknown > 0)
    s.found.partly_blind("the programs of " + std::to_string(unknown) + " listening sockets", error_sentence(EACCES));
  return programs;
}

} // namespace

void check_sockets(scan& s) {
  if (s.root.locate("/proc/net/tcp").error != 0)
    return s.found.cannot_look("listening sockets", "there is no /proc/net/tcp below " + s.root.root());
  auto temporary = parse_port_range(s.root.read("/proc/sys/net/ipv4/ip_local_port_range").text);
  auto sockets = read_sockets(s);
  // Ports that programs got for their own questions are no services; and on loopback only this machine reaches them.
  sockets.erase(std::remove_if(sockets.begin(), sockets.end(),
                               [&](const listening_socket& x) {
                                 return x.reach() == exposure::loopback ||
                                        (x.is == protocol::udp && temporary.has(x.port));
                               }),
                sockets.end());
  auto programs = programs_of(s, sockets);
  auto own = " (pid " + std::to_string(::getpid()) + ")";
  for (const auto& x : sockets) {
    const auto& program = programs[x.inode];
    auto holder = program.empty() ? "a program of " + s.accounts.user_name(x.uid) : program;
    const auto* service = known(x);
    if (service != nullptr)
      s.found.add(service->rule, x.text(), std::string{service->name} + " by its port; " + holder);
    else if (!s.root.is_machine() || !ends_with(program, own)) // this node's own is for the check `node`
      s.found.add("listening", x.text(), holder);
  }
}

} // namespace overwatch::security
