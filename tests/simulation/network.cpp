#include "tests/simulation/network.hpp"

namespace overwatch::simulation {

void network::send(uint64_t from, uint64_t to, std::string bytes) {
  ++sent_;
  auto happens = [&](uint64_t one_in) { return one_in > 0 && random_.one_in(one_in); };
  if (is_cut(from, to) || happens(faults.loss_one_in))
    return;
  auto copies = happens(faults.duplicate_one_in) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    auto delay = random_.between(milliseconds{1}, faults.delay);
    if (happens(faults.slow_one_in))
      delay += random_.between(milliseconds{0}, faults.slow_delay);
    time_.after(delay, [this, from, to, bytes] {
      if (!is_cut(from, to)) // what was on its way when the link was cut is gone
        deliver_(from, to, bytes);
    });
  }
}

} // namespace overwatch::simulation
