#include "tests/simulation/node_cluster.hpp"

#include "messages/codec.hpp"

#include <algorithm>

/// What the nodes of a simulated cluster must be able to do when all has healed.
namespace overwatch::simulation {

namespace {

constexpr milliseconds until_all_run{30'000}; ///< from many tasks to attempts in every slot
constexpr milliseconds between_opening{1'000}; ///< of gates that are closed

} // namespace

// One partition that has enough tasks gets all slots of all nodes, whatever was promised to others before.
void node_cluster::use_all_slots() {
  std::map<std::string, uint32_t> most;
  for (const auto& [name, x] : nodes_)
    if (is_member(name))
      most[name] = 0;
  auto partition = static_cast<partition_id>(world_.random.number(0, world_.partitions - 1));
  for (auto begin = world_.time.now(); world_.time.now() < begin + until_all_run;) {
    if ((world_.time.now() - begin).count() % 1'000 == 0)
      clients_.submit_many(*nodes_.begin()->second, partition, 2 * slots_of_node * most.size());
    advance();
    for (auto& [name, count] : most)
      count = std::max(count, world_.checker.running_on(nodes_.at(name)->life().id()));
    if (std::all_of(most.begin(), most.end(), [](const auto& x) { return x.second == slots_of_node; }))
      return;
  }
  std::string text;
  for (const auto& [name, count] : most)
    text += " " + name + " " + std::to_string(count);
  throw broken_rule{"partition " + std::to_string(partition) + " has tasks for all of the "
                    + std::to_string(slots_of_node) + " slots of each node, and no more ran at once than:" + text
                    + describe()};
}

// Whoever closed them may be gone, and may have been told that it did not come off.
void node_cluster::open_gates() {
  const auto* control = leading(control_partition);
  if (!control || world_.time.now() < gates_opened_ + between_opening)
    return;
  gates_opened_ = world_.time.now();
  auto [i, end] = control->machine->documents().with_prefix(document_kind::gate, {});
  for (; i != end; ++i)
    if (gate_record x; i->second.value && decode(*i->second.value, x) && !x.open)
      clients_.set_gate(*nodes_.begin()->second, x.name, true);
}

std::vector<schedule_record> node_cluster::schedules() const {
  std::vector<schedule_record> result;
  auto [i, end] = leading(control_partition)->machine->documents().with_prefix(document_kind::schedule, {});
  for (; i != end; ++i)
    if (schedule_record x; i->second.value && decode(*i->second.value, x))
      result.push_back(std::move(x));
  return result;
}

// Wherever they were when the lead of the control partition moved: no slot is lost, none has two tasks.
void node_cluster::look_at_schedules() {
  auto all = schedules();
  world_.schedules.look_at(all);
  for (const auto& x : all)
    clients_.look_at_slots(*nodes_.begin()->second, x);
  come_to_rest();
}

} // namespace overwatch::simulation
