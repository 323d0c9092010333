#include "actors/leader_balance.hpp"

#include <algorithm>

namespace overwatch {

std::optional<leader_move> next_leader_move(const std::map<partition_id, std::string>& leaders,
                                            const std::set<std::string>& up, const std::string& own) {
  std::map<std::string, size_t> led;
  for (const auto& node : up)
    led[node] = 0;
  for (const auto& [partition, node] : leaders)
    if (auto i = led.find(node); i != led.end())
      ++i->second;
  auto least =
    std::min_element(led.begin(), led.end(), [](const auto& x, const auto& y) { return x.second < y.second; });
  if (least == led.end())
    return std::nullopt;
  if (auto mine = led.find(own); mine != led.end() && mine->second <= least->second + 1)
    return std::nullopt;
  auto last = std::find_if(leaders.rbegin(), leaders.rend(), [&](const auto& x) { return x.second == own; });
  if (last == leaders.rend())
    return std::nullopt;
  return leader_move{last->first, least->first};
}

} // namespace overwatch
