#include "actors/gateway_requests.hpp"

/// The part of the gateway that answers the other partitions.
namespace overwatch {

caf::result<mirror_reply> gateway_state::mirror(mirror_request& x) {
  auto promise = self_->make_response_promise<mirror_reply>();
  std::vector<command> commands;
  commands.emplace_back(std::move(x.news));
  propose(
    std::move(commands),
    [promise](const propose_reply& done) mutable {
      const auto& fault = done.results.front().error;
      if (fault && fault.code != ec::conflict)
        promise.deliver(make_error(fault));
      else
        promise.deliver(mirror_reply{!fault});
    },
    promise);
  return promise;
}

// That a task is missing must be true now, wherever it was submitted: only who leads can say so.
caf::result<statuses_reply> gateway_state::statuses(const statuses_request& x) {
  return read<statuses_reply>(links_.replica, x, consistency::current);
}

} // namespace overwatch
