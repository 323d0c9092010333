#include "runtime/backup/create.hpp"

#include "runtime/backup/backup_run.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace overwatch::backup {

namespace {

/// What is walked through, and where a dump stands between.
struct root {
  std::string path;
  const dump* content = nullptr; ///< none: a path
};

std::vector<root> roots_of(const source_list& sources, const std::vector<dump>& dumps) {
  std::vector<root> result;
  for (const auto& path : sources.paths)
    result.push_back({path, nullptr});
  for (const auto& x : dumps)
    result.push_back({x.path, &x});
  std::sort(result.begin(), result.end(), [](const root& x, const root& y) { return goes_before(x.path, y.path); });
  return result;
}

std::string text_of_mb(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MB"; }

walk_options walking(const repository& to, const create_options& options) {
  walk_options result;
  result.excludes = pattern_list{options.excludes};
  result.one_file_system = options.one_file_system;
  struct stat st {};
  if (::stat(to.path().c_str(), &st) == 0)
    result.repository = {st.st_dev, st.st_ino};
  return result;
}

void require_space(const repository& to, uint64_t planned, const create_options& options) {
  auto left = to.free_bytes();
  if (options.check_space && planned + spare_bytes > left)
    throw backup_failed{
      "'" + to.path() + "' has " + text_of_mb(left) + " left, and " + text_of_mb(planned) +
        " have changed since the last backup; free some space, prune old backups, or set check_space to "
        "false when compression will make it fit",
      true};
}

/// Not before that of any other backup: the newest shall sort last.
std::string next_id(const repository& to, timestamp time) {
  auto all = to.backups();
  auto id = new_backup_id(time);
  while (!all.empty() && id.compare(0, id.size() - 4, all.back(), 0, all.back().size() - 4) <= 0 &&
         time < now() + std::chrono::seconds{1})
    id = new_backup_id(time += milliseconds{1});
  return id;
}

} // namespace

manifest create_backup(const repository& to, const create_options& options, problem_list& problems) {
  manifest result;
  result.started = now();
  result.host = options.host;
  result.sources = options.sources;
  result.excludes = options.excludes;

  auto sources = resolve_sources(options.sources);
  if (sources.paths.empty() && options.dumps.empty())
    throw backup_failed{"none of the sources exists: " + (options.sources.empty()
                                                            ? "none is named"
                                                            : "'" + options.sources.front() + "'" +
                                                                (options.sources.size() > 1 ? " and the others" : ""))};
  if (options.check_source)
    for (const auto& path : sources.paths)
      options.check_source(path);
  auto roots = roots_of(sources, options.dumps);
  auto how = walking(to, options);
  chunk_table known{to.packs(), to.packs_path(), to.secret(), options.stop};
  for (const auto& pack : known.packs())
    if (!pack.damage.empty())
      problems.add(problem_kind::damaged, pack.name, pack.damage);
  auto earlier = choose_earlier(to, options.host, options.sources, problems);

  earlier_backup before_estimate{earlier, known};
  estimate first{before_estimate, options.progress};
  tree_walk look{how, first, options.stop};
  for (const auto& x : roots)
    if (x.content == nullptr)
      look.run(x.path);
  require_space(to, first.bytes(), options);

  chunk_writer_options writing;
  writing.level = options.level;
  writing.before_pack = [&to] {
    if (to.free_bytes() < pack_target_bytes + max_chunk_bytes + spare_bytes)
      throw backup_failed{
        "'" + to.path() + "' is full: " + text_of_mb(to.free_bytes()) +
          " are left; free some space or prune, and run it again: what is stored already is used then",
        true};
  };
  auto gear = to.secret().gear();
  chunk_writer chunks{known, to.packs(), to.aside(), to.secret(), writing};
  earlier_backup before{earlier, known};
  backup_run run{to, options, chunks, before, gear, first.bytes(), problems};
  for (const auto& missing : sources.missing)
    run.miss(problem_kind::unreadable, missing, "nothing has this name");
  tree_walk read{how, run, options.stop};
  for (const auto& x : roots) {
    if (x.content != nullptr)
      run.take(*x.content);
    else
      read.run(x.path);
  }
  result.tree = run.finish();
  chunks.finish();

  result.counts = run.counts();
  auto written = chunks.counts();
  result.counts.new_chunks = written.chunks;
  result.counts.new_bytes = written.bytes;
  result.counts.stored_bytes = written.stored_bytes;
  result.finished = now();
  result.id = next_id(to, result.started);
  check_stopped(options.stop);
  to.write_backup(result); // from here on it counts
  return result;
}

} // namespace overwatch::backup
