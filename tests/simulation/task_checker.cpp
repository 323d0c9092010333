#include "tests/simulation/task_checker.hpp"

#include "messages/codec.hpp"

#include <algorithm>
#include <functional>

namespace overwatch::simulation {

namespace {

std::string name(const task_id& id, uint32_t attempt) { return to_string(id) + " attempt " + std::to_string(attempt); }

std::string describe(const fencing_token& x) { return std::to_string(x.epoch) + "." + std::to_string(x.attempt); }

// What an entry did, as far as every replica must see it.
uint64_t digest_of(const applied_entry& x) {
  std::string bytes;
  encoder to{bytes};
  to(x.index, x.time, x.results.size());
  for (const auto& result : x.results)
    to(static_cast<uint32_t>(result.error.code), result.id, result.status, result.existing, result.version);
  for (const auto& change : x.changes)
    to(change.kind, change.spec->id, change.state);
  for (const auto& document : x.documents)
    to(document.kind, document.name, document.version, document.value);
  return std::hash<std::string>{}(bytes);
}

} // namespace

void task_checker::fail(const std::string& finding) {
  if (finding_.empty())
    finding_ = finding;
}

// -- nodes -----------------------------------------------------------------------

void task_checker::applied(const std::string& node, const applied_entry& x) {
  auto digest = digest_of(x);
  auto [known, is_new] = entries_.try_emplace({x.partition, x.index}, digest);
  if (known->second != digest)
    fail(node + ": the entry at " + std::to_string(x.index) + " did something else than on another node");
  if (!is_new)
    return;
  ++entries;
  auto& newest = newest_[x.partition];
  auto is_late = x.index < newest; // what a node applies while it starts is not reported: another one tells it later
  newest = std::max(newest, x.index);
  for (const auto& change : x.changes)
    if (!is_late)
      take(change);
    else if (auto& known = tasks_[change.spec->id].newest; known.attempt < change.state.fence.attempt)
      known = change.state.fence;
}

void task_checker::take(const task_change& x) {
  const auto& id = x.spec->id;
  auto& known = tasks_[id];
  if (x.kind == change_kind::removed)
    return;
  if (known.ended && x.kind != change_kind::rollback && x.kind != change_kind::approved) {
    fail(to_string(id) + ": something happened to it after it had ended");
    return;
  }
  if (x.kind == change_kind::started) {
    if (x.state.fence.attempt <= known.newest.attempt)
      fail(name(id, x.state.fence.attempt) + " started twice");
    known.newest = x.state.fence;
  }
  if (!is_terminal(x.state.status))
    return;
  ++outcomes;
  known.ended = outcome{x.state.status, x.state.fence, x.state.error.kind};
  if (known.told)
    compare(id, known.told, *known.ended, "the log");
  if (x.state.status != task_status::completed || x.state.fence.attempt == 0)
    return;
  auto end = ended_.find({id, x.state.fence.attempt});
  if (end == ended_.end() || end->second != violation::none)
    fail(name(id, x.state.fence.attempt) + " counts as completed, and its handler never said so");
}

void task_checker::state(const std::string& node, partition_id partition, uint64_t position, uint64_t digest) {
  auto [known, is_new] = states_.try_emplace({partition, position}, digest);
  if (known->second != digest)
    fail(node + ": its state at " + std::to_string(position) + " is not that of another node");
}

// -- attempts --------------------------------------------------------------------

void task_checker::began(host_id where, const task_spec& spec, const fencing_token& fence) {
  ++attempts;
  attempt_name key{spec.id, fence.attempt};
  const auto& known = tasks_[spec.id];
  if (!begun_.emplace(key, fence).second)
    fail(name(spec.id, fence.attempt) + " began twice");
  if (fence.attempt > known.newest.attempt)
    fail(name(spec.id, fence.attempt) + " began, and is not in the log");
  if (known.told && fence.attempt > known.told->fence.attempt)
    fail(name(spec.id, fence.attempt) + " began after a client was told that the task had ended");
  live_[key] = {where, spec.task_type, spec.resources.exclusive, spec.concurrency};
  holds_too_much(spec);
  takes_too_many_slots(where, spec.task_type);
}

void task_checker::holds_too_much(const task_spec& spec) {
  for (const auto& wanted : spec.resources.exclusive) {
    std::string holders;
    size_t count = 0;
    for (const auto& [key, x] : live_)
      if (std::count(x.names.begin(), x.names.end(), wanted) > 0) {
        ++count;
        holders += " " + name(key.first, key.second) + " on host " + std::to_string(x.where);
      }
    if (count > 1)
      fail("\"" + wanted + "\" is held by more than one:" + holders);
  }
  if (spec.concurrency.key.empty())
    return;
  std::string holders;
  size_t count = 0;
  for (const auto& [key, x] : live_)
    if (x.key.key == spec.concurrency.key) {
      ++count;
      holders += " " + name(key.first, key.second) + " on host " + std::to_string(x.where);
    }
  if (count > spec.concurrency.limit)
    fail("more than " + std::to_string(spec.concurrency.limit) + " run with the key " + spec.concurrency.key + ":"
         + holders);
}

void task_checker::takes_too_many_slots(host_id where, const std::string& task_type) {
  auto of_type = std::count_if(live_.begin(), live_.end(), [&](const auto& x) {
    return x.second.where == where && x.second.task_type == task_type;
  });
  if (of_type > slots_of_pool_)
    fail(std::to_string(of_type) + " run in a pool of " + std::to_string(slots_of_pool_) + " slots");
  if (auto all = running_on(where); all > slots_of_node_)
    fail(std::to_string(all) + " run on a node that may run " + std::to_string(slots_of_node_));
}

void task_checker::ended(host_id where, const task_id& id, const fencing_token& fence, violation kind) {
  attempt_name key{id, fence.attempt};
  auto i = live_.find(key);
  if (i == live_.end() || i->second.where != where)
    fail(name(id, fence.attempt) + " ended, and did not run there");
  else
    live_.erase(i);
  ended_[key] = kind;
}

void task_checker::died(host_id where) {
  for (auto i = live_.begin(); i != live_.end();)
    i = i->second.where == where ? live_.erase(i) : std::next(i);
}

uint32_t task_checker::newest_attempt(const task_id& id) const {
  auto i = tasks_.find(id);
  return i == tasks_.end() ? 0 : i->second.newest.attempt;
}

uint32_t task_checker::running_on(host_id where) const {
  auto count = std::count_if(live_.begin(), live_.end(), [&](const auto& x) { return x.second.where == where; });
  return static_cast<uint32_t>(count);
}

std::optional<fencing_token> task_checker::newest_fence(const task_id& id) const {
  auto i = tasks_.find(id);
  return i == tasks_.end() ? std::nullopt : std::optional{i->second.newest};
}

// -- clients ---------------------------------------------------------------------

void task_checker::acknowledged(const submit_receipt& x) {
  if (!x.error)
    acknowledged_.insert(x.id);
}

void task_checker::compare(const task_id& id, std::optional<outcome>& known, const outcome& found, const char* whose) {
  if (!known)
    known = found;
  else if (known->status != found.status || known->fence != found.fence || known->kind != found.kind)
    fail(to_string(id) + " had ended as " + std::string{name_of(known->status)} + " (" + describe(known->fence)
         + "), and " + whose + " says " + std::string{name_of(found.status)} + " (" + describe(found.fence) + ")");
}

void task_checker::told(const task_record& x) {
  const auto& id = x.spec.id;
  acknowledged_.insert(id);
  if (!is_terminal(x.state.status))
    return;
  auto& known = tasks_[id];
  outcome found{x.state.status, x.state.fence, x.state.error.kind};
  compare(id, known.told, found, "a node");
  if (known.ended) // what is applied while a node starts is not reported
    compare(id, known.ended, found, "a node");
  auto expected = "{\"epoch\":" + std::to_string(x.state.fence.epoch)
                  + ",\"attempt\":" + std::to_string(x.state.fence.attempt) + "}";
  if (x.state.status == task_status::completed && !x.result.empty() && x.result != expected)
    fail(to_string(id) + " completed as " + expected + " with the result of another attempt: " + x.result);
}

task_checker::knowledge task_checker::known(const task_id& id) const {
  knowledge x;
  x.exists = acknowledged_.count(id) > 0;
  auto i = tasks_.find(id);
  x.ended = i != tasks_.end() && i->second.told;
  return x;
}

void task_checker::read(const task_id& id, const knowledge& before, const task_record* found) {
  ++current_reads;
  if (before.exists && !found)
    fail(to_string(id) + " was acknowledged, and a current read does not find it");
  if (before.ended && found && !is_terminal(found->state.status))
    fail(to_string(id) + " had ended, and a current read shows it unfinished");
}

uint64_t task_checker::known_version(const std::string& key) const {
  auto i = versions_.find(key);
  return i == versions_.end() ? 0 : i->second;
}

void task_checker::wrote(const key_record& x) {
  auto& known = versions_[x.key];
  known = std::max(known, x.version);
}

void task_checker::read(const std::string& key, uint64_t version_before, uint64_t version_found) {
  ++current_reads;
  if (version_found < version_before)
    fail("key " + key + ": version " + std::to_string(version_before) + " was acknowledged, and a current read shows "
         + std::to_string(version_found));
}

} // namespace overwatch::simulation
