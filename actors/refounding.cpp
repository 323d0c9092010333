#include "actors/refounding.hpp"

#include "actors/drain_setting.hpp"
#include "actors/group_plan.hpp"
#include "actors/keys.hpp"
#include "actors/log_codec.hpp"
#include "actors/partition_state.hpp"
#include "actors/stored_log.hpp"

#include <algorithm>

namespace overwatch {

namespace {

constexpr size_t flush_tasks = 16'384;      // as a replica does
constexpr size_t flush_bytes = 32ULL << 20;

caf::error no_space() { return make_error(ec::no_space, "the disk is full: make room"); }

caf::error flush(store& db, partition_state& machine) {
  write_batch batch;
  auto number = machine.flush(batch);
  if (db.write(batch, false) != store::write_result::done)
    return no_space();
  machine.flushed(number);
  return {};
}

// Applies what the log has beyond the state.
caf::error catch_up(store& db, partition_id partition, partition_state& machine) {
  return each_entry(db, partition, machine.applied() + 1, [&](const log_append& x) -> caf::error {
    if (x.index != machine.applied() + 1)
      return unreadable(partition, "entries are missing");
    if (x.kind == entry_kind::command) {
      command_batch batch;
      if (!decode_batch(x.bytes, batch))
        return unreadable(partition, "an entry");
      machine.apply(batch, x.index);
    } else {
      machine.skip(x.index);
    }
    auto due = machine.dirty_tasks() >= flush_tasks || machine.dirty_bytes() >= flush_bytes;
    return due ? flush(db, machine) : caf::error{};
  });
}

// What the old cluster's nodes were told.
command_batch forget_nodes(const partition_state& machine, timestamp time) {
  command_batch result;
  result.time = time;
  auto [first, last] = machine.documents().with_prefix(document_kind::node, {});
  for (; first != last; ++first)
    if (first->second.value)
      result.commands.emplace_back(put_command{document_kind::node, first->first.second, {}, {}});
  for (const auto& [key, value] : machine.settings())
    if (drained_node(key))
      result.commands.emplace_back(setting_command{key, {}});
  return result;
}

// As if the next entry of the log had said that this node is its only member.
caf::error refound_partition(store& db, partition_id partition, const node_identity& before, member_id self,
                             timestamp time) {
  auto log = read_log(db, partition);
  if (!log)
    return log.error();
  partition_state machine{db, partition, before.partitions};
  if (log->last == 0 && machine.applied() == 0)
    return before.founder ? caf::error{} // it has not begun, and will begin with this member
                          : make_error(ec::not_found, "the node did not have all of its cluster yet when the backup was "
                                                      "made: take a later one, or one of another node");
  if (auto error = catch_up(db, partition, machine))
    return error;
  if (machine.applied() < log->last)
    return unreadable(partition, "its state is older than its log");
  auto next = machine.applied() + 1;
  if (auto batch = forget_nodes(machine, time); batch.commands.empty())
    machine.skip(next);
  else
    machine.apply(batch, next);
  if (auto error = flush(db, machine))
    return error;
  auto term = log->term + 1;
  write_batch batch;
  batch.erase_range(key_space::log, keys::log_entry(partition, 0), keys::end_of_log(partition));
  batch.put(key_space::log, keys::hard_state(partition), encode_hard_state({term, 0}));
  batch.put(key_space::log, keys::log_snapshot(partition), encode_snapshot({next, term, {next, {{self, {}, true}}}}));
  return db.write(batch, true) == store::write_result::done ? caf::error{} : no_space();
}

caf::error is_of_member(const node_identity& identity, const std::vector<log_member>& members) {
  std::string own = "a node";
  std::string others;
  for (const auto& x : members)
    if (x.id == identity.member)
      own = "node " + node_of(x);
    else
      others += (others.empty() ? "" : ", ") + node_of(x);
  if (others.empty())
    return {};
  return make_error(ec::conflict, "nothing was restored: the backup is of " + own + ", which was in one cluster with "
                                    + others + ". While that cluster lives, or can be started again, a copy of one of its "
                                    "nodes could undo what the others have acknowledged since: start the node on an empty "
                                    "data directory instead, and the others fill it. To make a new cluster of the backup, "
                                    "beside the old one or because that is gone, add --new-cluster");
}

} // namespace

caf::expected<node_identity> refound(store& db, const refounding_options& options) {
  auto stored = db.get(key_space::log, keys::node_identity());
  node_identity before{0, 0, 1, true}; // of a store from before clusters
  if (stored) {
    auto known = decode_identity(*stored);
    if (!known)
      return make_error(ec::invalid, "the store does not say who its node is in a way that this program understands: was "
                                     "it written by a newer version?");
    before = *known;
  }
  if (!options.of_member) {
    auto control = read_log(db, control_partition);
    if (!control)
      return control.error();
    if (auto refusal = is_of_member(before, control->members))
      return refusal;
  }
  node_identity next{identity_number(options.random()), identity_number(options.random()), before.partitions, true};
  for (uint32_t i = 0; i < next.partitions; ++i)
    if (auto error = refound_partition(db, static_cast<partition_id>(i), before, next.member, options.time))
      return error;
  write_batch batch;
  batch.put(key_space::log, keys::node_identity(), encode_identity(next));
  if (db.write(batch, true) != store::write_result::done || db.checkpoint() != store::write_result::done)
    return no_space();
  return next;
}

} // namespace overwatch
