#include "runtime/backup/backup_run.hpp"

#include "runtime/backup/sqlite_copy.hpp"
#include "runtime/snapshots/metadata.hpp"
#include "runtime/snapshots/places.hpp"

#include <fcntl.h>

#include <algorithm>

namespace overwatch::backup {

namespace {

/// Pieces of a file with several names that are remembered until the next name comes.
constexpr size_t max_linked_pieces = 64;

constexpr std::chrono::milliseconds report_interval{100};
constexpr uint64_t entries_between_reports = 1000;

uint64_t allocated(const struct stat& st) { return static_cast<uint64_t>(st.st_blocks) * 512; }

bool is_settled(const struct stat& st, milliseconds recent) {
  auto changed = std::chrono::seconds{st.st_ctim.tv_sec} + std::chrono::nanoseconds{st.st_ctim.tv_nsec};
  return changed + recent < now().time_since_epoch();
}

bool is_same(const struct stat& x, const struct stat& y) {
  return x.st_size == y.st_size && snapshots::modified_of(x) == snapshots::modified_of(y) &&
         snapshots::changed_of(x) == snapshots::changed_of(y);
}

descriptor open_to_read(int directory, const std::string& name) {
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  descriptor result{::openat(directory, name.c_str(), flags | O_NOATIME)};
  if (!result && errno == EPERM) // another's file
    result = descriptor{::openat(directory, name.c_str(), flags)};
  return result;
}

} // namespace

void estimate::count() {
  if (++entries_ % entries_between_reports == 0 && progress_)
    progress_(0, bytes_, "looking: " + std::to_string(entries_) + " files");
}

void estimate::enter(int, const std::string&, const struct stat&) { count(); }

void estimate::visit(int, const std::string&, const std::string& path, const struct stat& st) {
  count();
  const auto* before = before_.find(path);
  if (S_ISREG(st.st_mode) && (before == nullptr || !is_unchanged(*before, st)))
    bytes_ += std::min(static_cast<uint64_t>(st.st_size), allocated(st));
}

backup_run::backup_run(const repository& to, const create_options& options, chunk_writer& chunks,
                       earlier_backup& before, const gear_table& gear, uint64_t planned, problem_list& problems)
  : to_{to}, options_{options}, chunks_{chunks}, before_{before}, problems_{problems}, planned_{planned},
    reader_{chunks, gear, options.stop,
            [this](uint64_t bytes) {
              counts_.read_bytes += bytes;
              report();
            }},
    list_{[&chunks](std::string_view block) { return chunks.put(block); }} {}

void backup_run::report() {
  auto time = std::chrono::steady_clock::now();
  if (!options_.progress || time - reported_ < report_interval)
    return;
  reported_ = time;
  options_.progress(counts_.read_bytes, std::max(planned_, counts_.read_bytes), current_);
}

void backup_run::miss(problem_kind kind, const std::string& path, const std::string& reason) {
  std::string database; // whose own files come and go while it is used
  if (kind == problem_kind::vanished && is_sqlite_companion(path, database) && databases_.count(database) != 0)
    return;
  problems_.add(kind, path, reason);
  counts_.unreadable += kind == problem_kind::unreadable ? 1 : 0;
  counts_.vanished += kind == problem_kind::vanished ? 1 : 0;
  counts_.changed += kind == problem_kind::changed ? 1 : 0;
  counts_.notes += kind == problem_kind::note ? 1 : 0;
}

void backup_run::read_attributes(int file, entry& x) {
  try {
    x.metadata.attributes = snapshots::read_attributes(file, x.path);
  } catch (const std::exception& error) { // also of a directory that may not be read
    if (errno != EBADF)
      miss(problem_kind::note, x.path, error.what());
  }
}

void backup_run::enter(int directory, const std::string& path, const struct stat& st) {
  auto x = describe(path, st);
  read_attributes(directory, x);
  ++counts_.directories;
  list_.add(x);
}

void backup_run::visit(int directory, const std::string& name, const std::string& path, const struct stat& st) {
  current_ = path;
  report();
  std::string database;
  if (S_ISREG(st.st_mode) && is_sqlite_companion(path, database) && databases_.count(database) != 0)
    return;
  if (S_ISREG(st.st_mode)) {
    visit_file(directory, name, path, st);
    return;
  }
  auto x = describe(path, st);
  if (x.kind == captured_kind::socket)
    return; // made again by whoever listens
  if (x.kind == captured_kind::symlink) {
    try {
      x.target = snapshots::read_target(directory, name, path);
    } catch (const std::exception& error) {
      miss(problem_kind::unreadable, path, error.what());
      return;
    }
  }
  ++counts_.others;
  keep(x, st);
}

/// Adds it to the list, and remembers what further names of it will need.
void backup_run::keep(entry& x, const struct stat& st) {
  if (st.st_nlink > 1) {
    auto [found, is_first] = links_.try_emplace({st.st_dev, st.st_ino});
    if (!is_first)
      x.link_of = found->second.path;
    if (is_first || !found->second.has_pieces) {
      found->second.path = is_first ? x.path : found->second.path;
      found->second.has_pieces = x.pieces.size() <= max_linked_pieces && !x.database;
      if (found->second.has_pieces)
        found->second.content = x;
    }
  }
  list_.add(x);
}

/// A writer in WAL mode changes only the file beside the database.
bool backup_run::can_reuse(const entry& before, const struct stat& st, int directory, const std::string& name) const {
  if (!is_unchanged(before, st) || (before.database && !options_.sqlite))
    return false;
  struct stat log {};
  if (before.database && ::fstatat(directory, (name + "-wal").c_str(), &log, AT_SYMLINK_NOFOLLOW) == 0 &&
      log.st_size > 0)
    return false;
  return std::all_of(before.pieces.begin(), before.pieces.end(),
                     [&](const piece& x) { return x.hole || chunks_.has(x.id); });
}

void backup_run::visit_file(int directory, const std::string& name, const std::string& path, const struct stat& st) {
  auto counted = [&](entry& x) {
    ++counts_.files;
    counts_.bytes += x.size;
    keep(x, st);
  };
  auto linked = st.st_nlink > 1 ? links_.find({st.st_dev, st.st_ino}) : links_.end();
  if (linked != links_.end() && linked->second.has_pieces) {
    auto x = linked->second.content;
    x.path = path;
    return counted(x);
  }
  if (const auto* before = before_.find(path); before != nullptr && can_reuse(*before, st, directory, name)) {
    auto x = *before;
    x.link_of.clear();
    if (x.database)
      databases_.insert(path);
    ++counts_.unchanged;
    return counted(x);
  }
  auto file = open_to_read(directory, name);
  struct stat opened {};
  if (!file || ::fstat(file.get(), &opened) != 0) {
    miss(errno == ENOENT ? problem_kind::vanished : problem_kind::unreadable, path,
         std::generic_category().message(errno));
    return;
  }
  if (!S_ISREG(opened.st_mode) || opened.st_ino != st.st_ino) {
    miss(problem_kind::vanished, path, "something else has taken its place");
    return;
  }
  auto x = describe(path, opened);
  read_attributes(file.get(), x);
  try {
    if (!(options_.sqlite && is_sqlite_database(file.get()) && read_database(opened, x)))
      read_file(file.get(), opened, x);
  } catch (const source_unreadable& error) {
    miss(problem_kind::unreadable, path, error.what());
    return;
  }
  counted(x);
}

void backup_run::read_file(int file, const struct stat& st, entry& x) {
  x.pieces = reader_.read(file, static_cast<uint64_t>(st.st_size), x.path);
  x.size = 0;
  for (const auto& part : x.pieces)
    x.size += part.size;
  x.sparse = allocated(st) < static_cast<uint64_t>(st.st_size);
  struct stat after {};
  if (::fstat(file, &after) != 0 || !is_same(st, after))
    miss(problem_kind::changed, x.path, "it was written to while it was read");
  else
    x.settled = is_settled(st, options_.recent);
}

/// False when it has to be taken as it lies there.
bool backup_run::read_database(const struct stat& st, entry& x) {
  const std::string name = "database";
  auto copy = to_.aside_path() + "/" + name;
  std::string error = "there is no room for a copy of it at the destination";
  if (to_.free_bytes() > static_cast<uint64_t>(st.st_size) + spare_bytes)
    error = copy_sqlite_database(x.path, copy, options_.stop);
  descriptor file{::openat(to_.aside(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  ::unlinkat(to_.aside(), name.c_str(), 0);
  if (!file || !error.empty()) {
    miss(problem_kind::note, x.path,
         "taken as a plain file, since SQLite's backup failed: " + (error.empty() ? "the copy is gone" : error));
    return false;
  }
  x.size = size_of(file.get(), copy);
  x.pieces = reader_.read(file.get(), x.size, x.path);
  x.database = true;
  x.settled = is_settled(st, options_.recent);
  databases_.insert(x.path);
  return true;
}

void backup_run::take(const dump& x) {
  auto above = snapshots::directory_of(x.path);
  entry kept;
  kept.metadata.owner = ::geteuid();
  kept.metadata.group = ::getegid();
  kept.metadata.modified.seconds = std::chrono::duration_cast<std::chrono::seconds>(now().time_since_epoch()).count();
  if (databases_.insert(above).second) {
    kept.path = above;
    kept.kind = captured_kind::directory;
    kept.metadata.mode = 0700;
    list_.add(kept);
    ++counts_.directories;
  }
  current_ = x.path;
  auto error = x.run([&](std::string_view bytes) {
    check_stopped(options_.stop);
    reader_.add(bytes);
  });
  kept.pieces = reader_.finish();
  if (!error.empty())
    return miss(problem_kind::unreadable, x.path, error);
  kept.path = x.path;
  kept.kind = captured_kind::file;
  kept.metadata.mode = 0600;
  for (const auto& part : kept.pieces)
    kept.size += part.size;
  ++counts_.files;
  counts_.bytes += kept.size;
  list_.add(kept);
}

} // namespace overwatch::backup
