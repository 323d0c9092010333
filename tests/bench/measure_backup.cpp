#include "runtime/backup/restore.hpp"
#include "runtime/backup/verify.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/bench_tree.hpp"
#include "tests/support/process/program_run.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

/// Backups of a tree: first, after few changes, verify, restore; beside the programs that do the same, where they are.
namespace overwatch::bench {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds program_limit{1800};

/// Through a shell: for pipes and the variables that the programs want.
void run(const std::string& command) {
  auto ended = support::run_program({"/bin/sh", "-c", command}, program_limit);
  if (ended.exit_status != 0)
    throw std::runtime_error{command + " failed: " + ended.output};
}

bool has(const std::string& program) {
  return support::run_program({"/bin/sh", "-c", "command -v " + program}, program_limit).exit_status == 0;
}

/// What one way to keep a tree does. `{at}` is a directory of its own, `{tree}` the tree.
struct way {
  std::string name;
  std::string prepare, create, verify, restore;
};

std::vector<way> others(const std::string& at, const std::string& tree) {
  auto restic = "RESTIC_PASSWORD=x restic -q -r " + at + "/restic ";
  auto borg = "BORG_REPO=" + at + "/borg BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes borg ";
  return {
    {"tar", "", "tar -C " + at + " -cf - tree | zstd -q -3 -f -o " + at + "/tree.tar.zst",
     "zstd -q -t " + at + "/tree.tar.zst", "zstd -q -d -c " + at + "/tree.tar.zst | tar -C {target} -xf -"},
    {"restic", restic + "init", restic + "backup " + tree, restic + "check --read-data",
     restic + "restore latest --target {target}"},
    {"borg", borg + "init -e none", borg + "create --compression zstd,3 ::{now} " + tree, borg + "check --verify-data",
     "cd {target} && " + borg + "extract ::{now}"},
  };
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at))
    text.replace(at, what.size(), by);
  return text;
}

backup::repository open(const std::string& path, bool write) {
  backup::repository_access access;
  access.path = path;
  access.create = access.exclusive = write;
  access.purpose = "the benchmark";
  return backup::repository{access};
}

void create(const std::string& path, const std::string& tree) {
  auto to = open(path, true);
  backup::problem_list problems{to, "bench"};
  backup::create_options options;
  options.sources = {tree};
  backup::create_backup(to, options, problems);
  if (problems.total() > 0)
    throw std::runtime_error{"a backup of the benchmark has problems: " + problems.first().front().reason};
}

void measure_other(const way& x, const std::string& at, const std::string& tree, report& results) {
  auto set = [&](const char* what, double seconds) { results.set("backup_" + x.name + "_" + what + "_s", seconds); };
  auto target = at + "/" + x.name + "-restored";
  fs::create_directory(target);
  if (!x.prepare.empty())
    run(x.prepare);
  set("first", seconds_of(at, [&] { run(replaced(x.create, "{now}", "one")); }));
  damage_tree(tree);
  set("again", seconds_of(at, [&] { run(replaced(x.create, "{now}", "two")); }));
  set("verify", seconds_of(at, [&] { run(x.verify); }));
  set("restore", seconds_of(at, [&] { run(replaced(replaced(x.restore, "{now}", "two"), "{target}", target)); }));
  fs::remove_all(target);
}

} // namespace

void measure_backup(const bench_options& options, report& results) {
  support::scratch_directory directory;
  auto at = fs::canonical(directory.path()).string();
  auto tree = at + "/tree";
  auto repository = at + "/repository";
  build_tree(tree, options.snapshot_mb << 20);
  results.set("backup_mb", static_cast<double>(options.snapshot_mb));
  results.set("backup_first_s", seconds_of(at, [&] { create(repository, tree); }));
  damage_tree(tree);
  results.set("backup_again_s", seconds_of(at, [&] { create(repository, tree); }));
  results.set("backup_verify_s", seconds_of(at, [&] {
                auto which = open(repository, false);
                backup::problem_list problems{which, "bench"};
                if (!backup::verify_repository(which, {}, {}, problems).whole())
                  throw std::runtime_error{"the repository of the benchmark is damaged"};
              }));
  results.set("backup_restore_s", seconds_of(at, [&] {
                auto from = open(repository, false);
                backup::problem_list problems{from, "bench"};
                backup::restore_options restoring;
                restoring.target = at + "/restored";
                backup::restore_backup(from, from.read_backup("latest"), restoring, problems);
              }));
  run("diff -r " + tree + " " + at + "/restored" + tree);
  fs::remove_all(at + "/restored");
  for (const auto& x : others(at, tree))
    if (has(x.name))
      measure_other(x, at, tree, results);
}

} // namespace overwatch::bench
