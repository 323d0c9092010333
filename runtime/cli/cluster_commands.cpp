#include "runtime/cli/command.hpp"

#include "config/certificate_authority.hpp"
#include "config/cluster_nodes.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>
#include <sstream>

/// `overwatch cluster ...`. Certificates are made here, without a node: whoever has the directory of the authority
/// decides who belongs to the cluster.
namespace overwatch::cli {

namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr mode_t secret = S_IRUSR | S_IWUSR;
constexpr mode_t open_to_all = secret | S_IRGRP | S_IROTH;
constexpr std::chrono::hours day{24};
constexpr int longest_days = 36'500;

struct certificate_options {
  std::string directory, name;
  std::vector<std::string> hosts;
  int days = 0;
  bool replace = false;
};

[[noreturn]] void fail_at(const fs::path& path, const char* what) {
  auto reason = std::string{std::strerror(errno)};
  throw command_failure{exit_code::failed, std::string{what} + " " + printable(path.string()) + ": " + reason};
}

// A private key is never readable by others, not for a moment either.
void write_file(const fs::path& path, const std::string& content, mode_t mode) {
  auto fresh = path;
  fresh += ".new";
  ::unlink(fresh.c_str());
  auto fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0)
    fail_at(fresh, "cannot create");
  auto whole = ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  auto durable = whole && ::fsync(fd) == 0;
  if (::close(fd) != 0 || !durable)
    fail_at(fresh, "cannot write");
  if (::rename(fresh.c_str(), path.c_str()) != 0)
    fail_at(path, "cannot replace");
}

std::string read_file(const fs::path& path) {
  errno = ENOENT;
  std::ifstream in{path};
  std::ostringstream content;
  if (!in || !(content << in.rdbuf()))
    fail_at(path, "cannot read");
  return content.str();
}

void refuse_existing(const fs::path& path, const char* way_out) {
  if (fs::exists(path))
    throw command_failure{exit_code::failed, printable(path.string()) + " is there already: " + way_out};
}

// Clocks of machines differ: what was made now must be valid on all of them.
certificate_validity validity_of(int days) {
  auto now = std::chrono::system_clock::now();
  return {now - day, now + days * day};
}

key_pair made(const std::function<key_pair()>& make) {
  try {
    return make();
  } catch (const certificate_failure& failure) {
    throw command_failure{exit_code::failed, std::string{"cannot make the certificate: "} + failure.what()};
  }
}

exit_code make_ca(const command_context& context, const certificate_options& options) {
  const fs::path directory{options.directory};
  const auto certificate = directory / "ca.crt";
  const auto key = directory / "ca.key";
  for (const auto& path : {certificate, key})
    refuse_existing(path, "a cluster has one authority. Choose another directory for another cluster");
  std::error_code fault;
  fs::create_directories(directory, fault);
  if (fault)
    throw command_failure{exit_code::failed, "cannot make " + printable(directory.string()) + ": " + fault.message()};
  const auto pair = made([&] { return make_authority(options.name, validity_of(options.days)); });
  write_file(key, pair.key, secret);
  write_file(certificate, pair.certificate, open_to_all);
  if (context.options.json) {
    context.print_raw(json::serialize(json::object{{"certificate", certificate.string()}, {"key", key.string()}}));
    return exit_code::good;
  }
  auto shown = printable(directory.string());
  context.console.out << "made the authority of a cluster in " << shown << "\n\n"
                      << "  ca.crt  goes to every node\n"
                      << "  ca.key  stays here: whoever has it can let nodes and programs into the cluster\n\n"
                      << "next, for each node:\n"
                      << "  overwatch cluster issue " << shown << " NAME --host ADDRESS\n";
  return exit_code::good;
}

void print_next_steps(const command_context& context, const certificate_options& options) {
  auto name = printable(options.name);
  context.console.out << "issued a certificate for " << name << ", valid for " << options.days << " days\n\n"
                      << "next, on the machine of " << name << ":\n"
                      << "  copy " << name << ".crt, " << name << ".key and ca.crt from "
                      << printable(options.directory) << " to it, for example to /etc/overwatch,\n"
                      << "  readable by the user of the node only: chmod 600 " << name << ".key\n\n"
                      << "and in its config file:\n"
                      << "  node { name = \"" << name << "\" }\n"
                      << "  cluster {\n"
                      << "    certificate = \"/etc/overwatch/" << name << ".crt\"\n"
                      << "    key = \"/etc/overwatch/" << name << ".key\"\n"
                      << "    ca = \"/etc/overwatch/ca.crt\"\n"
                      << "  }\n";
}

exit_code issue(const command_context& context, const certificate_options& options) {
  if (!is_node_name(options.name) || options.name == "ca")
    throw command_failure{exit_code::usage, "\"" + printable(options.name) + "\" cannot name a node: letters, digits, "
                                              "'-', '_' and '.' are allowed, at most "
                                              + std::to_string(max_node_name) + ", and not \"ca\""};
  for (const auto& host : options.hosts)
    if (host.empty() || host.find_first_of(",;= \t\n") != std::string::npos)
      throw command_failure{exit_code::usage, "\"" + printable(host) + "\" is neither an IP address nor a host's name"};
  const fs::path directory{options.directory};
  const auto certificate = directory / (options.name + ".crt");
  const auto key = directory / (options.name + ".key");
  if (!options.replace)
    for (const auto& path : {certificate, key})
      refuse_existing(path, "--replace makes a new one");
  if (!fs::exists(directory / "ca.key"))
    throw command_failure{exit_code::failed, "there is no authority in " + printable(directory.string())
                                               + ": `overwatch cluster init-ca` makes one"};
  const key_pair authority{read_file(directory / "ca.key"), read_file(directory / "ca.crt")};
  const auto pair =
    made([&] { return issue_certificate(authority, options.name, options.hosts, validity_of(options.days)); });
  write_file(key, pair.key, secret);
  write_file(certificate, pair.certificate, open_to_all);
  if (context.options.json)
    context.print_raw(json::serialize(json::object{{"certificate", certificate.string()},
                                                   {"key", key.string()},
                                                   {"ca", (directory / "ca.crt").string()}}));
  else
    print_next_steps(context, options);
  return exit_code::good;
}

void add_days(CLI::App* command, certificate_options& options, int days) {
  options.days = days;
  command->add_option("--days", options.days, "How long it is valid")
    ->type_name("DAYS")
    ->check(CLI::Range(1, longest_days))
    ->capture_default_str();
}

void add_certificate_commands(CLI::App* group, command_context& context) {
  auto authority = std::make_shared<certificate_options>();
  authority->name = "Overwatch cluster";
  auto* init = group->add_subcommand("init-ca", "Make the authority that nodes of a cluster have certificates from");
  init->add_option("DIR", authority->directory, "Directory for its certificate and its key")
    ->required()
    ->type_name("DIR");
  init->add_option("--name", authority->name, "Its name in certificates")->capture_default_str();
  add_days(init, *authority, 3'650);
  init->footer("Example:\n  overwatch cluster init-ca ca && overwatch cluster issue ca a --host 10.0.0.1");
  runs(init, context, [&context, authority] { return make_ca(context, *authority); });

  auto node = std::make_shared<certificate_options>();
  auto* one = group->add_subcommand("issue", "Make the certificate of a node, or of a program that attaches");
  one->add_option("DIR", node->directory, "Directory of the authority; the certificate is put there, too")
    ->required()
    ->type_name("DIR");
  one->add_option("NODE", node->name, "Name of the node")->required()->type_name("NODE");
  one->add_option("--host", node->hosts, "IP address or name under which it is reached; may be given several times")
    ->type_name("ADDRESS");
  one->add_flag("--replace", node->replace, "Replace the one that is there, to renew it");
  add_days(one, *node, 825);
  one->footer("Example:\n  overwatch cluster issue ca b --host 10.0.0.2 --host b.example.org");
  runs(one, context, [&context, node] { return issue(context, *node); });
}

} // namespace

void add_cluster_commands(CLI::App& app, command_context& context) {
  auto* group = app.add_subcommand("cluster", "The nodes of a cluster: state, members, certificates");
  group->require_subcommand(1);
  add_cluster_node_commands(group, context);
  add_certificate_commands(group, context);
}

} // namespace overwatch::cli
