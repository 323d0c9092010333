#include "runtime/backup/restore_places.hpp"

#include "runtime/backup/failure.hpp"
#include "runtime/snapshots/metadata.hpp"
#include "runtime/snapshots/places.hpp"

#include <fcntl.h>

namespace overwatch::backup {

namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr mode_t set_id_bits = S_ISUID | S_ISGID;

/// Only root gives files away. Without the owner, set-id bits would be somebody else's.
file_metadata as_far_as_allowed(const file_metadata& x, const struct stat& st, int chown_error) {
  auto result = x;
  if (chown_error != 0) {
    result.owner = st.st_uid;
    result.group = st.st_gid;
    result.mode &= ~static_cast<uint32_t>(set_id_bits);
  }
  return result;
}

} // namespace

void put_metadata_back(int file, const entry& x, problem_list& problems) {
  auto error = ::fchown(file, x.metadata.owner, x.metadata.group) == 0 ? 0 : errno;
  struct stat st {};
  if (::fstat(file, &st) != 0)
    fail("look at", x.path);
  auto wanted = as_far_as_allowed(x.metadata, st, error);
  if (error != 0)
    problems.add(problem_kind::note, x.path,
                 "its owner could not be restored: " + std::generic_category().message(error));
  try {
    snapshots::put_back(file, wanted, x.path);
  } catch (const std::exception& trouble) {
    problems.add(problem_kind::note, x.path, trouble.what());
    wanted.attributes.clear();
    try {
      wanted.attributes = snapshots::read_attributes(file, x.path);
      snapshots::put_back(file, wanted, x.path);
    } catch (const std::exception& again) {
      problems.add(problem_kind::note, x.path, again.what());
    }
  }
}

void put_metadata_back(int directory, const std::string& name, const entry& x, problem_list& problems) {
  auto error =
    ::fchownat(directory, name.c_str(), x.metadata.owner, x.metadata.group, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
  struct stat st {};
  if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
    fail("look at", x.path);
  if (error != 0)
    problems.add(problem_kind::note, x.path,
                 "its owner could not be restored: " + std::generic_category().message(error));
  try {
    snapshots::put_back_unopened(directory, name, as_far_as_allowed(x.metadata, st, error), x.path);
  } catch (const std::exception& trouble) {
    problems.add(problem_kind::note, x.path, trouble.what());
  }
}

restore_places::restore_places(const std::string& target, bool overwrite, problem_list& problems)
  : overwrite_{overwrite}, problems_{problems} {
  if (::mkdir(target.c_str(), 0700) != 0 && errno != EEXIST)
    fail("create the target", target);
  target_ = snapshots::open_directory(target, O_RDONLY);
  if (!target_)
    fail("open the target", target);
}

void restore_places::fail_at(const std::string& path, const std::string& reason) {
  problems_.add(problem_kind::failed, path, reason);
}

/// Leaves those that are not above or equal to `directory`.
void restore_places::leave_to(const std::string& directory) {
  while (!levels_.empty() && !snapshots::is_within(directory, levels_.back().path)) {
    finish_level(levels_.back());
    levels_.pop_back();
  }
}

void restore_places::enter(const entry& x, bool wanted) {
  if (x.path == "/")
    return; // the target itself: it stays as it is
  extend_to(snapshots::directory_of(x.path));
  level next;
  next.path = x.path;
  next.kept = x;
  levels_.push_back(std::move(next));
  if (wanted)
    open(levels_.size() - 1);
}

bool restore_places::open(size_t depth) {
  for (size_t i = 0; i <= depth; ++i) {
    auto& x = levels_[i];
    if (x.failed)
      return false;
    if (x.opened)
      continue;
    auto above = i == 0 ? target_.get() : levels_[i - 1].opened.get();
    auto name = snapshots::name_of(x.path);
    x.made = ::mkdirat(above, name.c_str(), 0700) == 0;
    made_ += x.made ? 1 : 0;
    x.opened = descriptor{::openat(above, name.c_str(), directory_flags)};
    if (!x.opened) {
      auto error = errno;
      x.failed = true;
      auto in_the_way = error == ENOTDIR || error == ELOOP || error == EEXIST;
      fail_at(x.path, in_the_way ? "no directory stands there: remove what is in the way"
                                 : "the directory cannot be opened: " + std::generic_category().message(error));
      return false;
    }
  }
  return true;
}

/// Leaves and enters until `directory` is the current one.
void restore_places::extend_to(const std::string& directory) {
  leave_to(directory);
  // Directories that the list does not have, since it is damaged, are made all the same.
  while ((levels_.empty() ? "/" : levels_.back().path) != directory) {
    auto above = levels_.empty() ? size_t{0} : levels_.back().path.size();
    level next;
    next.path = directory.substr(0, directory.find('/', above + 1));
    levels_.push_back(std::move(next));
  }
}

int restore_places::parent_of(const std::string& path) {
  extend_to(snapshots::directory_of(path));
  if (levels_.empty())
    return target_.get();
  return open(levels_.size() - 1) ? levels_.back().opened.get() : -1;
}

void restore_places::finish_level(level& x) {
  if (x.opened && x.kept && (x.made || overwrite_))
    put_metadata_back(x.opened.get(), *x.kept, problems_);
}

void restore_places::finish() { leave_to("/"); }

descriptor restore_places::open_existing(const std::string& directory) const {
  descriptor at{::openat(target_.get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  for (size_t from = 1; from < directory.size() && at;) {
    auto end = std::min(directory.find('/', from), directory.size());
    auto name = directory.substr(from, end - from);
    at = descriptor{::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    from = end + 1;
  }
  return at;
}

} // namespace overwatch::backup
