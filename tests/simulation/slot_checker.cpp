#include "tests/simulation/slot_checker.hpp"

#include "messages/codec.hpp"

#include <algorithm>

namespace overwatch::simulation {

namespace {

bool is_by_hand(const task_spec& x) { return x.unique_key.find(":hand-") != std::string::npos; }

uint64_t slots_left_out(const schedule_record& x) {
  uint64_t result = 0;
  for (const auto& slot : x.history)
    if (slot.how == slot_outcome::missed || slot.how == slot_outcome::skipped)
      result += slot.count;
  return result;
}

} // namespace

// A node may tell of an entry late, or not at all; of what it tells, the order is that of the log.
void slot_checker::applied(const applied_entry& x) {
  auto goes_on = [&](const std::string& name) {
    auto& last = last_made_at_[name];
    last = std::max(last, x.index);
  };
  for (const auto& change : x.changes) {
    const auto& spec = *change.spec;
    if (change.kind != change_kind::created || spec.origin.kind != origin_kind::schedule)
      continue;
    if (auto [known, is_new] = tasks_.emplace(spec.unique_key, spec.id); known->second != spec.id)
      all_.fail(spec.unique_key + " has two tasks: " + to_string(known->second) + " and " + to_string(spec.id));
    if (!is_by_hand(spec))
      goes_on(spec.origin.id);
  }
  for (const auto& document : x.documents) {
    schedule_record schedule;
    if (document.kind != document_kind::schedule)
      continue;
    if (document.value && decode(*document.value, schedule) && !schedule.definition.paused)
      goes_on(document.name);
    else if (auto [known, is_new] = stopped_at_.emplace(document.name, x.index); !is_new)
      known->second = std::min(known->second, x.index);
  }
  for (const auto& [name, index] : stopped_at_)
    if (auto made = last_made_at_.find(name); made != last_made_at_.end() && made->second > index)
      all_.fail("schedule " + name + " was stopped at " + std::to_string(index) + ", and goes on at "
                + std::to_string(made->second));
}

// -- clients ---------------------------------------------------------------------

void slot_checker::promised(const schedule_record& x) {
  if (x.next)
    promised_[x.name] = {*x.next, x.handled};
}

void slot_checker::asked_to_stop(const std::string& name) { promised_.erase(name); }

void slot_checker::stopped(const std::string& name) { stopped_.insert(name); }

std::optional<timestamp> slot_checker::known(const std::string& name) const {
  auto i = promised_.find(name);
  return i == promised_.end() ? std::nullopt : i->second.handled;
}

void slot_checker::read(const std::string& name, std::optional<timestamp> before, const schedule_record* found) {
  auto i = promised_.find(name);
  if (i == promised_.end())
    return;
  ++all_.current_reads;
  if (!found) {
    all_.fail("schedule " + name + " was acknowledged, and a current read does not find it");
    return;
  }
  if (found->handled < before)
    all_.fail("schedule " + name + ": a current read shows it as it was before what a client was told");
  i->second.handled = std::max(i->second.handled, found->handled);
}

// -- in the end --------------------------------------------------------------------

void slot_checker::look_at(const std::vector<schedule_record>& all) const {
  std::map<std::string, bool> stored;
  for (const auto& x : all)
    stored[x.name] = x.definition.paused;
  for (const auto& [name, x] : promised_)
    if (stored.count(name) == 0)
      all_.fail("schedule " + name + " was acknowledged, and is lost");
  for (const auto& name : stopped_)
    if (auto i = stored.find(name); i != stored.end() && !i->second)
      all_.fail("schedule " + name + " was stopped, and is there again");
}

void slot_checker::look_at(const schedule_record& schedule, const task_page& page) {
  auto promised = promised_.find(schedule.name);
  if (promised == promised_.end())
    return;
  std::set<timestamp> made;
  for (const auto& x : page.tasks)
    if (!is_by_hand(x.spec))
      made.insert(*x.spec.scheduled_at);
  const auto& definition = schedule.definition;
  uint64_t missing = 0;
  std::string text;
  for (auto slot = promised->second.first; slot < *definition.ends_at; slot += definition.interval) {
    ++accounted;
    if (made.count(slot) > 0)
      continue;
    ++missing;
    text += " " + std::to_string((*definition.ends_at - slot) / milliseconds{1});
  }
  auto left_out = slots_left_out(schedule);
  auto may_leave_out = definition.missed != missed_policy::all || definition.overlap == overlap_policy::skip;
  if (missing != left_out || (missing > 0 && !may_leave_out))
    all_.fail("schedule " + schedule.name + " has noted " + std::to_string(left_out)
              + " slots as left out, and has no tasks of those that were so many ms before its end:" + text);
}

} // namespace overwatch::simulation
