#include "tests/simulation/log_checker.hpp"

#include <algorithm>
#include <cstring>

namespace overwatch::simulation {

namespace {

uint64_t mix(uint64_t a, uint64_t b) {
  auto x = (a ^ (b + 0x9E3779B97F4A7C15ULL + (a << 6) + (a >> 2))) * 0xBF58476D1CE4E5B9ULL;
  return x ^ (x >> 29);
}

uint64_t digest_of(const log_append& x) {
  auto result = mix(x.term, static_cast<uint64_t>(x.kind));
  for (auto c : x.bytes)
    result = mix(result, static_cast<unsigned char>(c));
  return result;
}

std::string node(member_id id) {
  return "node " + std::to_string(id) + ": ";
}

} // namespace

void applied_state::apply(const log_append& x) {
  applied = x.index;
  digest = mix(digest, digest_of(x));
}

void log_checker::leads(member_id id, uint64_t term) {
  auto [i, is_new] = leaders_.insert({term, id});
  if (!is_new)
    throw broken_rule{node(id) + "leads in term " + std::to_string(term) + ", in which node " +
                    std::to_string(i->second) + (i->second == id ? " (itself) began" : " led") + " before"};
}

void log_checker::appended(member_id id, const log_append& x) {
  auto digest = digest_of(x);
  auto [i, is_new] = contents_.insert({{x.index, x.term}, digest});
  if (!is_new && i->second != digest)
    throw broken_rule{node(id) + "entry " + std::to_string(x.index) + " of term " + std::to_string(x.term) +
                    " differs from another one of that index and term"};
}

void log_checker::compare(member_id id, const applied_state& state) {
  auto [i, is_new] = digests_.insert({state.applied, state.digest});
  if (!is_new && i->second != state.digest)
    throw broken_rule{node(id) + "what is applied up to " + std::to_string(state.applied) + " differs from others"};
}

void log_checker::applied(member_id id, const log_append& x, const applied_state& state) {
  compare(id, state);
  uint64_t value = 0;
  if (x.kind == entry_kind::command && x.bytes.size() >= sizeof(value))
    std::memcpy(&value, x.bytes.data(), sizeof(value));
  values_[x.index] = value;
}

void log_checker::acknowledged(uint64_t value, uint64_t index) {
  acknowledged_[value] = index;
  newest_acknowledged_ = std::max(newest_acknowledged_, index);
}

void log_checker::has_lease(member_id id, uint64_t commit_index) const {
  if (commit_index < newest_acknowledged_)
    throw broken_rule{node(id) + "has a lease at " + std::to_string(commit_index) + ", but " +
                    std::to_string(newest_acknowledged_) + " is acknowledged"};
}

void log_checker::nothing_lost(const applied_state& state) const {
  for (const auto& [value, index] : acknowledged_) {
    auto i = values_.find(index);
    if (index > state.applied || i == values_.end() || i->second != value)
      throw broken_rule{"value " + std::to_string(value) + " was acknowledged at " + std::to_string(index) +
                      " and is not there"};
  }
}

} // namespace overwatch::simulation
