#include "runtime/replication/core_values.hpp"

#include "actors/invariant.hpp"
#include "actors/log_codec.hpp"

namespace overwatch {

core_configuration core_values::configuration(const std::vector<log_member>& members) {
  members_.clear();
  for (const auto& x : members)
    members_.push_back({x.id, x.voter});
  return {members_.data(), static_cast<unsigned>(members_.size())};
}

core_entry core_values::entry(const log_append& x) {
  core_entry result{};
  result.term = x.term;
  result.kind = static_cast<core_entry_kind>(x.kind);
  if (x.kind == entry_kind::configuration) {
    std::vector<log_member> members;
    invariant(decode_members(x.bytes, members) && is_configuration(members), "a configuration entry is readable");
    result.configuration = configuration(members);
  }
  return result;
}

core_snapshot core_values::snapshot(const log_snapshot& x) {
  core_snapshot result{};
  result.index = x.index;
  result.term = x.term;
  result.configuration_index = x.configuration.index;
  result.configuration = configuration(x.configuration.members);
  return result;
}

} // namespace overwatch
