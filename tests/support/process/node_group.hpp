#pragma once

#include "tests/support/process/node_api.hpp"
#include "tests/support/process/node_process.hpp"
#include "tests/support/process/test_network.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::support {

/// How the nodes of a cluster are started.
struct group_options {
  std::vector<std::string> names;
  size_t listed = SIZE_MAX;    ///< so many of them know each other; the others know the first one and themselves
  node_options node;           ///< what all have
  std::string cluster_config;  ///< lines for their `cluster` section
  const test_network* network = nullptr; ///< with a host for each name; then `cluster_config` has certificates
  std::map<std::string, std::string> data_dirs; ///< of nodes whose data are not in the scratch directory
};

/// The nodes of one cluster as processes, and what they say of it. Started, killed and so on by one thread; asked by
/// any.
class node_group {
public:
  explicit node_group(group_options options);

  const std::vector<std::string>& names() const { return names_; }
  node_process& process(const std::string& name) const { return *members_.at(name).process; }
  std::string address(const std::string& name) const; ///< for the other nodes
  void start(const std::vector<std::string>& names);
  void start() { start(names_); }

  /// It comes back with nothing.
  void lose_disk(const std::string& name);

  /// What a node answers, or nothing when it does not. `path` continues /api/overwatch.
  std::optional<http_answer> ask(const std::string& name, const std::string& path, std::string_view body = {},
                                 std::string_view method = "GET",
                                 std::chrono::milliseconds limit = std::chrono::seconds{40}) const;

  /// The node takes requests: it has its data, and sees somebody lead.
  bool serves(const std::string& name) const;

  boost::json::object cluster(const std::string& asked) const;

  /// What `asked` says of a partition; empty when it says nothing.
  boost::json::object group(const std::string& asked, size_t partition = 0) const;
  std::string leader(const std::string& asked) const { return text_at(group(asked), "leader"); }

  /// Who leads the first partition, said by somebody who knows it for current; empty: nobody.
  std::string current_leader() const;

  /// Node and id of all that have a vote, as `asked` knows it.
  std::map<std::string, std::string> voters(const std::string& asked) const;

  /// Every node serves, and they and nobody else have a vote in every partition, as each of them knows it.
  bool is_whole() const;

  /// As `asked` sees it: "up" or "down".
  std::string state(const std::string& name, const std::string& asked) const;

  /// Submits a task that does nothing, with a name that no other one here has; its id, when it was acknowledged.
  std::optional<std::string> submit(const std::string& to) const;

  /// The end of every node's log goes to standard output.
  void print_logs() const;

private:
  struct member {
    std::unique_ptr<reserved_port> caf_port;
    std::string host;
    std::unique_ptr<node_process> process;
  };

  std::string entry(const std::string& name) const { return '"' + name + '=' + address(name) + '"'; }
  std::string nodes_known_to(size_t index, const group_options& options) const;
  bool has_all_votes(const boost::json::object& partition, const std::map<std::string, std::string>& ids) const;

  std::vector<std::string> names_;
  std::map<std::string, member> members_;
  mutable std::atomic<uint64_t> submits_{0};
};

} // namespace overwatch::support
