#include "tests/support/process/node_group.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace overwatch::support {

namespace json = boost::json;

namespace {

/// Voters of a partition by node, with their ids.
std::map<std::string, std::string> voters_of(const json::object& partition) {
  std::map<std::string, std::string> result;
  if (const auto* members = partition.if_contains("members"))
    for (const auto& one : members->as_array())
      if (text_at(one.as_object(), "role") == "voter")
        result[text_at(one.as_object(), "node")] = text_at(one.as_object(), "id");
  return result;
}

} // namespace

node_group::node_group(group_options options) : names_{options.names} {
  options.listed = std::min(options.listed, names_.size());
  for (const auto& name : names_) {
    auto& x = members_[name];
    x.caf_port = std::make_unique<reserved_port>(options.network != nullptr ? options.network->path(name) : "");
    x.host = options.network != nullptr ? options.network->address(name) : "127.0.0.1";
  }
  for (size_t i = 0; i < names_.size(); ++i) {
    const auto& name = names_[i];
    auto& x = members_[name];
    auto node = options.node;
    if (node.binary.empty())
      node.binary = built_node_binary();
    node.waits_for_others = true;
    if (options.network != nullptr)
      node.network = options.network->path(name);
    if (auto place = options.data_dirs.find(name); place != options.data_dirs.end())
      node.data_dir = place->second;
    node.more_config += "node { name = \"" + name + "\" }\ncaf {\n  address = \"" + x.host + "\"\n  port = " +
                        x.caf_port->text() + "\n}\n";
    node.more_config += "cluster {\n" + nodes_known_to(i, options) + options.cluster_config + "\n}\n";
    x.process = std::make_unique<node_process>(node);
  }
}

std::string node_group::nodes_known_to(size_t index, const group_options& options) const {
  bool begins_alone = names_.size() > options.listed && options.listed == 1 && index == 0;
  if (begins_alone)
    return {};
  std::string list;
  if (index >= options.listed)
    list = entry(names_[0]) + ", " + entry(names_[index]);
  else
    for (size_t i = 0; i < options.listed; ++i)
      list += (i > 0 ? ", " : "") + entry(names_[i]);
  return "  nodes = [" + list + "]\n";
}

std::string node_group::address(const std::string& name) const {
  const auto& x = members_.at(name);
  return x.host + ':' + x.caf_port->text();
}

void node_group::start(const std::vector<std::string>& names) {
  for (const auto& name : names)
    process(name).start();
}

void node_group::lose_disk(const std::string& name) {
  process(name).kill();
  std::filesystem::remove_all(process(name).data_directory());
  process(name).start();
}

std::optional<http_answer> node_group::ask(const std::string& name, const std::string& path, std::string_view body,
                                           std::string_view method, std::chrono::milliseconds limit) const {
  try {
    network_visit there{process(name).network()};
    http_client http{process(name).http_port(), limit};
    return http.send(http_request_text(method, "/api/overwatch" + path,
                                                body.empty() ? "" : "application/json", body));
  } catch (const http_error&) {
    return std::nullopt;
  }
}

bool node_group::serves(const std::string& name) const {
  auto answer = ask(name, "/health/ready");
  return answer && answer->status == 200;
}

json::object node_group::cluster(const std::string& asked) const {
  auto answer = ask(asked, "/cluster");
  return answer && answer->status == 200 ? json::parse(answer->body).as_object() : json::object{};
}

json::object node_group::group(const std::string& asked, size_t partition) const {
  auto all = cluster(asked);
  auto* groups = all.if_contains("partitions");
  return groups != nullptr && groups->as_array().size() > partition ? groups->as_array()[partition].as_object()
                                                                    : json::object{};
}

std::string node_group::current_leader() const {
  for (const auto& name : names_) {
    if (!process(name).running() || process(name).frozen())
      continue;
    auto x = group(name);
    const auto* leads = x.if_contains("leads");
    const auto* current = x.if_contains("current");
    if (leads != nullptr && leads->as_bool() && current != nullptr && current->as_bool())
      return name;
  }
  return {};
}

std::map<std::string, std::string> node_group::voters(const std::string& asked) const {
  return voters_of(group(asked));
}

bool node_group::has_all_votes(const json::object& partition, const std::map<std::string, std::string>& ids) const {
  const auto* members = partition.if_contains("members");
  return members != nullptr && members->as_array().size() == names_.size() && voters_of(partition) == ids &&
         !text_at(partition, "leader").empty();
}

bool node_group::is_whole() const {
  return std::all_of(names_.begin(), names_.end(), [&](const std::string& name) {
    auto all = cluster(name);
    const auto* groups = all.if_contains("partitions");
    const auto* nodes = all.if_contains("nodes");
    if (nodes == nullptr || groups == nullptr || groups->as_array().empty() || !serves(name))
      return false;
    std::map<std::string, std::string> ids; // who they are now: one that lost its disk is somebody else than before
    for (const auto& x : nodes->as_array())
      ids[text_at(x.as_object(), "name")] = text_at(x.as_object(), "id");
    const auto& each = groups->as_array();
    return std::all_of(each.begin(), each.end(), [&](const auto& x) { return has_all_votes(x.as_object(), ids); });
  });
}

std::string node_group::state(const std::string& name, const std::string& asked) const {
  auto all = cluster(asked);
  if (const auto* nodes = all.if_contains("nodes"))
    for (const auto& x : nodes->as_array())
      if (text_at(x.as_object(), "name") == name)
        return text_at(x.as_object(), "status");
  return {};
}

std::optional<std::string> node_group::submit(const std::string& to) const {
  auto task = R"({"task_type":"noop","name":"submit )" + std::to_string(++submits_) + "\"}";
  auto answer = ask(to, "/tasks", task, "POST");
  if (!answer || answer->status != 200)
    return std::nullopt;
  return text_at(json::parse(answer->body).as_object(), "id");
}

void node_group::print_logs() const {
  for (const auto& [name, x] : members_)
    std::cout << "the log of node " << name << " ends with:\n" << x.process->log_tail() << std::endl;
}

} // namespace overwatch::support
