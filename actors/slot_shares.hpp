#pragma once

#include "messages/task.hpp"

#include <array>
#include <cstdint>
#include <vector>

/// How the slots of a pool, or of a node, are divided among partitions: a decision on plain values.
namespace overwatch {

/// What one partition has and wants.
struct slot_claim {
  uint32_t busy = 0;     ///< slots that its attempts take
  uint32_t promised = 0; ///< the largest share that its scheduler may go by at this moment
  std::array<uint32_t, priority_names.size()> demand{}; ///< attempts that run or could start, by priority
};

/// The shares that the claims should come to; together all of `total`. Who wants any gets one, if there are enough for
/// that. The rest goes to the higher priorities first, and within one always to the smallest share (max-min fairness).
/// What nobody wants is spread likewise, so that each has a share before it asks. Of equal claims the earlier ones come
/// first.
std::vector<uint32_t> fair_shares(uint32_t total, const std::vector<slot_claim>& claims);

/// The shares that may be said now, on the way to `fair`: one that shrinks does so at once, one that grows gets only
/// what is neither promised to nor taken by another.
std::vector<uint32_t> shares_for_now(uint32_t total, const std::vector<slot_claim>& claims,
                                     const std::vector<uint32_t>& fair);

/// True when the claims want more slots than there are.
bool is_short(uint32_t total, const std::vector<slot_claim>& claims);

} // namespace overwatch
