#include "runtime/snapshots/snapshot_store.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/process/program_run.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

namespace overwatch::bench {

namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

constexpr uint64_t small_bytes = 16 << 10;
constexpr uint64_t medium_bytes = 256 << 10;
constexpr uint64_t large_bytes = 32 << 20;
constexpr uint64_t files_in_a_directory = 100;
constexpr std::chrono::seconds program_limit{600};

/// One part of the tree: `total` bytes in files of `each`.
void write_files(const std::string& path, uint64_t total, uint64_t each) {
  std::mt19937_64 random{each};
  std::string content(each, '\0');
  for (uint64_t i = 0; i * each < total; ++i) {
    check_interrupted();
    auto directory = path + "/" + std::to_string(i / files_in_a_directory);
    fs::create_directories(directory);
    for (size_t at = 0; at + sizeof(uint64_t) <= content.size(); at += 512) // enough that no two are alike
      reinterpret_cast<uint64_t&>(content[at]) = random();
    std::ofstream out{directory + "/" + std::to_string(i), std::ios::binary};
    out << content;
    if (!out.flush())
      throw std::runtime_error{"cannot write the tree of the benchmark"};
  }
}

/// Half of it in large files, a quarter each in medium and small ones.
void build_tree(const std::string& path, uint64_t bytes) {
  write_files(path + "/large", bytes / 2, std::min(large_bytes, bytes / 2));
  write_files(path + "/medium", bytes / 4, medium_bytes);
  write_files(path + "/small", bytes / 4, small_bytes);
}

/// Writes into one of a hundred small files.
void damage(const std::string& path) {
  uint64_t number = 0;
  for (const auto& x : fs::recursive_directory_iterator{path + "/small"})
    if (x.is_regular_file() && ++number % 100 == 0)
      std::ofstream{x.path(), std::ios::binary | std::ios::app} << "damage";
}

/// Durable, like a snapshot; so each way to copy is judged with what it has left unwritten.
void sync_disk(const std::string& path) {
  auto fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || ::syncfs(fd) != 0)
    throw std::runtime_error{"cannot sync " + path};
  ::close(fd);
}

template <class Body>
double seconds_of(const std::string& disk, Body body) {
  check_interrupted();
  sync_disk(disk); // what was before does not count
  auto start = clock::now();
  body();
  sync_disk(disk);
  return std::chrono::duration<double>(clock::now() - start).count();
}

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
  damage(tree);
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
