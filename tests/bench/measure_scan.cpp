#include "runtime/security/scan.hpp"
#include "tests/bench/bench.hpp"
#include "tests/support/process/program_run.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace overwatch::bench {

namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

constexpr uint64_t files_in_a_directory = 100;
constexpr uint64_t open_file_each = 1000; ///< one of so many files may be changed by everybody
constexpr int rounds = 3;                 ///< the best one counts: the first reads the tree from the disk
constexpr std::chrono::seconds program_limit{600};

void build_tree(const std::string& path, uint64_t files) {
  fs::create_directories(path + "/etc");
  std::ofstream{path + "/etc/passwd"} << std::ifstream{"/etc/passwd"}.rdbuf();
  std::ofstream{path + "/etc/group"} << std::ifstream{"/etc/group"}.rdbuf();
  for (uint64_t i = 0; i < files; ++i) {
    check_interrupted();
    auto directory = path + "/srv/" + std::to_string(i / files_in_a_directory);
    if (i % files_in_a_directory == 0)
      fs::create_directories(directory);
    auto file = directory + "/" + std::to_string(i);
    if (!std::ofstream{file}.flush() || (i % open_file_each == 0 && ::chmod(file.c_str(), 0666) != 0))
      throw std::runtime_error{"cannot write the tree of the benchmark"};
  }
}

/// Seconds of the best round.
template <class Body>
double best_of(Body body) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    check_interrupted();
    auto start = clock::now();
    body();
    best = std::min(best, std::chrono::duration<double>(clock::now() - start).count());
  }
  return best;
}

/// The same tests: open files and directories, set-uid and set-gid programs, no owner.
uint64_t find_them(const std::string& path) {
  auto ended =
    support::run_program({"/usr/bin/env", "find",  path,    "-xdev", "(",     "-type",   "f",     "-perm",    "-0002",
                          "-o",           "-type", "d",     "-perm", "-0002", "!",       "-perm", "-1000",    "-o",
                          "-type",        "f",     "-perm", "/6000", "-o",    "-nouser", "-o",    "-nogroup", ")"},
                         program_limit);
  if (ended.exit_status != 0)
    throw std::runtime_error{"find failed: " + ended.output};
  return static_cast<uint64_t>(std::count(ended.output.begin(), ended.output.end(), '\n'));
}

uint64_t scan_them(const std::string& path) {
  security::tree root{path};
  security::account_book accounts{root};
  security::findings found;
  settings config;
  security::scan_options scope;
  security::scan_control control;
  security::scan s{root, accounts, scope, config, control, now(), {}, found};
  security::check_files(s);
  return found.all().size();
}

} // namespace

void measure_scan(const bench_options& options, report& results) {
  support::scratch_directory directory;
  auto path = directory.path() + "/tree";
  build_tree(path, options.scan_files);
  auto open = (options.scan_files + open_file_each - 1) / open_file_each;
  auto expect = [&](const char* who, uint64_t count) {
    if (count != open)
      throw std::runtime_error{std::string{who} + " found " + std::to_string(count) + " open files of " +
                               std::to_string(open)};
  };
  auto files = static_cast<double>(options.scan_files);
  auto with_find = best_of([&] { expect("find", find_them(path)); });
  auto with_scan = best_of([&] { expect("the scan", scan_them(path)); });
  results.set("scan_files", files);
  results.set("scan_per_s", files / with_scan);
  results.set("scan_find_per_s", files / with_find);
  results.set("scan_per_find", with_find / with_scan);
}

} // namespace overwatch::bench
