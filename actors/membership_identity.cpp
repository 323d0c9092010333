#include "actors/membership.hpp"

#include "config/log.hpp"

/// Which cluster this node is in.
namespace overwatch {

namespace {

constexpr std::chrono::seconds keep_timeout{30};
constexpr std::chrono::seconds keep_again{1};

} // namespace

void membership_state::settle() {
  if (identity_.settled() || keeping_)
    return;
  founding_view view;
  view.node = options_.node;
  for (const auto& entry : options_.nodes)
    view.nodes.push_back(entry.node);
  for (const auto& [node, x] : peers_)
    if (x.up)
      view.up.push_back({node, x.theirs.cluster, x.theirs.partitions});
  auto decision = decide_founding(view);
  auto next = identity_;
  switch (decision.what) {
    case founding_decision::kind::wait:
      wait_for(decision.waiting_for);
      return;
    case founding_decision::kind::found:
      next.cluster = identity_number(random_());
      next.partitions = options_.partitions;
      next.founder = true;
      break;
    case founding_decision::kind::join:
      next.cluster = decision.cluster;
      next.partitions = decision.partitions;
      break;
  }
  keep(next);
}

void membership_state::keep(const node_identity& next) {
  keeping_ = true;
  self_->request(keeper_, keep_timeout, next)
    .then([=](const node_identity& kept) { settled(kept); },
          [=](const caf::error& error) {
            keeping_ = false;
            wait_for("its disk: " + describe(error).message);
            self_->delayed_send(self_, keep_again, caf::tick_atom::value);
          });
}

void membership_state::settled(const node_identity& x) {
  keeping_ = false;
  identity_ = x;
  waiting_for_.clear();
  ++revision_;
  log_line(severity::info, "membership", x.founder ? "founded a cluster" : "joined a cluster",
           {{"cluster", x.cluster}, {"partitions", x.partitions}, {"member", x.member}});
  self_->send(listener_, identity_report{identity_, {}});
  for (const auto& [node, peer] : peers_)
    tell_news(node);
}

void membership_state::wait_for(const std::string& reason) {
  if (std::exchange(waiting_for_, reason) == reason)
    return;
  log_line(severity::info, "membership", "in no cluster yet", {{"waits_for", reason}});
  self_->send(listener_, identity_report{identity_, reason});
}

} // namespace overwatch
