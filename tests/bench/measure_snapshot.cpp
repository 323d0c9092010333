#include "runtime/snapshots/snapshot_store.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/bench_tree.hpp"
#include "tests/support/process/program_run.hpp"

#include <filesystem>
#include <stdexcept>

namespace overwatch::bench {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds program_limit{600};

/// Looks for the program in the PATH.
void run(std::vector<std::string> argv) {
  auto name = argv.front();
  argv.insert(argv.begin(), "/usr/bin/env");
  auto ended = support::run_program(argv, program_limit);
  if (ended.exit_status != 0)
    throw std::runtime_error{name + " failed: " + ended.output};
}

void require(const failure& error) {
  if (error)
    throw std::runtime_error{error.message};
}

} // namespace

void measure_snapshot(const bench_options& options, report& results) {
  support::scratch_directory directory;
  auto at = directory.path();
  auto tree = at + "/tree";
  auto bytes = options.snapshot_mb << 20;
  build_tree(tree, bytes);
  snapshots::snapshot_limits limits;
  limits.max_bytes = bytes + (bytes >> 3);
  snapshot_store store{{at + "/store", {at}, limits}};
  auto restore = [&](uint64_t& rewritten) {
    auto result = store.restore("a", {});
    require(result.error);
    rewritten = result.counts.rewritten + result.counts.recreated;
  };

  auto cp = seconds_of(at, [&] { run({"cp", "-a", tree, at + "/copy"}); });
  auto tar = seconds_of(at, [&] { run({"tar", "-C", at, "-cf", at + "/tree.tar", "tree"}); });
  auto capture = seconds_of(at, [&] { require(store.capture("a", {{tree}, {}}, {}).error); });
  results.set("snapshot_mb", static_cast<double>(options.snapshot_mb));
  results.set("snapshot_capture_s", capture);
  results.set("snapshot_capture_per_cp", capture / cp);
  results.set("snapshot_capture_per_tar", capture / tar);

  uint64_t changed = 0;
  results.set("snapshot_unchanged_s", seconds_of(at, [&] { restore(changed); }));
  if (changed != 0)
    throw std::runtime_error{"a restore of what did not change has written something"};
  damage_tree(tree);
  results.set("snapshot_damaged_s", seconds_of(at, [&] { restore(changed); }));

  fs::remove_all(tree);
  auto cp_back = seconds_of(at, [&] { run({"cp", "-a", at + "/copy", tree}); });
  fs::remove_all(tree);
  auto tar_back = seconds_of(at, [&] { run({"tar", "-C", at, "-xf", at + "/tree.tar"}); });
  fs::remove_all(tree);
  auto whole = seconds_of(at, [&] { restore(changed); });
  run({"diff", "-r", tree, at + "/copy"});
  results.set("snapshot_restore_s", whole);
  results.set("snapshot_restore_per_cp", whole / cp_back);
  results.set("snapshot_restore_per_tar", whole / tar_back);
  results.set("snapshot_drop_s", seconds_of(at, [&] { require(store.drop("a")); }));
}

} // namespace overwatch::bench
