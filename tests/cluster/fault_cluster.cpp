#include "tests/cluster/fault_cluster.hpp"

#include "tests/support/process/eventually.hpp"

#include <filesystem>
#include <stdexcept>

namespace overwatch {

namespace json = boost::json;
using support::eventually;

namespace {

/// Nodes try for so long to answer a request; below `fault_load::answer_limit`.
constexpr const char* request_timeout = "3s";

/// So that a full disk is soon full, and a state is shipped when a node was away or lost its disk.
constexpr const char* small_storage = "storage {\n  min-free-mb = 16\n  write-buffer-mb = 8\n  checkpoint-mb = 4\n}\n";

constexpr const char* unfinished = "&status=pending,queued,running,retrying";

} // namespace

fault_cluster::fault_cluster(const fault_cluster_options& options) : seed_{options.seed} {
  support::group_options group;
  for (unsigned i = 0; i < options.nodes; ++i)
    group.names.emplace_back(1, static_cast<char>('a' + i));
  auto& node = group.node;
  node.slots = {{"noop", 16}, {"user_task", 4}};
  node.commands = {{"record", runs_.recording_command()}, {"hold", runs_.recording_command()}};
  node.commands["hold"].back() += "; sleep 1";
  node.more_config = std::string{"http { request-timeout = "} + request_timeout + " }\n" + small_storage;
  if (options.partitions > 1)
    group.cluster_config += "  partitions = " + std::to_string(options.partitions) + "\n";
  if (options.network) {
    network_ = std::make_unique<support::test_network>(group.names);
    certificates_.emplace();
    group.network = network_.get();
    auto file = [&](const char* name) { return '"' + certificates_->path(name) + "\"\n"; };
    group.cluster_config +=
      "  certificate = " + file("a.crt") + "  key = " + file("a.key") + "  ca = " + file("ca.crt");
  }
  if (options.small_disks)
    for (const auto& name : group.names) {
      disks_[name] = std::make_unique<small_disk>();
      group.data_dirs[name] = disks_[name]->data_directory();
    }
  nodes_ = std::make_unique<support::node_group>(group);
}

fault_cluster::~fault_cluster() {
  load_.reset();
  nodes_.reset(); // they are on the disks and the network
}

void fault_cluster::start() {
  nodes_->start();
  if (!repair())
    throw std::runtime_error{"the nodes did not become one cluster"};
  load_ = std::make_unique<fault_load>(*nodes_, history_, seed_);
}

std::vector<std::string> fault_cluster::names_but(const std::string& one) const {
  std::vector<std::string> result;
  for (const auto& name : names())
    if (name != one)
      result.push_back(name);
  return result;
}

std::string fault_cluster::leader() const {
  std::string result;
  if (!eventually([&] { return !(result = nodes_->current_leader()).empty(); }, repair_limit))
    throw std::runtime_error{"nobody leads"};
  return result;
}

bool fault_cluster::repair() {
  if (network_)
    network_->heal();
  for (const auto& [name, disk] : disks_)
    if (std::filesystem::exists(disk->ballast()))
      disk->free();
  for (const auto& name : names()) {
    auto& node = nodes_->process(name);
    node.thaw();
    if (!node.running())
      node.start();
  }
  return eventually([&] { return nodes_->is_whole(); }, repair_limit);
}

std::vector<std::string> fault_cluster::judge() {
  load_->stop();
  if (auto problem = load_->problem(); !problem.empty())
    return {"a client could not go on: " + problem};
  if (!repair())
    return {"the nodes did not become whole again"};
  if (!end_all_tasks())
    return {"tasks do not end, or cannot be listed"};
  for (const auto& line : runs_.lines())
    history_.started(to_string(line.id), line.attempt);
  for (const auto& name : names())
    history_.listed(name, list(name));
  return history_.violations();
}

bool fault_cluster::end_all_tasks() {
  const auto& any = names().front();
  for (const auto& x : list(any, "&status=pending"))
    nodes_->ask(any, "/tasks/" + x.id + "/cancel", {}, "POST");
  return eventually(
    [&] {
      auto answer = nodes_->ask(any, std::string{"/tasks?limit=1"} + unfinished);
      return answer && answer->status == 200 && json::parse(answer->body).as_array().empty();
    },
    repair_limit);
}

std::vector<task_sight> fault_cluster::list(const std::string& node, const std::string& filter) const {
  std::vector<task_sight> result;
  for (std::string cursor;;) {
    auto path = "/tasks?limit=1000" + filter + (cursor.empty() ? "" : "&cursor=" + cursor);
    std::optional<support::http_answer> answer;
    if (!eventually([&] { return (answer = nodes_->ask(node, path)) && answer->status == 200; }, repair_limit))
      throw std::runtime_error{"node " + node + " does not list its tasks"};
    auto page = json::parse(answer->body);
    for (const auto& x : page.as_array())
      result.push_back(sight_of(x.as_object()));
    cursor = answer->header("overwatch-next-cursor");
    if (cursor.empty())
      return result;
  }
}

} // namespace overwatch
