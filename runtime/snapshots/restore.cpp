#include "runtime/snapshots/restore.hpp"

#include "runtime/snapshots/metadata.hpp"
#include "runtime/snapshots/tree_removal.hpp"
#include "runtime/snapshots/trouble.hpp"

#include <fcntl.h>

#include <algorithm>

namespace overwatch::snapshots {

namespace {

/// What waits in the queue at most: files, directories (each has a descriptor), and content that is not synced.
constexpr size_t max_waiting_files = 4096;
constexpr size_t max_waiting_directories = 128;
constexpr uint64_t max_unsynced_bytes = 256 << 20;

/// More files than this are made durable by one sync of their file system.
constexpr size_t synced_alone = 8;

/// `directory` may be one that was opened as a path only.
int sync_file_system(int directory) {
  descriptor opened{::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (opened)
    return ::syncfs(opened.get());
  ::sync(); // it may be used, but not read
  return 0;
}

} // namespace

restorer::restorer(const manifest& x, int content, std::string name, const root_set& roots,
                   const snapshot_limits& limits, const std::function<bool()>& stop)
  : x_{x}, content_{content}, name_{std::move(name)}, roots_{roots}, limits_{limits}, stop_{stop},
    children_(x.entries.size()) {
  for (uint32_t i = 0; i < x.entries.size(); ++i)
    if (x.entries[i].parent != no_entry)
      children_[x.entries[i].parent].push_back(i);
}

restorer::~restorer() {
  for (const auto& x : queue_) // what an error has left; after a crash the next run finds them
    if (!x.temporary.empty())
      ::unlinkat(x.directory->get(), x.temporary.c_str(), 0);
}

std::string restorer::temporary_name(uint32_t number) const {
  return ".overwatch-restore-" + name_ + "-" + std::to_string(number);
}

void restorer::run() {
  check_contents();
  for (const auto& scope : x_.scopes)
    roots_.check(scope.path);
  for (const auto& scope : x_.scopes)
    restore_scope(scope);
  flush();
  finish_ancestors();
  sync_touched();
}

void restorer::check_contents() const {
  auto require = [&](const std::string& name, uint64_t size) {
    auto st = look_at(content_, name, name);
    if (!st || static_cast<uint64_t>(st->st_size) < size)
      throw trouble{ec::internal,
                    "the snapshot '" + name_ + "' cannot be used: its file '" + name +
                      (st ? "' is too short" : "' is gone") + "; nothing was restored",
                    false};
  };
  if (x_.packed_bytes > 0)
    require(pack_name, x_.packed_bytes);
  for (uint32_t i = 0; i < x_.entries.size(); ++i)
    if (x_.entries[i].place == content_place::alone)
      require(content_name(i), x_.entries[i].size);
}

// -- scopes --------------------------------------------------------------------

void restorer::restore_scope(const saved_scope& scope) {
  auto parent = open_parent(scope);
  if (!parent) { // neither the path nor its directory was there, nor are they now
    ++counts_.unchanged;
    return;
  }
  ::unlinkat(parent->get(), temporary_name(scope.top).c_str(), 0);
  restore_entry(parent, scope.top);
  if (x_.entries[scope.top].kind == captured_kind::absent)
    remove_empty_ancestors(scope);
}

restorer::shared_directory restorer::open_parent(const saved_scope& scope) {
  auto path = directory_of(scope.path);
  auto opened = open_directory(path, O_PATH);
  if (!opened && errno == ENOENT) {
    if (x_.entries[scope.top].kind == captured_kind::absent)
      return nullptr;
    for (const auto& ancestor : scope.ancestors)
      make_ancestor(ancestor);
    opened = open_directory(path, O_PATH);
  }
  if (!opened)
    fail_to_open_directory(scope.path, errno);
  return std::make_shared<descriptor>(std::move(opened));
}

void restorer::make_ancestor(const saved_ancestor& x) {
  if (open_directory(x.path, O_PATH))
    return;
  auto above = errno == ENOENT ? open_directory(directory_of(x.path), O_PATH) : descriptor{};
  if (!above)
    fail_to_open_directory(x.path, errno);
  auto temporary = ".overwatch-restore-" + name_;
  remove_tree(above.get(), temporary, x.path, stop_);
  if (::mkdirat(above.get(), temporary.c_str(), 0700) != 0)
    fail("create", x.path);
  descriptor made{::openat(above.get(), temporary.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!made)
    fail("create", x.path);
  put_back(made.get(), x.metadata, x.path);
  if (::renameat(above.get(), temporary.c_str(), above.get(), snapshots::name_of(x.path).c_str()) != 0)
    fail("create", x.path);
  touched(above.get());
  ++counts_.recreated;
  made_ancestors_.push_back(x);
}

void restorer::finish_ancestors() {
  for (auto x = made_ancestors_.rbegin(); x != made_ancestors_.rend(); ++x) {
    auto directory = open_directory(x->path, O_RDONLY);
    if (!directory)
      fail_to_open_directory(x->path, errno);
    put_back(directory.get(), x->metadata, x->path);
  }
}

/// Those that were not there; one that holds something else belongs to somebody else too.
void restorer::remove_empty_ancestors(const saved_scope& scope) {
  for (auto x = scope.ancestors.rbegin(); x != scope.ancestors.rend() && x->absent; ++x) {
    auto above = open_directory(directory_of(x->path), O_PATH);
    if (!above || ::unlinkat(above.get(), snapshots::name_of(x->path).c_str(), AT_REMOVEDIR) != 0)
      return;
    touched(above.get());
    ++counts_.removed;
  }
}

// -- directories ---------------------------------------------------------------

void restorer::restore_directory(const shared_directory& directory, uint32_t number,
                                 const std::optional<struct stat>& st) {
  const auto& x = x_.entries[number];
  auto path = x_.path_of(number);
  auto present = st && S_ISDIR(st->st_mode);
  if (!present) {
    if (st && ::unlinkat(directory->get(), x.name.c_str(), 0) != 0)
      fail("remove", path);
    if (::mkdirat(directory->get(), x.name.c_str(), 0700) != 0)
      fail("create", path);
    count_change(st.has_value());
    touched(directory->get());
  }
  auto inside = std::make_shared<descriptor>(open_writable_directory(directory->get(), x.name));
  if (!*inside)
    fail("open", path);
  remove_appeared(inside->get(), number, path);
  for (auto child : children_[number])
    restore_entry(inside, child);
  waiting last;
  last.directory = inside;
  last.entry = number;
  last.counted = !present;
  wait(std::move(last));
}

void restorer::remove_appeared(int directory, uint32_t number, const std::string& path) {
  std::set<std::string_view> known;
  for (auto child : children_[number])
    known.insert(x_.entries[child].name);
  for (const auto& name : names_in(directory, path)) {
    if (known.count(name) != 0)
      continue;
    remove_tree(directory, name, path + "/" + name, stop_);
    touched(directory);
    ++counts_.removed;
  }
}

// -- the queue -----------------------------------------------------------------

void restorer::wait(waiting&& x) {
  if (x.temporary.empty() && waiting_files_ == 0)
    return finish_directory(x);
  ++(x.temporary.empty() ? waiting_directories_ : waiting_files_);
  if (waiting_files_ > synced_alone) // they are synced together: their descriptors are not needed
    x.file = descriptor{};
  queue_.push_back(std::move(x));
  if (waiting_files_ >= max_waiting_files || waiting_directories_ >= max_waiting_directories ||
      unsynced_bytes_ >= max_unsynced_bytes)
    flush();
}

void restorer::finish_directory(const waiting& x) {
  auto differed = put_back(x.directory->get(), x_.entries[x.entry].metadata, x_.path_of(x.entry));
  if (differed)
    touched(x.directory->get());
  if (!x.counted)
    ++(differed ? counts_.rewritten : counts_.unchanged);
}

void restorer::sync_waiting() {
  std::set<uint64_t> synced; // file systems
  for (const auto& x : queue_) {
    if (x.temporary.empty())
      continue;
    auto done = 0;
    if (waiting_files_ <= synced_alone)
      done = ::fsync(x.file.get());
    else if (synced.insert(current_[x.entry].first).second)
      done = sync_file_system(x.directory->get());
    if (done != 0)
      fail("write", x_.path_of(x.entry));
  }
}

void restorer::flush() {
  sync_waiting();
  for (auto& x : queue_) {
    if (x.temporary.empty()) {
      finish_directory(x);
    } else {
      put_in_place(x.directory->get(), x.temporary, x.entry);
      x.temporary.clear(); // it is no leftover any more
    }
  }
  queue_.clear();
  waiting_files_ = 0;
  waiting_directories_ = 0;
  unsynced_bytes_ = 0;
}

void restorer::put_in_place(int directory, const std::string& temporary, uint32_t number) {
  const auto& name = x_.entries[number].name;
  auto path = x_.path_of(number);
  auto st = look_at(directory, name, path);
  if (st && S_ISDIR(st->st_mode))
    remove_tree(directory, name, path, stop_);
  if (::renameat(directory, temporary.c_str(), directory, name.c_str()) != 0)
    fail("put in place", path);
  touched(directory);
}

void restorer::touched(int directory) {
  struct stat st {};
  if (::fstat(directory, &st) != 0 || touched_.count(st.st_dev) != 0)
    return;
  descriptor opened{::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (opened)
    touched_.emplace(st.st_dev, std::move(opened));
  else
    sync_all_ = true;
}

void restorer::sync_touched() {
  for (const auto& [device, directory] : touched_)
    if (::syncfs(directory.get()) != 0)
      fail("make durable", name_);
  if (sync_all_)
    ::sync();
}

} // namespace overwatch::snapshots
