#pragma once

#include "tests/cluster/fault_load.hpp"
#include "tests/cluster/history.hpp"
#include "tests/cluster/run_record.hpp"
#include "tests/cluster/small_disk.hpp"
#include "tests/config/made_certificates.hpp"
#include "tests/support/process/node_group.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace overwatch {

struct fault_cluster_options {
  unsigned nodes = 3;           ///< named a, b, c and so on
  unsigned partitions = 1;
  bool network = false;         ///< each node on a host of its own, with certificates
  bool small_disks = false;     ///< of all nodes
  unsigned seed = 1;            ///< of the load
};

/// A cluster of real nodes under load, whose clients keep a history of it. One thread.
class fault_cluster {
public:
  /// How long nodes may take to be whole again when nothing is wrong any more. Machines that run tests are busy.
  static constexpr std::chrono::seconds repair_limit{90};

  /// Starts nothing. Throws std::runtime_error that says why when network or disks cannot be made here.
  explicit fault_cluster(const fault_cluster_options& options);
  ~fault_cluster();

  /// The nodes, and once all are members, the load. Throws std::runtime_error when they do not find each other.
  void start();

  support::node_group& nodes() { return *nodes_; }
  support::test_network& network() { return *network_; }
  small_disk& disk(const std::string& node) { return *disks_.at(node); }
  fault_load& load() { return *load_; }
  history& record() { return history_; }
  const std::vector<std::string>& names() const { return nodes_->names(); }
  std::vector<std::string> names_but(const std::string& one) const;

  /// The node that leads and knows it; throws std::runtime_error when none does for `repair_limit`.
  std::string leader() const;

  /// Puts an end to every fault and waits until all nodes are members that serve. False when that did not happen.
  bool repair();

  /// Ends the load, repairs, lets all tasks end and asks every node for what it has: the violations, and whatever kept
  /// it from judging.
  std::vector<std::string> judge();

private:
  bool end_all_tasks();
  std::vector<task_sight> list(const std::string& node, const std::string& filter = {}) const;

  std::vector<std::string> cluster_names_;
  support::scratch_directory place_;
  run_record runs_{place_.path() + "/runs"};
  std::optional<test::made_certificates> certificates_;
  std::unique_ptr<support::test_network> network_;
  std::map<std::string, std::unique_ptr<small_disk>> disks_;
  std::unique_ptr<support::node_group> nodes_;
  unsigned seed_;
  history history_;
  std::unique_ptr<fault_load> load_;
};

} // namespace overwatch
