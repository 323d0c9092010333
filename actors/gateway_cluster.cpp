#include "actors/drain_setting.hpp"
#include "actors/gateway_requests.hpp"
#include "actors/node_document.hpp"
#include "config/cluster_nodes.hpp"
#include "messages/codec.hpp"

#include <algorithm>

/// The part of the gateway that deals with the nodes of the cluster.
namespace overwatch {

namespace {

std::string shown(const std::string& x) {
  return '"' + x.substr(0, max_node_name) + '"';
}

failure no_such_node(const group_status& group, const std::string& node) {
  auto is_it = [&](const auto& member) { return member.node == node; };
  if (std::any_of(group.members.begin(), group.members.end(), is_it))
    return {};
  return {ec::not_found, "/node", "there is no node " + shown(node) + " in this cluster"};
}

node_summary summary_of(const peer_status& x) {
  node_summary y;
  y.node = x.node;
  y.address = x.address;
  y.id = x.member;
  y.version = x.version;
  y.protocol = x.protocol;
  y.format = x.format;
  y.up = x.up;
  y.since = x.since;
  y.round_trip = x.round_trip;
  y.clock_offset = x.clock_offset;
  y.problem = x.problem;
  return y;
}

} // namespace

void gateway_state::describe_cluster(caf::typed_response_promise<cluster_status> promise) {
  auto result = std::make_shared<cluster_status>();
  auto with_settings = [promise, result](const scheduler_status& x) mutable {
    for (auto& node : result->nodes)
      node.draining = x.settings.count(drain_setting(node.node)) > 0;
    promise.deliver(std::move(*result));
  };
  auto with_documents = [this, promise, result, with_settings](const document_page& page) mutable {
    for (const auto& one : page.documents) {
      node_document x;
      if (one.value && decode(*one.value, x) && x.removed)
        result->removed.push_back(one.name);
    }
    ask(links_.scheduler, scheduler_status_request{}, with_settings, promise);
  };
  auto with_groups = [this, promise, result, with_documents]() mutable {
    std::sort(result->partitions.begin(), result->partitions.end(),
              [](const auto& a, const auto& b) { return a.partition < b.partition; });
    ask(links_.replica, documents_request{document_kind::node, {}, {}, max_members}, with_documents, promise);
  };
  auto with_group = [result, with_groups, count = links_.replicas.size()](group_status& x) mutable {
    result->partitions.push_back(std::move(x));
    if (result->partitions.size() == count)
      with_groups();
  };
  auto with_peers = [this, promise, result, with_group](const peers_reply& x) mutable {
    result->node = x.node;
    result->cluster = x.cluster;
    result->waiting_for = x.waiting_for;
    node_summary own;
    own.node = x.node;
    own.address = x.address;
    own.id = x.member;
    own.version = x.version;
    own.protocol = protocol_version;
    own.format = format_version;
    own.up = true;
    own.since = options_.status.started_at;
    result->nodes.push_back(std::move(own));
    for (const auto& peer : x.peers)
      result->nodes.push_back(summary_of(peer));
    std::sort(result->nodes.begin(), result->nodes.end(), [](const auto& a, const auto& b) { return a.node < b.node; });
    if (links_.replicas.empty())
      promise.deliver(std::move(*result)); // it waits for others
    for (const auto& replica : links_.replicas)
      ask(replica, group_request{}, with_group, promise);
  };
  ask(links_.membership, peers_request{}, with_peers, promise);
}

caf::result<cluster_status> gateway_state::cluster(const cluster_request& x) {
  auto promise = self_->make_response_promise<cluster_status>();
  if (!x.confirmed) {
    describe_cluster(promise);
    return promise;
  }
  auto with_group = [this, promise](group_status& group) mutable {
    cluster_status result;
    result.node = options_.status.node;
    result.partitions.push_back(std::move(group));
    promise.deliver(std::move(result));
  };
  when_current(
    consistency::current, [=]() mutable { ask(links_.replica, group_request{}, with_group, promise); }, promise);
  return promise;
}

void gateway_state::change_cluster(command x, caf::typed_response_promise<cluster_status> promise) {
  propose(
    {std::move(x)},
    [this, promise](const propose_reply& done) mutable {
      if (const auto& fault = done.results.front().error)
        promise.deliver(make_error(fault));
      else
        when_mirrored([this, promise]() mutable { describe_cluster(promise); }, promise);
    },
    promise);
}

caf::result<cluster_status>
gateway_state::change_member(std::function<caf::expected<command>(const group_status&)> make) {
  auto promise = self_->make_response_promise<cluster_status>();
  ask(
    links_.replica, group_request{},
    [this, promise, make](const group_status& group) mutable {
      if (auto change = make(group))
        change_cluster(std::move(*change), promise);
      else
        promise.deliver(std::move(change.error()));
    },
    promise);
  return promise;
}

caf::result<cluster_status> gateway_state::add_node(const add_node_request& x) {
  if (!is_node_name(x.node))
    return make_error(ec::invalid, shown(x.node) + " is no name of a node: 1 to 64 letters, digits, '-', '_' or '.'",
                      "/node");
  if (!read_node_address(x.address))
    return make_error(ec::invalid,
                      shown(x.address) + " is no address: give host:port, as the node's caf.address and caf.port "
                                         "have it",
                      "/address");
  auto promise = self_->make_response_promise<cluster_status>();
  change_cluster(put_command{document_kind::node, x.node, encode(node_document{x.address, false}), {}}, promise);
  return promise;
}

caf::result<cluster_status> gateway_state::remove_node(const remove_node_request& x) {
  return change_member([x](const group_status& group) -> caf::expected<command> {
    if (auto fault = no_such_node(group, x.node))
      return make_error(fault);
    if (group.members.size() <= 1)
      return make_error(ec::conflict, shown(x.node) + " is the only node: nothing would be left", "/node");
    return command{put_command{document_kind::node, x.node, encode(node_document{{}, true}), {}}};
  });
}

caf::result<cluster_status> gateway_state::drain_node(const drain_node_request& x) {
  return change_member([this, x](const group_status& group) -> caf::expected<command> {
    if (auto fault = no_such_node(group, x.node))
      return make_error(fault);
    // When the rest goes back to the queue, in seconds since 1970; 0: never.
    auto end = std::chrono::duration_cast<std::chrono::seconds>(options_.clock().time_since_epoch()) + x.limit;
    auto value = !x.drain ? std::string{} : x.limit.count() > 0 ? std::to_string(end.count()) : std::string{"0"};
    return command{setting_command{drain_setting(x.node), std::move(value)}};
  });
}

} // namespace overwatch
