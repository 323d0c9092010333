#pragma once

#include "runtime/replication/raft_log.hpp"
#include "tests/replication/played_replica.hpp"

#include <algorithm>
#include <set>

namespace overwatch {

/// Several `raft_log`s that talk to each other over a network without faults, in steps that the test chooses.
struct played_cluster {
  std::map<member_id, std::unique_ptr<played_replica>> nodes;
  std::set<member_id> down; ///< they get nothing, send nothing, and their clock stands still
  std::function<bool(member_id to, const log_message&)> is_lost = [](member_id, const log_message&) { return false; };
  std::vector<log_member> initial;
  log_time now{0};

  explicit played_cluster(uint64_t size) {
    for (uint64_t id = 1; id <= size; ++id)
      initial.push_back({id, "node" + std::to_string(id), true});
    for (uint64_t id = 1; id <= size; ++id)
      add(id, initial);
  }

  played_replica& add(member_id id, std::vector<log_member> members) {
    raft_log_options options;
    options.id = id;
    options.initial_members = std::move(members);
    options.seed = static_cast<unsigned>(id);
    auto& x = nodes[id];
    x = std::make_unique<played_replica>(nullptr);
    options.read_entries = [replica = x.get()](uint64_t first, uint64_t last, size_t) {
      std::vector<log_append> result;
      for (auto i = replica->entries.find(first); i != replica->entries.end() && i->first <= last; ++i)
        result.push_back(i->second);
      return result;
    };
    x->make_log = [options] { return std::make_unique<raft_log>(options); };
    x->start(now);
    return *x;
  }

  played_replica& operator[](member_id id) { return *nodes.at(id); }

  void deliver() {
    for (auto busy = true; busy;) {
      busy = false;
      for (auto& [id, x] : nodes)
        for (auto& message : std::exchange(x->sent, {})) {
          if (down.count(id) > 0 || down.count(message.to) > 0 || nodes.count(message.to) == 0 ||
              is_lost(message.to, message))
            continue;
          busy = true;
          auto& to = *nodes.at(message.to);
          to.carry_out(to.log->receive(now, message.bytes));
        }
    }
  }

  void pass(log_time duration) {
    for (auto end = now + duration; now < end; now += log_time{10}) {
      for (auto& [id, x] : nodes)
        if (down.count(id) == 0)
          x->carry_out(x->log->tick(now));
      deliver();
    }
  }

  member_id leader() {
    for (auto& [id, x] : nodes)
      if (down.count(id) == 0 && x->log->leads())
        return id;
    return 0;
  }

  // Passes time until there is a leader, lets it propose, and returns it.
  played_replica& elect() {
    for (int i = 0; i < 100 && leader() == 0; ++i)
      pass(log_time{100});
    auto& x = (*this)[leader()];
    x.propose("opening");
    deliver();
    return x;
  }

  log_answer ask(played_replica& x, log_answer (replicated_log::*what)(member_id, log_update&), member_id id) {
    log_update update;
    auto answer = ((*x.log).*what)(id, update);
    x.carry_out(std::move(update));
    deliver();
    return answer;
  }

  // All hear that the connections with this one work, or fail.
  void reach(member_id id, bool in_reach) {
    for (auto& [other, x] : nodes)
      if (other != id && down.count(other) == 0)
        x->carry_out(x->log->reach(now, id, in_reach));
  }

  void connect() {
    for (auto& [id, x] : nodes)
      reach(id, true);
  }

  bool all_sleep() {
    return std::all_of(nodes.begin(), nodes.end(), [](const auto& x) { return x.second->log->sleeps(); });
  }

  void wake(played_replica& x) {
    x.carry_out(x.log->wake(now));
    deliver();
  }

  log_answer add_learner(played_replica& leading, member_id id) {
    log_update update;
    auto answer = leading.log->add_member({id, "node" + std::to_string(id), false}, update);
    leading.carry_out(std::move(update));
    deliver();
    return answer;
  }
};

} // namespace overwatch
