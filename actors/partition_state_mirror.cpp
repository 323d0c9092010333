#include "actors/partition_state.hpp"
#include "actors/partition_state_replies.hpp"
#include "messages/codec.hpp"

#include <set>

/// What the control partition has and the other ones mirror: gates, what was said of nodes, and settings.
namespace overwatch {

// Of a gate the others need what decides: without description, condition and history it is small, and changes seldom.
std::optional<mirrored_value> mirrored_of(document_kind kind, const std::string& name, const std::string* value) {
  if (kind == document_kind::node)
    return mirrored_value{mirrored_kind::node, name, value ? std::optional{*value} : std::nullopt};
  if (kind != document_kind::gate)
    return std::nullopt;
  mirrored_value result{mirrored_kind::gate, name, {}};
  gate_record whole;
  if (!value || !decode(*value, whole))
    return result;
  gate_record small;
  small.name = name;
  small.definition.kind = whole.definition.kind;
  small.open = whole.open;
  result.value = encode(small);
  return result;
}

control_state partition_state::mirrored() const {
  control_state result;
  result.mark = {totals_.epoch, totals_.applied};
  for (const auto& [key, row] : documents_.all())
    if (auto value = mirrored_of(key.first, key.second, row.value.get()))
      result.values.push_back(std::move(*value));
  for (const auto& [key, value] : settings_)
    result.values.push_back({mirrored_kind::setting, key, value});
  return result;
}

command_result partition_state::run(const mirror_command& x, applied_entry& out) {
  auto refuse = [](ec code, const char* message) { return refused({}, {code, {}, message}); };
  if (partition_ == control_partition)
    return refuse(ec::invalid, "the control partition mirrors no other");
  auto& has = totals_.mirrored;
  if (!(has < x.mark))
    return {}; // said before, or by a leader of before
  if (x.since && (has.epoch != x.mark.epoch || has.position < *x.since))
    return refuse(ec::conflict, "what the control partition said before has not come here");
  has = x.mark;
  if (!x.since) {
    std::set<std::pair<mirrored_kind, std::string>> present;
    for (const auto& one : x.values)
      present.emplace(one.kind, one.name);
    for (auto& old : mirrored().values)
      if (!present.count({old.kind, old.name}))
        mirror({old.kind, old.name, {}}, out);
  }
  for (const auto& one : x.values)
    mirror(one, out);
  return {};
}

// Only what differs is changed, so that whoever reacts to changes has nothing to do with the rest.
void partition_state::mirror(const mirrored_value& x, applied_entry& out) {
  if (x.kind == mirrored_kind::setting) {
    auto known = settings_.find(x.name);
    auto before = known == settings_.end() ? std::string{} : known->second;
    if (before != x.value.value_or(std::string{}))
      run(setting_command{x.name, x.value.value_or(std::string{})}, out);
    return;
  }
  auto kind = x.kind == mirrored_kind::gate ? document_kind::gate : document_kind::node;
  const auto* row = documents_.find(kind, x.name);
  if (row ? !x.value || *row->value != *x.value : x.value.has_value())
    run(put_command{kind, x.name, x.value, {}}, out);
}

} // namespace overwatch
