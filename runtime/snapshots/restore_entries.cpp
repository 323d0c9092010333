#include "runtime/snapshots/content.hpp"
#include "runtime/snapshots/metadata.hpp"
#include "runtime/snapshots/restore.hpp"
#include "runtime/snapshots/tree_removal.hpp"
#include "runtime/snapshots/trouble.hpp"

#include <fcntl.h>
#include <sys/stat.h>

/// What a restore does to a single entry.
namespace overwatch::snapshots {

namespace {

/// In `saved_entry::special`, beside the number of a device.
constexpr uint64_t block_device = 1ULL << 63;

timestamp time_of(const file_time& x) {
  return timestamp{std::chrono::seconds{x.seconds} + std::chrono::microseconds{x.nanoseconds / 1000}};
}

} // namespace

void restorer::count_change(bool was_there) { ++(was_there ? counts_.rewritten : counts_.recreated); }

bool restorer::claim(uint32_t number, const struct stat& st) {
  identity it{st.st_dev, st.st_ino};
  if (!claimed_.insert(it).second)
    return false;
  current_[number] = it;
  return true;
}

void restorer::restore_entry(const shared_directory& directory, uint32_t number) {
  check_stopped(stop_);
  const auto& x = x_.entries[number];
  auto st = look_at(directory->get(), x.name, x_.path_of(number));
  switch (x.kind) {
  case captured_kind::absent:
    return restore_absence(directory->get(), number, st.has_value());
  case captured_kind::socket:
    return restore_absence(directory->get(), number, st && !S_ISSOCK(st->st_mode));
  case captured_kind::directory:
    return restore_directory(directory, number, st);
  default:
    break;
  }
  if (x.link_of != no_entry)
    restore_link(directory->get(), number, st);
  else if (x.kind == captured_kind::file)
    restore_file(directory, number, st);
  else
    restore_node(directory->get(), number, st);
}

void restorer::restore_absence(int directory, uint32_t number, bool present) {
  ++(present ? counts_.removed : counts_.unchanged);
  if (!present)
    return;
  remove_tree(directory, x_.entries[number].name, x_.path_of(number), stop_);
  touched(directory);
}

/// The kernel sets the time of a change (ctime) and no program can set it back: same thing, same time, same content.
/// Unless the change before the capture was so recent that one after it could have the same time.
bool restorer::is_untouched(const saved_entry& x, const struct stat& st) const {
  return st.st_dev == x.device && st.st_ino == x.inode && changed_of(st) == x.changed &&
         static_cast<uint64_t>(st.st_size) == x.size && time_of(x.changed) + limits_.recent < x_.started;
}

int restorer::content_of(uint32_t number) {
  auto packed = x_.entries[number].place == content_place::packed;
  auto name = packed ? std::string{pack_name} : content_name(number);
  auto& file = packed ? pack_ : alone_;
  if (!packed || !file)
    file = open_file(content_, name);
  if (!file)
    fail("read the snapshot's", name);
  return file.get();
}

bool restorer::has_content(uint32_t number, int file) {
  const auto& x = x_.entries[number];
  if (x.place == content_place::none)
    return true;
  return same_content(content_of(number), x.offset, file, x.size, x_.path_of(number), stop_);
}

void restorer::restore_file(const shared_directory& directory, uint32_t number, const std::optional<struct stat>& st) {
  const auto& x = x_.entries[number];
  auto path = x_.path_of(number);
  auto is_other = !st || !S_ISREG(st->st_mode) || claimed_.count({st->st_dev, st->st_ino}) != 0;
  if (!is_other && is_untouched(x, *st)) {
    claim(number, *st);
    ++counts_.unchanged;
    return;
  }
  if (!is_other && static_cast<uint64_t>(st->st_size) == x.size) {
    auto file = open_file_by_force(directory->get(), x.name);
    if (!file)
      fail("read", path);
    if (has_content(number, file.get())) {
      claim(number, *st);
      auto differed = put_back(file.get(), x.metadata, path);
      ++(differed ? counts_.rewritten : counts_.unchanged);
      if (differed)
        touched(directory->get());
      return;
    }
  }
  count_change(st.has_value());
  write_file(directory, number);
}

void restorer::write_file(const shared_directory& directory, uint32_t number) {
  const auto& x = x_.entries[number];
  auto path = x_.path_of(number);
  waiting next;
  next.directory = directory;
  next.entry = number;
  next.temporary = temporary_name(number);
  ::unlinkat(directory->get(), next.temporary.c_str(), 0);
  next.file = descriptor{
    ::openat(directory->get(), next.temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  struct stat st {};
  if (!next.file || ::fstat(next.file.get(), &st) != 0)
    fail("create", path);
  auto file = next.file.get();
  auto& kept = queue_.emplace_back(std::move(next)); // an error removes it
  if (x.place == content_place::packed)
    copy_piece(content_of(number), x.offset, file, x.size, path);
  else if (x.place == content_place::alone)
    copy_content(content_of(number), file, x.size, path, stop_);
  put_back(file, x.metadata, path);
  claim(number, st);
  unsynced_bytes_ += x.size;
  auto whole = std::move(kept);
  queue_.pop_back();
  wait(std::move(whole));
}

bool restorer::is_same_node(int directory, const saved_entry& x, const struct stat& st, const std::string& path) const {
  if (kind_of(st) != x.kind || claimed_.count({st.st_dev, st.st_ino}) != 0)
    return false;
  if (x.kind == captured_kind::symlink)
    return read_target(directory, x.name, path) == x.target;
  saved_entry current;
  describe(st, current);
  return current.special == x.special;
}

/// Links, FIFOs, devices.
void restorer::restore_node(int directory, uint32_t number, const std::optional<struct stat>& st) {
  const auto& x = x_.entries[number];
  auto path = x_.path_of(number);
  if (st && is_same_node(directory, x, *st, path)) {
    claim(number, *st);
    auto differed = put_back_unopened(directory, x.name, x.metadata, path);
    ++(differed ? counts_.rewritten : counts_.unchanged);
    if (differed)
      touched(directory);
    return;
  }
  auto temporary = temporary_name(number);
  ::unlinkat(directory, temporary.c_str(), 0);
  make_node(directory, temporary, number);
  put_back_unopened(directory, temporary, x.metadata, path);
  put_in_place(directory, temporary, number);
  if (auto made = look_at(directory, x.name, path))
    claim(number, *made);
  count_change(st.has_value());
}

void restorer::make_node(int directory, const std::string& temporary, uint32_t number) {
  const auto& x = x_.entries[number];
  auto made = -1;
  if (x.kind == captured_kind::symlink) {
    made = ::symlinkat(x.target.c_str(), directory, temporary.c_str());
  } else {
    auto type = x.kind == captured_kind::fifo ? S_IFIFO : (x.special & block_device) != 0 ? S_IFBLK : S_IFCHR;
    made = ::mknodat(directory, temporary.c_str(), type | 0600, static_cast<dev_t>(x.special & ~block_device));
  }
  if (made != 0)
    fail("create", x_.path_of(number));
}

void restorer::restore_link(int directory, uint32_t number, const std::optional<struct stat>& st) {
  const auto& x = x_.entries[number];
  auto path = x_.path_of(number);
  if (st && current_[x.link_of] == identity{st->st_dev, st->st_ino}) {
    ++counts_.unchanged;
    return;
  }
  flush(); // the first one must be under its name
  auto first = x_.path_of(x.link_of);
  auto beside = open_directory(directory_of(first), O_PATH);
  if (!beside)
    fail_to_open_directory(directory_of(first), errno);
  auto temporary = temporary_name(number);
  ::unlinkat(directory, temporary.c_str(), 0);
  if (::linkat(beside.get(), x_.entries[x.link_of].name.c_str(), directory, temporary.c_str(), 0) != 0)
    fail("link", path);
  put_in_place(directory, temporary, number);
  count_change(st.has_value());
}

} // namespace overwatch::snapshots
