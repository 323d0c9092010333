#include "tests/bench/bench_cluster.hpp"

#include "tests/support/process/eventually.hpp"

#include <stdexcept>

namespace overwatch::bench {

namespace {

constexpr std::chrono::seconds patience{120};

support::group_options group_of(const bench_options& options, unsigned nodes, unsigned partitions) {
  support::group_options result;
  for (unsigned i = 0; i < nodes; ++i)
    result.names.emplace_back(1, static_cast<char>('a' + i));
  result.node = bench_node(options);
  if (partitions > 1)
    result.cluster_config = "  partitions = " + std::to_string(partitions) + "\n";
  return result;
}

template <class Condition>
void wait_until(Condition condition, const char* what) {
  auto checked = [&] {
    check_interrupted();
    return condition();
  };
  if (!support::eventually(checked, patience))
    throw std::runtime_error{std::string{"waited too long: "} + what};
}

} // namespace

bench_cluster::bench_cluster(const bench_options& options, report& results, unsigned nodes, unsigned partitions)
  : nodes_{group_of(options, nodes, partitions)} {
  nodes_.start();
  wait_until_whole();
  results.set_version(support::node_api{port(nodes_.names().front())}.version());
}

std::string bench_cluster::leader() const {
  std::string result;
  wait_until([&] { return !(result = nodes_.current_leader()).empty(); }, "nobody leads");
  return result;
}

std::string bench_cluster::follower() const {
  auto leads = leader();
  for (const auto& name : nodes_.names())
    if (name != leads)
      return name;
  return leads;
}

void bench_cluster::wait_until_whole() {
  wait_until([&] { return nodes_.is_whole(); }, "the nodes are not all members");
}

void bench_cluster::stop() {
  for (const auto& name : nodes_.names())
    process(name).stop();
}

} // namespace overwatch::bench
