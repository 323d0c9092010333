#include "config/certificates.hpp"
#include "config/checks.hpp"
#include "config/cluster_nodes.hpp"

#include <algorithm>
#include <map>

/// What must hold between the options of nodes that know each other.
namespace overwatch {

namespace {

using findings = std::vector<check_finding>;

// A name other than localhost is taken for another machine.
bool is_this_machine(const std::string& host) {
  return host == "localhost" || is_loopback(host).value_or(false);
}

void check_certificate_options(const settings& values, findings& result) {
  const auto& x = values.cluster;
  const std::map<std::string, const std::string*> files{
    {"cluster.certificate", &x.certificate}, {"cluster.key", &x.key}, {"cluster.ca", &x.ca}};
  auto set = std::count_if(files.begin(), files.end(), [](const auto& file) { return !file.second->empty(); });
  if (set == 0)
    return;
  for (const auto& [name, path] : files)
    if (path->empty())
      result.push_back({name, "is missing: cluster.certificate, cluster.key and cluster.ca go together "
                              "(`overwatch cluster issue` makes all three)"});
  if (set == static_cast<long>(files.size()))
    for (auto& finding : check_certificates({x.certificate, x.key, x.ca}, std::chrono::system_clock::now()))
      result.push_back({"cluster." + finding.file, std::move(finding.message), finding.fatal});
}

void check_addresses(const settings& values, const std::vector<cluster_node>& nodes, findings& result) {
  std::map<std::string, std::string> names_by_address;
  std::map<std::string, int> times;
  for (const auto& node : nodes) {
    if (++times[node.name] == 2)
      result.push_back({"cluster.nodes", "names \"" + node.name + "\" twice"});
    auto [first, is_new] = names_by_address.emplace(node.address(), node.name);
    if (!is_new && first->second != node.name)
      result.push_back({"cluster.nodes", "\"" + first->second + "\" and \"" + node.name + "\" have one address, "
                                           + node.address()});
    if (!has_certificate(values) && !is_this_machine(node.host))
      result.push_back({"cluster.nodes", "\"" + node.name + "\" is on another machine (" + node.host
                                           + "): that needs cluster.certificate, cluster.key and cluster.ca "
                                             "(see `overwatch cluster init-ca`)"});
  }
}

void check_own_node(const settings& values, const std::vector<cluster_node>& nodes, findings& result) {
  auto name = node_name(values);
  auto own = std::find_if(nodes.begin(), nodes.end(), [&](const auto& x) { return x.name == name; });
  if (own == nodes.end()) {
    std::string all;
    for (const auto& x : nodes)
      all += (all.empty() ? "" : ", ") + x.name;
    result.push_back({"cluster.nodes", "does not name this node, \"" + name + "\" (node.name), but " + all});
    return;
  }
  if (values.caf.port == 0) {
    result.push_back({"caf.port", "must be a port: the other nodes reach this one there, at " + own->address()});
    return;
  }
  if (own->port != values.caf.port)
    result.push_back({"caf.port", "is " + std::to_string(values.caf.port) + ", but cluster.nodes sends the others to "
                                    + own->address() + ": right only if something forwards that", false});
  if (!is_this_machine(own->host) && is_this_machine(values.caf.address))
    result.push_back({"caf.address", "is a loopback address: nodes on other machines cannot reach this one at "
                                       + own->address() + " unless something forwards that", false});
}

} // namespace

void check_cluster(const settings& values, findings& result) {
  check_certificate_options(values, result);
  const auto& x = values.cluster;
  if (x.lease >= x.adopt_timeout)
    result.push_back(
      {"cluster.lease", "must be less than cluster.adopt-timeout (" + std::to_string(x.adopt_timeout.count()) +
                          " s): a node has to stop what must not run twice before another one starts it"});
  if (values.cluster.nodes.empty())
    return;
  auto readable = true;
  for (const auto& text : values.cluster.nodes)
    if (!read_cluster_node(text)) {
      readable = false;
      result.push_back({"cluster.nodes", "\"" + text + "\" must be name=host:port, for example a=10.0.0.1:7000; names "
                                           "have letters, digits, '-', '_' and '.', at most "
                                           + std::to_string(max_node_name)});
    }
  if (values.cluster.nodes.size() > max_cluster_nodes)
    result.push_back({"cluster.nodes", "names more than " + std::to_string(max_cluster_nodes) + " nodes"});
  if (!readable)
    return;
  auto nodes = cluster_nodes(values);
  check_addresses(values, nodes, result);
  check_own_node(values, nodes, result);
}

} // namespace overwatch
