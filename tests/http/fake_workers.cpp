#include "tests/http/fake_control.hpp"

#include <algorithm>

namespace overwatch::fake {

namespace {

caf::error unknown() { return make_error(ec::not_found, "no such worker is attached; register again"); }

} // namespace

caf::result<worker_registration> register_worker(fake_node& node, const register_worker_request& x) {
  auto id = "test:" + std::to_string(node.workers.size() + 1);
  node.workers[id] = x;
  return worker_registration{id, std::chrono::seconds{15}};
}

caf::result<claim_reply> claim(fake_node& node, const claim_request& x) {
  if (node.workers.count(x.worker) == 0)
    return unknown();
  node.claims.push_back(x);
  auto last = node.claimable.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(x.limit, node.claimable.size()));
  claim_reply reply{{node.claimable.begin(), last}, node.stops};
  node.claimable.erase(node.claimable.begin(), last);
  return reply;
}

caf::result<heartbeat_reply> heartbeat(fake_node& node, const heartbeat_request& x) {
  if (node.workers.count(x.worker) == 0)
    return unknown();
  node.heartbeats.push_back(x);
  return heartbeat_reply{std::chrono::seconds{15}, node.stops};
}

// The attempts of a task whose name is `stale` have ended before.
caf::result<finish_reply> finish(fake_node& node, const finish_request& x) {
  node.finishes.push_back(x);
  finish_reply reply;
  for (const auto& how : x.attempts) {
    auto task = node.tasks.find(how.id);
    auto stale = task != node.tasks.end() && task->second.spec.name == "stale";
    reply.receipts.push_back({how.id, how.fence, stale ? failure{ec::conflict, {}, "it had ended before"} : failure{}});
  }
  return reply;
}

caf::result<leave_reply> leave(fake_node& node, const leave_request& x) {
  if (node.workers.erase(x.worker) == 0)
    return unknown();
  return leave_reply{2};
}

} // namespace overwatch::fake
