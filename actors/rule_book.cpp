#include "actors/rule_book.hpp"

#include "actors/document_name.hpp"

#include <algorithm>
#include <utility>

namespace overwatch {

namespace {

using std::chrono::duration_cast;

std::string seconds_text(timestamp::duration x) {
  auto ms = duration_cast<milliseconds>(x).count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

// A clock that was set back must not stop a rule for years.
timestamp::duration since(const std::optional<timestamp>& begin, timestamp now) {
  return begin && *begin < now ? now - *begin : timestamp::duration::zero();
}

failure check_chunk(const std::string& text, const char* field) {
  if (text.size() <= max_chunk_bytes)
    return {};
  return {ec::invalid, field, "has " + std::to_string(text.size()) + " bytes; at most "
                                + std::to_string(max_chunk_bytes) + " are allowed"};
}

failure check_duration(milliseconds x, const char* field) {
  if (x.count() >= 0 && x <= task_limits::max_timeout)
    return {};
  return {ec::invalid, field, "must be between 0 and 30 days"};
}

failure check_events(const std::vector<event_kind>& kinds) {
  for (size_t i = 0; i < kinds.size(); ++i) {
    auto field = "/on/" + std::to_string(i);
    if (static_cast<size_t>(kinds[i]) >= event_kind_names.size() || !can_trigger_rules(kinds[i]))
      return {ec::invalid, field, "no rule can be judged for this event: it is not in the log"};
    if (std::find(kinds.begin(), kinds.begin() + static_cast<std::ptrdiff_t>(i), kinds[i])
        != kinds.begin() + static_cast<std::ptrdiff_t>(i))
      return {ec::invalid, field, std::string{name_of(kinds[i])} + " is named twice"};
  }
  return {};
}

failure check_definition(const rule_definition& x) {
  if (x.make.empty() && x.task_json.empty())
    return {ec::invalid, "/task",
            "is missing: a rule needs `task` (a task as POST /tasks takes it) or `make` (Lua that returns tasks)"};
  if (!x.make.empty() && !x.task_json.empty())
    return {ec::invalid, "/make", "a rule has `task` or `make`, not both"};
  if (x.description.size() > task_limits::description_bytes)
    return {ec::invalid, "/description",
            "at most " + std::to_string(task_limits::description_bytes) + " bytes are allowed"};
  for (const auto& fault : {check_chunk(x.condition, "/condition"), check_chunk(x.make, "/make"),
                            check_duration(x.holds_for, "/for"), check_duration(x.cooldown, "/cooldown"),
                            check_events(x.on)})
    if (fault)
      return fault;
  return {};
}

// What is left out stays as it is.
failure check_unchanged(const rule_definition& shipped, const rule_definition& x) {
  auto differs = [](const std::string& mine, const std::string& theirs) { return !theirs.empty() && theirs != mine; };
  const char* field = differs(shipped.description, x.description) ? "/description"
                      : differs(shipped.condition, x.condition)   ? "/condition"
                      : differs(shipped.make, x.make)             ? "/make"
                      : differs(shipped.task_json, x.task_json)   ? "/task"
                      : !x.on.empty() && x.on != shipped.on       ? "/on"
                                                                  : nullptr;
  if (field == nullptr)
    return {};
  return {ec::invalid, field, "cannot change: the rule is built in. Its `enabled`, `for` and `cooldown` can; "
                              "or switch it off and put a rule of another name"};
}

} // namespace

bool can_trigger_rules(event_kind kind) {
  return kind != event_kind::task_progress && kind != event_kind::task_log && kind != event_kind::gap;
}

rule_decision decide_rule(const rule_record& rule, bool holds, timestamp now) {
  const auto& definition = rule.definition;
  if (!definition.enabled)
    return {false, "the rule is switched off"};
  if (!holds)
    return {false, "its condition does not hold"};
  if (auto lasted = since(rule.holds_since, now); lasted < definition.holds_for)
    return {false, "its condition has held for " + seconds_text(lasted) + "; it fires after "
                     + seconds_text(definition.holds_for)};
  if (rule.fired_at)
    if (auto passed = since(rule.fired_at, now); passed < definition.cooldown)
      return {false, "it fired " + seconds_text(passed) + " ago; its cooldown is " + seconds_text(definition.cooldown)};
  return {true, definition.condition.empty() ? "it has no condition" : "its condition holds"};
}

void rule_book::ship(rule_record x) {
  auto& place = rules_[x.name];
  x.built_in = true;
  place.rank = shipped_++;
  place.record = std::move(x);
  find_listening();
}

void rule_book::load(rule_record x) {
  x.judged_at.reset();
  x.holds_since.reset(); // nobody has looked since
  auto i = rules_.find(x.name);
  auto is_shipped = i != rules_.end() && i->second.record.built_in;
  if (x.built_in && !is_shipped)
    return;
  if (x.built_in) {
    auto shipped = std::move(i->second.record.definition);
    shipped.enabled = x.definition.enabled;
    shipped.holds_for = x.definition.holds_for;
    shipped.cooldown = x.definition.cooldown;
    x.definition = std::move(shipped);
  }
  stored(std::move(x));
}

caf::expected<rule_record> rule_book::put(const std::string& name, rule_definition definition) const {
  if (auto fault = check_document_name(name, max_rule_name_bytes))
    return make_error(fault);
  rule_record result;
  result.name = name;
  if (const auto* known = find(name)) {
    result = *known;
    result.judged_at.reset();
    result.holds_since.reset();
    result.error.clear();
    result.failed_at.reset();
  } else if (rules_.size() >= max_rules) {
    return make_error(ec::overloaded, "there are " + std::to_string(max_rules) + " rules already; remove one first");
  }
  if (result.built_in) {
    if (auto fault = check_unchanged(result.definition, definition))
      return make_error(fault);
    for (const auto& fault :
         {check_duration(definition.holds_for, "/for"), check_duration(definition.cooldown, "/cooldown")})
      if (fault)
        return make_error(fault);
    result.definition.enabled = definition.enabled;
    result.definition.holds_for = definition.holds_for;
    result.definition.cooldown = definition.cooldown;
    return result;
  }
  if (auto fault = check_definition(definition))
    return make_error(fault);
  result.definition = std::move(definition);
  return result;
}

caf::expected<rule_record> rule_book::remove(const std::string& name) const {
  const auto* known = find(name);
  if (known == nullptr)
    return make_error(ec::not_found, "there is no rule \"" + name + "\"");
  if (known->built_in)
    return make_error(ec::conflict, "the rule \"" + name
                                      + "\" is built in: it can be switched off (`enabled` false), not removed");
  return *known;
}

void rule_book::stored(rule_record x) {
  auto& place = rules_[x.name];
  place.record = std::move(x);
  find_listening();
}

void rule_book::removed(const std::string& name) {
  rules_.erase(name);
  find_listening();
}

const rule_record* rule_book::find(const std::string& name) const {
  auto i = rules_.find(name);
  return i == rules_.end() ? nullptr : &i->second.record;
}

std::vector<rule_record> rule_book::list() const {
  std::vector<rule_record> result;
  result.reserve(rules_.size());
  for (const auto& [name, x] : rules_)
    result.push_back(x.record);
  return result;
}

std::vector<std::string> rule_book::to_judge() const {
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const auto& [name, x] : rules_)
    if (x.record.definition.enabled)
      ranked.emplace_back(x.rank, name);
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> result;
  for (auto& [rank, name] : ranked)
    result.push_back(std::move(name));
  return result;
}

bool rule_book::judged(const std::string& name, bool holds, std::string error, timestamp now) {
  auto i = rules_.find(name);
  if (i == rules_.end())
    return false;
  auto& record = i->second.record;
  record.judged_at = now;
  if (!holds)
    record.holds_since.reset();
  else if (!record.holds_since || *record.holds_since > now)
    record.holds_since = now;
  if (record.fired_at && *record.fired_at > now)
    record.fired_at = now; // the clock was set back
  if (error.size() > task_limits::message_bytes)
    error.resize(task_limits::message_bytes);
  if (error == record.error)
    return false;
  record.failed_at = error.empty() ? std::nullopt : std::optional{now};
  record.error = std::move(error);
  return true;
}

rule_record rule_book::after_firing(const std::string& name, const std::vector<task_id>& created, timestamp now) const {
  auto result = rules_.at(name).record;
  result.fired_at = now;
  ++result.fired;
  result.created += created.size();
  result.tasks.insert(result.tasks.begin(), created.rbegin(), created.rend());
  if (result.tasks.size() > max_rule_tasks)
    result.tasks.resize(max_rule_tasks);
  return result;
}

bool rule_book::count_event_firing(const std::string& name, timestamp now) {
  auto i = rules_.find(name);
  if (i == rules_.end())
    return false;
  auto& firings = i->second.event_firings;
  while (!firings.empty() && (now - firings.front() >= event_firing_window || firings.front() > now))
    firings.pop_front();
  if (firings.size() >= max_event_firings)
    return false;
  firings.push_back(now);
  return true;
}

void rule_book::find_listening() {
  listening_ = {};
  listens_ = false;
  for (const auto& [name, x] : rules_) {
    if (!x.record.definition.enabled)
      continue;
    for (auto kind : x.record.definition.on) {
      if (static_cast<size_t>(kind) >= listening_.size())
        continue; // of a newer version
      listening_[static_cast<size_t>(kind)].push_back(name);
      listens_ = true;
    }
  }
}

} // namespace overwatch
