#pragma once

#include "tests/simulation/virtual_time.hpp"

#include <functional>
#include <set>
#include <string>
#include <utility>

namespace overwatch::simulation {

struct network_faults {
  uint64_t loss_one_in = 33;      ///< 0: nothing is lost
  uint64_t duplicate_one_in = 50; ///< 0: nothing comes twice
  uint64_t slow_one_in = 50;      ///< 0: nothing is late
  milliseconds delay{12};         ///< 1 ms to this, so messages overtake each other
  milliseconds slow_delay{300};
};

/// Brings bytes from node to node: late, twice, in another order, or not at all.
class network {
public:
  using deliver = std::function<void(uint64_t from, uint64_t to, const std::string& bytes)>;

  network(virtual_time& time, chance& random, deliver to) : time_{time}, random_{random}, deliver_{std::move(to)} {}

  network_faults faults;

  void send(uint64_t from, uint64_t to, std::string bytes);

  void cut(uint64_t from, uint64_t to) { cuts_.insert({from, to}); } ///< one way
  void heal() { cuts_.clear(); }
  bool is_cut(uint64_t from, uint64_t to) const { return cuts_.count({from, to}) > 0; }
  uint64_t sent() const { return sent_; }

private:
  virtual_time& time_;
  chance& random_;
  deliver deliver_;
  std::set<std::pair<uint64_t, uint64_t>> cuts_;
  uint64_t sent_ = 0;
};

} // namespace overwatch::simulation
