#pragma once

#include "tests/bench/bench.hpp"
#include "tests/support/process/node_group.hpp"

#include <string>

namespace overwatch::bench {

/// Nodes on loopback that have become one cluster, with many slots for `noop`.
class bench_cluster {
public:
  /// Returns when all are members and somebody leads every partition; throws when that takes too long. The report gets
  /// their version.
  bench_cluster(const bench_options& options, report& results, unsigned nodes, unsigned partitions = 1);

  support::node_group& nodes() { return nodes_; }
  support::node_process& process(const std::string& name) { return nodes_.process(name); }

  /// The node that leads the first partition, and one that does not (of one node: the same).
  std::string leader() const;
  std::string follower() const;

  /// Waits until every node is a member that serves.
  void wait_until_whole();

  uint16_t port(const std::string& name) const { return nodes_.process(name).http_port(); }
  void stop();

private:
  support::node_group nodes_;
};

} // namespace overwatch::bench
