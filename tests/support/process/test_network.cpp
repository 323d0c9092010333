#include "tests/support/process/test_network.hpp"

#include "tests/support/process/program_run.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace overwatch::support {

namespace {

namespace fs = std::filesystem;

constexpr const char* spaces = "/run/netns";
constexpr const char* prefix = "overwatch-test-"; // then the process id of the owner, then the host
constexpr const char* wire = "wire";              // the name that each host has for its end

void run(std::vector<std::string> argv) {
  argv.insert(argv.begin(), "/usr/bin/env");
  auto end = run_program(argv);
  if (end.exit_status != 0)
    throw std::runtime_error{argv[1] + " failed (" + std::to_string(end.exit_status) + "): " + end.output};
}

void remove_space(const std::string& name) { run_program({"/usr/bin/env", "ip", "netns", "delete", name}); }

/// Those of test programs that are gone.
void remove_left_ones() {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator{spaces, none}) {
    auto name = entry.path().filename().string();
    if (name.rfind(prefix, 0) != 0)
      continue;
    auto owner = static_cast<pid_t>(std::strtol(name.c_str() + std::string{prefix}.size(), nullptr, 10));
    if (owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH)
      remove_space(name);
  }
}

} // namespace

network_visit::network_visit(const std::string& path) {
  if (path.empty())
    return;
  home_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  int there = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  auto fault = home_ < 0 || there < 0 || ::setns(there, CLONE_NEWNET) != 0 ? errno : 0;
  if (there >= 0)
    ::close(there);
  if (fault != 0) {
    ::close(home_);
    throw std::system_error{fault, std::generic_category(), "enter " + path};
  }
}

network_visit::~network_visit() {
  if (home_ < 0)
    return;
  if (::setns(home_, CLONE_NEWNET) != 0)
    std::abort(); // all that follows would happen on the wrong host
  ::close(home_);
}

test_network::test_network(const std::vector<std::string>& hosts)
  : hub_{prefix + std::to_string(::getpid()) + "-switch"} {
  if (::geteuid() != 0)
    throw std::runtime_error{"network namespaces need root"};
  remove_left_ones();
  try {
    build(hosts);
  } catch (...) {
    remove();
    throw;
  }
}

test_network::~test_network() { remove(); }

void test_network::build(const std::vector<std::string>& hosts) {
  run({"ip", "netns", "add", hub_});
  run({"ip", "-n", hub_, "link", "add", "switch", "type", "bridge"});
  run({"ip", "-n", hub_, "link", "set", "switch", "up"});
  for (const auto& name : hosts) {
    auto number = std::to_string(hosts_.size() + 1);
    host x{prefix + std::to_string(::getpid()) + "-" + name, "10.99.0." + number};
    run({"ip", "netns", "add", x.space});
    hosts_[name] = x;
    auto plug = "to-" + number;
    run({"ip", "-n", hub_, "link", "add", plug, "type", "veth", "peer", "name", wire, "netns", x.space});
    run({"ip", "-n", hub_, "link", "set", plug, "master", "switch", "up"});
    run({"ip", "-n", x.space, "address", "add", x.address + "/24", "dev", wire});
    run({"ip", "-n", x.space, "link", "set", "lo", "up"});
    run({"ip", "-n", x.space, "link", "set", wire, "up"});
    change_rules(name, "add table inet faults; "
                       "add chain inet faults in { type filter hook input priority 0; }");
  }
}

void test_network::remove() {
  for (const auto& [name, x] : hosts_)
    remove_space(x.space);
  remove_space(hub_);
}

std::string test_network::path(const std::string& host) const {
  return std::string{spaces} + "/" + hosts_.at(host).space;
}

void test_network::change_rules(const std::string& host, const std::string& command) const {
  network_visit there{path(host)};
  run({"nft", command});
}

void test_network::cut(const std::string& from, const std::string& to) {
  change_rules(to, "add rule inet faults in ip saddr " + address(from) + " drop");
}

void test_network::lose(const std::string& host, unsigned percent) {
  change_rules(host, std::string{"add rule inet faults in iifname "} + wire + " numgen random mod 100 < " +
                       std::to_string(percent) + " drop");
}

void test_network::heal() {
  for (const auto& [name, x] : hosts_)
    change_rules(name, "flush chain inet faults in");
}

} // namespace overwatch::support
