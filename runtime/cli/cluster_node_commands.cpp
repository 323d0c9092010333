#include "runtime/cli/command.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <memory>
#include <ostream>

/// `overwatch cluster status|add|remove|transfer|drain|resume`
namespace overwatch::cli {

namespace {

namespace json = boost::json;

struct node_options {
  std::string node;
  std::string address;
  std::string limit;
  unsigned partition = 0;
};

std::string node_path(const std::string& node) { return "/cluster/nodes/" + percent_encode(node); }

table::cell state_of(const json::value& node) {
  if (text_of(node, "status") != "up")
    return {"down", colour::red};
  return is_true(node, "draining") ? table::cell{"draining", colour::yellow} : table::cell{"up", colour::green};
}

void print_nodes(const command_context& context, const json::value& cluster) {
  table nodes{{{"NODE", false, true}, {"STATE", false, true}, {"SINCE", false, true}, {"ADDRESS", false, true},
               {"VERSION", false, true}, {"ROUND TRIP", true, true}, {"CLOCK", true, true}, {"PROBLEM"}}};
  for (const auto& node : list_of(cluster, "nodes")) {
    const auto is_self = text_of(node, "name") == text_of(cluster, "node");
    auto milliseconds = [&](std::string_view field) {
      const auto x = number_of(node, field);
      return is_self || !x || text_of(node, "status") != "up" ? std::string{} : format_duration(*x / 1000);
    };
    auto version = text_of(node, "version");
    if (!version.empty())
      version += " (protocol " + text_of(node, "protocol") + ", format " + text_of(node, "format") + ")";
    nodes.add({text_of(node, "name") + (is_self ? " *" : ""), state_of(node), short_time(text_of(node, "since")),
               text_of(node, "address"), version, milliseconds("round_trip_ms"), milliseconds("clock_offset_ms"),
               text_of(node, "problem")});
  }
  nodes.print(context.console);
}

// `a (leads), b, c (learns, 120 behind)`
std::string members_of(const json::value& group) {
  const auto last = number_of(group, "last_index").value_or(0);
  std::string result;
  for (const auto& member : list_of(group, "members")) {
    const auto node = text_of(member, "node");
    std::string note = node == text_of(group, "leader") ? "leads" : "";
    if (text_of(member, "role") == "learner")
      note = "learns";
    if (is_true(group, "leads")) {
      const auto behind = last - number_of(member, "match_index").value_or(0);
      if (behind > 0 && node != text_of(group, "leader"))
        note += (note.empty() ? "" : ", ") + format_count(static_cast<uint64_t>(behind)) + " behind";
    }
    result += (result.empty() ? "" : ", ") + node + (note.empty() ? "" : " (" + note + ")");
  }
  return result;
}

void print_partitions(const command_context& context, const json::value& cluster) {
  table groups{{{"PARTITION", true, true}, {"LEADER", false, true}, {"TERM", true, true}, {"COMMITTED", true, true},
                {"APPLIED HERE", true, true}, {"REPLICAS"}}};
  for (const auto& group : list_of(cluster, "partitions")) {
    auto leader = text_of(group, "leader");
    if (leader.empty())
      leader = "none since " + short_time(text_of(group, "leaderless_since"));
    groups.add({text_of(group, "partition"),
                {leader, text_of(group, "leader").empty() ? colour::red : colour::plain},
                text_of(group, "term"),
                text_of(group, "commit_index"),
                text_of(group, "applied_index"),
                members_of(group)});
  }
  groups.print(context.console);
}

void print_cluster(const command_context& context, const json::value& cluster) {
  const auto waits = text_of(cluster, "waiting_for");
  if (!waits.empty())
    context.console.out << "this node is in no cluster yet: " << waits << "\n\n";
  print_nodes(context, cluster);
  context.console.out << '\n';
  print_partitions(context, cluster);
  std::string removed;
  for (const auto& node : list_of(cluster, "removed"))
    removed += (removed.empty() ? "" : ", ") + text_of(node);
  if (!removed.empty())
    context.console.out << "\nremoved, and refused until added again: " << removed << '\n';
}

exit_code show(const command_context& context) {
  const auto reply = context.client().request("GET", "/cluster");
  return answer(context, reply, [&](const json::value& cluster) { print_cluster(context, cluster); });
}

exit_code change(const command_context& context, const char* method, const std::string& path, const std::string& body) {
  const auto reply = context.client().request(method, path, body);
  return answer(context, reply, [&](const json::value& cluster) { print_cluster(context, cluster); });
}

exit_code transfer(const command_context& context, const node_options& x) {
  const auto body = x.node.empty() ? std::string{} : json::serialize(json::object{{"node", x.node}});
  const auto path = "/cluster/partitions/" + std::to_string(x.partition) + "/transfer";
  const auto reply = context.client().request("POST", path, body);
  return answer(context, reply, [&](const json::value&) {
    context.console.out << "partition " << x.partition << " goes to " << (x.node.empty() ? "another node" : x.node)
                        << "; `overwatch cluster status` shows when it is there\n";
  });
}

CLI::App* add_node_command(CLI::App* group, const std::string& name, const std::string& description, node_options& x) {
  auto* command = group->add_subcommand(name, description);
  command->add_option("NODE", x.node, "Its name")->required()->type_name("NODE");
  return command;
}

} // namespace

void add_cluster_node_commands(CLI::App* group, command_context& context) {
  auto* status = group->add_subcommand("status", "The nodes as the asked one sees them, and who leads");
  status->footer("Example:\n  overwatch cluster status");
  runs(status, context, [&context] { return show(context); });

  auto x = std::make_shared<node_options>();
  auto* add = add_node_command(group, "add", "Let a node join, or one that was removed come back", *x);
  add->add_option("ADDRESS", x->address, "host:port of its caf.address and caf.port")->required()->type_name("ADDRESS");
  add->footer("Start it with cluster.nodes naming itself and at least one node that is in the cluster.\n"
              "Example:\n  overwatch cluster add d 10.0.0.4:4242");
  runs(add, context, [&context, x] {
    return change(context, "PUT", node_path(x->node), json::serialize(json::object{{"address", x->address}}));
  });
  auto* remove =
    add_node_command(group, "remove", "Take a node out for good: it is refused until it is added again", *x);
  remove->footer("Example:\n  overwatch cluster remove c");
  runs(remove, context, [&context, x] { return change(context, "DELETE", node_path(x->node), ""); });
  auto* drain = add_node_command(group, "drain", "Move the work of a node to others", *x);
  drain->add_option("--limit", x->limit, "After this time what still runs there goes back to the queue; default: never")
    ->type_name("DURATION");
  drain->footer("Example:\n  overwatch cluster drain c --limit 10m");
  runs(drain, context, [&context, x] {
    const auto body = x->limit.empty() ? std::string{} : json::serialize(json::object{{"limit", x->limit}});
    return change(context, "POST", node_path(x->node) + "/drain", body);
  });
  auto* resume = add_node_command(group, "resume", "Let a drained node take work again", *x);
  resume->footer("Example:\n  overwatch cluster resume c");
  runs(resume, context, [&context, x] { return change(context, "POST", node_path(x->node) + "/resume", ""); });
  auto* hand = group->add_subcommand("transfer", "Hand the leadership of a partition to another node");
  hand->add_option("NODE", x->node, "Its name; without one any node that has caught up")->type_name("NODE");
  hand->add_option("--partition", x->partition, "Which one")->capture_default_str()->check(CLI::Range(0U, 65'535U));
  hand->footer("Example:\n  overwatch cluster transfer b");
  runs(hand, context, [&context, x] { return transfer(context, *x); });
}

} // namespace overwatch::cli
