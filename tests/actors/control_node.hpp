#pragma once

#include "messages/codec.hpp"
#include "messages/control.hpp"
#include "messages/gate.hpp"
#include "tests/support/deterministic_node.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace overwatch::test {

inline auto waits_for_gate(const std::string& name) {
  return [=](task_spec& x, size_t = 0) {
    x.required_gates = {name};
    x.on_closed_gate = gate_policy::wait;
  };
}

inline auto keyed(const std::string& name, uint32_t limit = 1) {
  return [=](task_spec& x, size_t = 0) { x.concurrency = {name, limit}; };
}

/// Execution control through the whole stack of a node, on virtual time.
class control_node : public deterministic_node {
public:
  command_result propose(command x) {
    propose_request request;
    request.commands.push_back(std::move(x));
    auto reply = ask<propose_reply>(links.scheduler, request);
    return reply.results.empty() ? command_result{} : reply.results.front();
  }

  void set_gate(const std::string& name, bool open, gate_kind kind = gate_kind::manual) {
    gate_record gate;
    gate.name = name;
    gate.open = open;
    gate.definition.kind = kind;
    EXPECT_FALSE(propose(put_command{document_kind::gate, name, encode(gate), {}}).error);
  }

  template <class Change>
  std::vector<task_id> submit_many(size_t count, Change change) {
    std::vector<task_id> ids;
    while (ids.size() < count) {
      submit_request request;
      for (auto n = std::min<size_t>(count - ids.size(), max_submit_tasks); n > 0; --n) {
        auto spec = std::make_shared<task_spec>();
        spec->name = "task " + std::to_string(ids.size() + request.tasks.size());
        spec->task_type = "noop";
        change(*spec, ids.size() + request.tasks.size());
        request.tasks.push_back({spec, std::make_shared<const std::string>("{}")});
      }
      for (const auto& receipt : ask<submit_reply>(gateway_handle, request).receipts)
        ids.push_back(receipt.id);
    }
    return ids;
  }

  wait_kind why(const task_id& id) { return ask<why_reply>(gateway_handle, why_request{id}).kind; }

  // Finishes what comes until nothing comes any more; the names in the order of their starts.
  std::vector<std::string> run_all(const pool_actor& pool) {
    std::vector<std::string> names;
    for (auto assigned = take_assigned(pool); !assigned.empty(); assigned = take_assigned(pool))
      for (const auto& x : assigned) {
        names.push_back(x.task.spec->name);
        finish(x);
      }
    return names;
  }
};

} // namespace overwatch::test
