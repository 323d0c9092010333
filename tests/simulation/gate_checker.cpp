#include "tests/simulation/gate_checker.hpp"

#include <algorithm>

namespace overwatch::simulation {

void gate_checker::applied(const applied_entry& x) {
  for (const auto& change : x.changes) {
    if (change.kind != change_kind::started)
      continue;
    for (const auto& gate : change.spec->required_gates) {
      auto closed = closed_after_.find(gate);
      if (closed == closed_after_.end())
        continue;
      auto known = closed->second.find(x.partition);
      if (known == closed->second.end() || x.index > known->second)
        all_.fail(to_string(change.spec->id) + " started at " + std::to_string(x.index)
                  + ", and a client was told that " + gate + " is closed");
    }
  }
}

uint64_t gate_checker::asked(const std::string& gate) {
  known_.erase(gate);
  closed_after_.erase(gate);
  return asked_[gate] = ++changes_;
}

void gate_checker::told(const std::string& gate, uint64_t change, bool open) {
  if (asked_[gate] != change)
    return; // another one may have come behind it
  known_[gate] = {open, change};
  if (open)
    return;
  ++closed;
  closed_after_[gate] = all_.newest();
}

void gate_checker::read(const std::map<std::string, knowledge>& before, const gates_reply& found) {
  ++all_.current_reads;
  for (const auto& [gate, x] : before) {
    auto now = known_.find(gate);
    if (now == known_.end() || now->second.change != x.change)
      continue; // somebody asked for a change meanwhile
    auto shown = std::find_if(found.gates.begin(), found.gates.end(), [&, &gate = gate](const auto& y) {
      return y.name == gate;
    });
    if (shown == found.gates.end() || shown->open != x.open)
      all_.fail("a client was told that " + gate + (x.open ? " is open" : " is closed") + ", and a current read shows "
                + (shown == found.gates.end() ? "no such gate" : "it otherwise"));
  }
}

} // namespace overwatch::simulation
