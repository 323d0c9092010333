#include "config/checks.hpp"

#include <arpa/inet.h>
#include <unistd.h>

#include <cctype>
#include <optional>

namespace overwatch {

namespace {

/// True for loopback, false for another address, none for text that is no address.
std::optional<bool> is_loopback(const std::string& address) {
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1)
    return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, address.c_str(), &v6) == 1)
    return IN6_IS_ADDR_LOOPBACK(&v6);
  return std::nullopt;
}

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
  else if (!*caf)
    findings.push_back({"caf.address",
                        "must be a loopback address (127.0.0.1 or ::1): the CAF port trusts everyone who "
                        "reaches it, and there is no mutual TLS yet"});
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

} // namespace

std::string resolved_address(const std::string& address) { return address == "localhost" ? "127.0.0.1" : address; }

std::vector<check_finding> check_settings(const settings& values) {
  std::vector<check_finding> findings;
  if (values.node.data_dir.empty())
    findings.push_back({"node.data-dir", "must name a directory"});
  check_network(values, findings);
  for (auto& [name, command] : values.commands)
    check_command(name, command, findings);
  return findings;
}

} // namespace overwatch
