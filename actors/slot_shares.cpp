#include "actors/slot_shares.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace overwatch {

namespace {

uint64_t demand_of(const slot_claim& x) {
  return std::accumulate(x.demand.begin(), x.demand.end(), uint64_t{0});
}

/// Raises the smallest shares first, each up to its cap, until nothing is left; returns what is.
uint64_t fill(std::vector<uint32_t>& shares, const std::vector<uint64_t>& caps, uint64_t left) {
  constexpr auto none = std::numeric_limits<uint64_t>::max();
  while (left > 0) {
    uint64_t lowest = none;
    for (size_t i = 0; i < shares.size(); ++i)
      if (shares[i] < caps[i])
        lowest = std::min<uint64_t>(lowest, shares[i]);
    if (lowest == none)
      break;
    // All that stand lowest rise together, up to the next one or the first cap.
    uint64_t next = none;
    std::vector<size_t> rising;
    for (size_t i = 0; i < shares.size(); ++i) {
      if (shares[i] >= caps[i])
        continue;
      if (shares[i] == lowest) {
        rising.push_back(i);
        next = std::min(next, caps[i]);
      } else {
        next = std::min<uint64_t>(next, shares[i]);
      }
    }
    auto each = std::min(next - lowest, left / rising.size());
    if (each == 0) { // not enough for all: the earlier ones
      rising.resize(left);
      each = 1;
    }
    for (auto i : rising)
      shares[i] += static_cast<uint32_t>(each);
    left -= each * rising.size();
  }
  return left;
}

} // namespace

std::vector<uint32_t> fair_shares(uint32_t total, const std::vector<slot_claim>& claims) {
  std::vector<uint32_t> shares(claims.size());
  std::vector<uint64_t> caps(claims.size());
  for (size_t i = 0; i < claims.size(); ++i)
    caps[i] = std::min<uint64_t>(demand_of(claims[i]), 1);
  uint64_t left = total;
  if (std::accumulate(caps.begin(), caps.end(), uint64_t{0}) <= total)
    left = fill(shares, caps, left);
  std::fill(caps.begin(), caps.end(), 0);
  for (size_t level = 0; level < priority_names.size(); ++level) {
    for (size_t i = 0; i < claims.size(); ++i)
      caps[i] += claims[i].demand[level];
    left = fill(shares, caps, left);
  }
  std::fill(caps.begin(), caps.end(), std::numeric_limits<uint32_t>::max());
  fill(shares, caps, left);
  return shares;
}

std::vector<uint32_t> shares_for_now(uint32_t total, const std::vector<slot_claim>& claims,
                                     const std::vector<uint32_t>& fair) {
  std::vector<uint32_t> shares(claims.size());
  std::vector<uint64_t> caps(claims.size());
  uint64_t committed = 0;
  for (size_t i = 0; i < claims.size(); ++i) {
    auto own = std::max(claims[i].busy, claims[i].promised);
    committed += own;
    shares[i] = std::min(fair[i], own);
    caps[i] = fair[i] > own ? fair[i] : shares[i];
  }
  fill(shares, caps, total - std::min<uint64_t>(total, committed));
  return shares;
}

bool is_short(uint32_t total, const std::vector<slot_claim>& claims) {
  uint64_t wanted = 0;
  for (const auto& x : claims)
    wanted += demand_of(x);
  return wanted > total;
}

} // namespace overwatch
