#include "http/json_text.hpp"
#include "http/service.hpp"

/// The nodes of the cluster and who leads: show, add, remove, drain, transfer.
namespace overwatch::http {

namespace {

void append_node(std::string& out, const node_summary& x) {
  object_writer{out}
    .text("name", x.node)
    .text("address", x.address)
    .text_or_null("id", x.id == 0 ? std::string{} : std::to_string(x.id))
    .text("status", x.up ? "up" : "down")
    .time("since", x.since)
    .text_or_null("version", x.version)
    .integer("protocol", x.protocol)
    .integer("format", x.format)
    .number("round_trip_ms", static_cast<double>(x.round_trip.count()) / 1000)
    .number("clock_offset_ms", static_cast<double>(x.clock_offset.count()) / 1000)
    .boolean("draining", x.draining)
    .text_or_null("problem", x.problem)
    .close();
}

void append_member(std::string& out, const group_member& x) {
  object_writer json{out};
  json.text("node", x.node).text("id", std::to_string(x.id)).text("role", x.voter ? "voter" : "learner");
  json.integer("match_index", x.match_index);
  if (x.silent)
    json.seconds("silent", *x.silent);
  json.close();
}

void append_group(std::string& out, const group_status& x) {
  object_writer json{out};
  json.integer("partition", x.partition).text_or_null("leader", x.leader).boolean("leads", x.leads);
  json.boolean("current", x.current).integer("term", x.term).integer("applied_index", x.applied);
  json.integer("commit_index", x.committed).integer("last_index", x.last);
  if (x.leaderless_since)
    json.time("leaderless_since", *x.leaderless_since);
  if (x.receiving >= 0)
    json.number("receiving_bytes", x.receiving);
  auto& members = json.member("members");
  append_array(members, x.members, [&](const group_member& member) { append_member(members, member); });
  json.close();
}

response cluster_response(const caf::expected<cluster_status>& x) {
  if (!x)
    return error_response(x.error());
  response out;
  object_writer json{out.body};
  json.text("node", x->node).text_or_null("cluster_id", x->cluster == 0 ? std::string{} : std::to_string(x->cluster));
  json.text_or_null("waiting_for", x->waiting_for);
  auto& nodes = json.member("nodes");
  append_array(nodes, x->nodes, [&](const node_summary& node) { append_node(nodes, node); });
  auto& partitions = json.member("partitions");
  append_array(partitions, x->partitions, [&](const group_status& group) { append_group(partitions, group); });
  json.texts("removed", x->removed);
  json.close();
  return out;
}

response show_cluster(service& s, const request&) {
  return cluster_response(s.ask<cluster_status>(cluster_request{}));
}

constexpr std::array<field_rule<add_node_request>, 1> node_rules{{
  {"address", [](const input& in, add_node_request& x) { read_text(in, 3, 255, x.address); }},
}};

response add_node(service& s, const request& x) {
  add_node_request body;
  auto check = [](const add_node_request& read, error_list& errors) {
    if (read.address.empty())
      refuse_missing(place{}, errors, "address");
  };
  if (auto error = read_body(x, node_rules, body, check))
    return std::move(*error);
  body.node = x.values.front();
  return cluster_response(s.ask<cluster_status>(std::move(body)));
}

response remove_node(service& s, const request& x) {
  return cluster_response(s.ask<cluster_status>(remove_node_request{x.values.front()}));
}

constexpr std::array<field_rule<milliseconds>, 1> drain_rules{{
  {"limit",
   [](const input& in, milliseconds& x) { read_duration(in, milliseconds{0}, std::chrono::hours{24 * 365}, x); }},
}};

response drain_node(service& s, const request& x) {
  milliseconds limit{0};
  if (!x.body.empty())
    if (auto error = read_body(x, drain_rules, limit))
      return std::move(*error);
  auto seconds = std::chrono::ceil<std::chrono::seconds>(limit);
  return cluster_response(s.ask<cluster_status>(drain_node_request{x.values.front(), true, seconds}));
}

response resume_node(service& s, const request& x) {
  return cluster_response(s.ask<cluster_status>(drain_node_request{x.values.front(), false, {}}));
}

constexpr std::array<field_rule<transfer_request>, 1> transfer_rules{{
  {"node", [](const input& in, transfer_request& x) { read_text(in, 1, 64, x.node); }},
}};

response transfer(service& s, const request& x) {
  transfer_request body;
  if (!x.body.empty())
    if (auto error = read_body(x, transfer_rules, body))
      return std::move(*error);
  const auto& number = x.values.front();
  if (number.empty() || number.size() > 5 || number.find_first_not_of("0123456789") != std::string::npos
      || std::stoul(number) > UINT16_MAX)
    return error_response(404, "not_found",
                          "\"" + number + "\" is no partition; GET /api/overwatch/cluster lists them");
  body.partition = static_cast<partition_id>(std::stoul(number));
  auto reply = s.ask<group_status>(std::move(body));
  if (!reply)
    return error_response(reply.error());
  response out;
  append_group(out.body, *reply);
  return out;
}

} // namespace

std::vector<route> cluster_routes() {
  return {{"GET", "/api/overwatch/cluster", "", show_cluster},
          {"PUT", "/api/overwatch/cluster/nodes/{name}", "", add_node},
          {"DELETE", "/api/overwatch/cluster/nodes/{name}", "", remove_node},
          {"POST", "/api/overwatch/cluster/nodes/{name}/drain", "", drain_node},
          {"POST", "/api/overwatch/cluster/nodes/{name}/resume", "", resume_node},
          {"POST", "/api/overwatch/cluster/partitions/{number}/transfer", "", transfer}};
}

} // namespace overwatch::http
