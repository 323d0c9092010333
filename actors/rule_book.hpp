#pragma once

#include "messages/rule.hpp"

#include <caf/expected.hpp>

#include <array>
#include <deque>
#include <map>

namespace overwatch {

struct rule_decision {
  bool fires = false;
  std::string why; ///< a sentence
};

/// Does a rule fire whose condition holds now, or does not? `for` counts from `holds_since` (none: from now), the
/// cooldown from `fired_at`; at the end of either it fires.
rule_decision decide_rule(const rule_record& rule, bool holds, timestamp now);

/// All rules and what became of them. Without clock, log or actors: its owner judges, writes what is to be durable, and
/// says so. One thing at a time: nothing else happens to a rule between a judgement of it and the end of its firing.
class rule_book {
public:
  /// A rule that is built in. It is there from the start; what the store has of it comes later.
  void ship(rule_record x);

  /// What the store has. Of a built-in rule: whether it is enabled, its times, and what became of it. One that is built
  /// in no more is left out.
  void load(rule_record x);

  /// The record to be stored for a new definition, or what is wrong with it (`invalid` names the field, as `/make`).
  /// The chunks are not looked into. Once it is durable: `stored`.
  caf::expected<rule_record> put(const std::string& name, rule_definition definition) const;

  /// What is to be removed, or `not_found`; `conflict` when it is built in. Once that is durable: `removed`.
  caf::expected<rule_record> remove(const std::string& name) const;

  void stored(rule_record x);
  void removed(const std::string& name);

  const rule_record* find(const std::string& name) const;
  std::vector<rule_record> list() const; ///< by name

  /// Names of the enabled rules, the built-in ones first and in the order in which they were shipped.
  std::vector<std::string> to_judge() const;

  /// The enabled rules that are judged when such an event comes.
  const std::vector<std::string>& listening(event_kind kind) const { return listening_[static_cast<size_t>(kind)]; }

  /// False when `listening` is empty for every kind.
  bool listens() const { return listens_; }

  /// The result of a judgement. True when the rule's error changed: that is to be made durable.
  bool judged(const std::string& name, bool holds, std::string error, timestamp now);

  /// The record as it is after it fired and created these tasks.
  rule_record after_firing(const std::string& name, const std::vector<task_id>& created, timestamp now) const;

  /// Counts a firing because of an event. False: there were `max_event_firings` in the last minute already, so it
  /// must not fire. Rules that create tasks whose events make others fire end here.
  bool count_event_firing(const std::string& name, timestamp now);

private:
  struct entry {
    rule_record record;
    size_t rank = ~size_t{0}; ///< of a built-in rule: its place
    std::deque<timestamp> event_firings;
  };

  void find_listening();

  std::map<std::string, entry> rules_;
  size_t shipped_ = 0;
  std::array<std::vector<std::string>, event_kind_names.size()> listening_;
  bool listens_ = false;
};

inline constexpr size_t max_rule_name_bytes = 256;
inline constexpr size_t max_rule_tasks = 10; ///< shown on the rule
inline constexpr size_t max_event_firings = 60;
inline constexpr auto event_firing_window = std::chrono::minutes{1};

/// Events that are in the log, and so can make rules fire.
bool can_trigger_rules(event_kind kind);

} // namespace overwatch
