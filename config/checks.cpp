#include "config/checks.hpp"

#include "config/cluster_nodes.hpp"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <optional>

namespace overwatch {

namespace {

bool names_variable(const std::string& name) {
  auto first = static_cast<unsigned char>(name.empty() ? '0' : name.front());
  return !std::isdigit(first) &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

void check_network(const settings& values, std::vector<check_finding>& findings) {
  constexpr const char* no_address = "must be an IP address, for example 127.0.0.1 or ::1";
  auto http = is_loopback(values.http.address);
  if (!http)
    findings.push_back({"http.address", no_address});
  else if (!*http)
    findings.push_back({"http.address",
                        "the API has no authentication yet: everyone who reaches " + values.http.address +
                          " can run tasks; put a proxy with authentication before it",
                        false});
  auto caf = is_loopback(values.caf.address);
  if (!caf)
    findings.push_back({"caf.address", no_address});
  else if (!*caf && !has_certificate(values))
    findings.push_back({"caf.address",
                        "must be a loopback address (127.0.0.1 or ::1) unless cluster.certificate, cluster.key and "
                        "cluster.ca are set: the CAF port trusts everyone who reaches it"});
  if (values.caf.port != 0 && values.caf.port == values.http.port)
    findings.push_back(
      {"caf.port", "is the port of http.port, " + std::to_string(values.http.port) + ": choose another one"});
  if (values.http.max_long_requests >= values.http.threads)
    findings.push_back({"http.max-long-requests", "must be less than http.threads (" +
                                                    std::to_string(values.http.threads) +
                                                    "), or event streams leave no thread for short requests"});
}

void check_command(const std::string& name, const named_command& command, std::vector<check_finding>& findings) {
  auto at = "commands." + name + ".";
  auto program = command.argv.empty() ? std::string{} : command.argv.front();
  if (program.empty())
    findings.push_back({at + "argv", "must name a program: argv = [\"/usr/bin/env\", \"argument\"]"});
  else if (program.front() != '/' && program.find('/') != std::string::npos)
    findings.push_back(
      {at + "argv", "\"" + program + "\" must be an absolute path or a name without '/', looked up in PATH"});
  else if (program.front() == '/' && access(program.c_str(), X_OK) != 0)
    findings.push_back(
      {at + "argv", "\"" + program + "\" cannot be executed by this user: each task of the command will fail", false});
  for (auto& [variable, value] : command.environment) {
    if (!names_variable(variable))
      findings.push_back(
        {at + "environment", "\"" + variable + "\" cannot name a variable: letters, digits and '_' are allowed"});
    else if (variable.compare(0, 10, "OVERWATCH_") == 0)
      findings.push_back(
        {at + "environment", "\"" + variable + "\" is set by the node: choose a name without OVERWATCH_"});
  }
  if (!command.directory.empty() && command.directory.front() != '/')
    findings.push_back({at + "directory", "must be an absolute path"});
  if (!command.user.empty() && geteuid() != 0)
    findings.push_back({at + "user", "needs a node that runs as root: each task of the command will fail", false});
}

// Whether a path lies under a root is seen when the rule runs: both may come and go.
std::string wrong_directory(const std::string& path) {
  if (path.empty() || path.front() != '/')
    return "must be an absolute path";
  if (path.find_first_not_of('/') == std::string::npos)
    return "must not be the whole file system";
  return {};
}

void check_maintenance(const settings& values, std::vector<check_finding>& findings) {
  const auto& x = values.maintenance;
  for (const auto& root : x.roots)
    if (auto wrong = wrong_directory(root); !wrong.empty())
      findings.push_back({"maintenance.roots", "\"" + root + "\" " + wrong});
  for (const auto& action : x.actions)
    if (std::find(maintenance_actions.begin(), maintenance_actions.end(), action) == maintenance_actions.end())
      findings.push_back(
        {"maintenance.actions", "\"" + action + "\" is not an action: there are " + maintenance_action_list()});
  for (const auto& [name, rule] : x.cleanup) {
    auto at = "maintenance.cleanup." + name;
    if (auto wrong = wrong_directory(rule.path); !wrong.empty())
      findings.push_back({at + ".path", wrong});
    if (rule.older_than.count() == 0 && rule.larger_than_mb == 0 && rule.keep_newest == 0)
      findings.push_back({at, "would remove every file: set older-than, larger-than-mb or keep-newest"});
  }
  for (const auto& [name, rule] : x.rotate)
    if (auto wrong = wrong_directory(rule.path); !wrong.empty())
      findings.push_back({"maintenance.rotate." + name + ".path", wrong});
  if (x.roots.empty() && !(x.cleanup.empty() && x.rotate.empty()))
    findings.push_back(
      {"maintenance.roots", "names no directory: the rules for clean-up and rotation do nothing", false});
}

} // namespace

std::optional<bool> is_loopback(const std::string& address) {
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1)
    return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, address.c_str(), &v6) == 1)
    return IN6_IS_ADDR_LOOPBACK(&v6);
  return std::nullopt;
}

std::string maintenance_action_list() {
  std::string result;
  for (auto action : maintenance_actions)
    result += (result.empty() ? "" : ", ") + std::string{action};
  return result;
}

std::string resolved_address(const std::string& address) { return address == "localhost" ? "127.0.0.1" : address; }

std::vector<check_finding> check_settings(const settings& values) {
  std::vector<check_finding> findings;
  if (values.node.data_dir.empty())
    findings.push_back({"node.data-dir", "must name a directory"});
  check_network(values, findings);
  check_cluster(values, findings);
  for (auto& [name, command] : values.commands)
    check_command(name, command, findings);
  check_maintenance(values, findings);
  return findings;
}

} // namespace overwatch
