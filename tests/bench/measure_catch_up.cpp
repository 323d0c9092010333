#include "tests/bench/bench_cluster.hpp"
#include "tests/bench/bench_tree.hpp"
#include "tests/bench/noop_load.hpp"
#include "tests/support/process/eventually.hpp"
#include "tests/support/process/program_run.hpp"

#include <filesystem>
#include <stdexcept>

namespace overwatch::bench {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes patience{5};

uint64_t bytes_in(const std::string& directory) {
  uint64_t result = 0;
  std::error_code gone; // files come and go
  for (const auto& x : fs::recursive_directory_iterator{directory, gone}) {
    auto size = x.is_regular_file(gone) ? x.file_size(gone) : 0;
    result += gone ? 0 : size;
  }
  return result;
}

uint64_t number_at(const boost::json::object& object, std::string_view member) {
  const auto* found = object.if_contains({member.data(), member.size()});
  return found != nullptr ? found->to_number<uint64_t>() : 0;
}

/// The node has a vote under another id than before, and all that the leader has.
bool has_caught_up(const support::node_group& nodes, const std::string& name, const std::string& id_before,
                   const std::string& leader) {
  auto voters = nodes.voters(leader);
  auto found = voters.find(name);
  return found != voters.end() && found->second != id_before &&
         number_at(nodes.group(name), "applied_index") >= number_at(nodes.group(leader), "commit_index");
}

} // namespace

void measure_catch_up(const bench_options& options, report& results) {
  bench_cluster cluster{options, results, 3};
  auto leader = cluster.leader();
  auto lagging = cluster.follower();
  support::node_api api{cluster.port(leader)};
  api.stop_dispatch(); // so that they stay in the state with their payloads
  auto tasks = (options.tasks + batch_tasks - 1) / batch_tasks * batch_tasks;
  batch_script batches{api, tasks};
  load_options load;
  load.port = cluster.port(leader);
  load.connections = options.connections;
  run_load(load, batches);

  auto& nodes = cluster.nodes();
  auto id_before = nodes.voters(leader)[lagging];
  auto start = std::chrono::steady_clock::now();
  nodes.lose_disk(lagging);
  auto caught_up = [&] {
    check_interrupted();
    return has_caught_up(nodes, lagging, id_before, leader);
  };
  if (!support::eventually(caught_up, patience))
    throw std::runtime_error{"a node without a disk did not catch up"};
  auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  auto megabytes = static_cast<double>(bytes_in(cluster.process(lagging).data_directory())) / 1e6;
  results.set("catch_up_tasks", static_cast<double>(tasks));
  results.set("catch_up_s", seconds);
  results.set("catch_up_tasks_per_s", static_cast<double>(tasks) / seconds);
  results.set("catch_up_mb", megabytes);

  support::scratch_directory place;
  auto copied = seconds_of(place.path(), [&] {
    support::run_program({"/bin/cp", "-a", cluster.process(lagging).data_directory(), place.path() + "/copy"},
                         std::chrono::seconds{patience});
  });
  results.set("catch_up_cp_s", copied);
  results.set("catch_up_per_cp", seconds / copied);
  cluster.stop();
}

} // namespace overwatch::bench
