#include "runtime/snapshots/capture.hpp"

#include "runtime/snapshots/content.hpp"
#include "runtime/snapshots/metadata.hpp"
#include "runtime/snapshots/trouble.hpp"

#include <fcntl.h>

namespace overwatch::snapshots {

namespace {

/// A file that changes while it is read is read again so many times.
constexpr int max_tries = 3;

/// More files than this are made durable by one sync of the file system.
constexpr size_t synced_alone = 16;

class copier {
public:
  copier(manifest& x, int target, const snapshot_limits& limits, const std::function<bool()>& stop)
    : x_{x}, target_{target}, limits_{limits}, stop_{stop} {}

  void run() {
    for (uint32_t i = 0; i < x_.entries.size(); ++i) {
      check_stopped(stop_);
      leave_directories_until(x_.entries[i].parent);
      auto& entry = x_.entries[i];
      if (entry.kind == captured_kind::directory)
        enter(i);
      else if (entry.kind == captured_kind::file && entry.link_of == no_entry)
        copy(i);
    }
    leave_directories_until(no_entry);
    x_.packed_bytes = packed_;
    make_durable();
  }

private:
  struct open_one {
    uint32_t entry;
    descriptor handle;
  };

  /// The directory in which an entry is. The tops of scopes are reached by their paths.
  int directory_with(uint32_t number) {
    if (!inside_.empty())
      return inside_.back().handle.get();
    auto path = x_.path_of(number);
    outside_ = open_directory(directory_of(path), O_PATH);
    if (!outside_)
      fail_to_open_directory(path, errno);
    return outside_.get();
  }

  void enter(uint32_t number) {
    auto& entry = x_.entries[number];
    descriptor handle{
      ::openat(directory_with(number), entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    struct stat st {};
    if (!handle || ::fstat(handle.get(), &st) != 0 || !is_as_scanned(st, entry))
      throw tree_changed{x_.path_of(number)};
    entry.metadata.attributes = read_attributes(handle.get(), x_.path_of(number));
    inside_.push_back({number, std::move(handle)});
  }

  /// Leaves those that do not hold what comes next, and sees whether something appeared or vanished in them.
  void leave_directories_until(uint32_t parent) {
    while (!inside_.empty() && inside_.back().entry != parent) {
      struct stat st {};
      if (::fstat(inside_.back().handle.get(), &st) != 0 || !is_as_scanned(st, x_.entries[inside_.back().entry]))
        throw tree_changed{x_.path_of(inside_.back().entry)};
      inside_.pop_back();
    }
  }

  static bool is_as_scanned(const struct stat& st, const saved_entry& entry) {
    return st.st_dev == entry.device && st.st_ino == entry.inode && changed_of(st) == entry.changed &&
           modified_of(st) == entry.metadata.modified &&
           (entry.kind != captured_kind::file || static_cast<uint64_t>(st.st_size) == entry.size);
  }

  void copy(uint32_t number) {
    auto& entry = x_.entries[number];
    auto path = x_.path_of(number);
    auto file = open_file(directory_with(number), entry.name);
    if (!file && (errno == ENOENT || errno == ELOOP))
      throw tree_changed{path};
    if (!file)
      fail("read", path);
    for (int i = 0; i < max_tries; ++i) {
      struct stat before {};
      struct stat after {};
      if (::fstat(file.get(), &before) != 0)
        fail("look at", path);
      if (before.st_dev != entry.device || before.st_ino != entry.inode)
        throw tree_changed{path};
      take_size(before, entry, path);
      entry.metadata.attributes = read_attributes(file.get(), path);
      copy_once(file.get(), before, number, path);
      if (::fstat(file.get(), &after) != 0)
        fail("look at", path);
      if (is_as_scanned(after, entry))
        return finish(entry);
    }
    throw tree_changed{path};
  }

  /// The file may have grown since it was counted.
  void take_size(const struct stat& st, saved_entry& entry, const std::string& path) {
    auto grown = static_cast<uint64_t>(st.st_size) > entry.size ? static_cast<uint64_t>(st.st_size) - entry.size : 0;
    if (x_.bytes + grown > limits_.max_bytes)
      throw trouble{ec::too_large, "'" + path + "' grew past snapshots.max-mb while it was captured", true};
    x_.bytes += grown;
    describe(st, entry);
  }

  void copy_once(int file, const struct stat& st, uint32_t number, const std::string& path) {
    auto& entry = x_.entries[number];
    auto has_holes = static_cast<uint64_t>(st.st_blocks) * 512 < entry.size;
    if (entry.size == 0) {
      entry.place = content_place::none;
    } else if (entry.size <= max_packed_bytes && !has_holes) {
      entry.place = content_place::packed;
      entry.offset = packed_;
      append_to_pack(file, pack(), packed_, entry.size, path);
    } else {
      entry.place = content_place::alone;
      descriptor copied{
        ::openat(target_, content_name(number).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
      if (!copied)
        fail("write the copy of", path);
      copy_content(file, copied.get(), entry.size, path, stop_);
      if (alone_.size() <= synced_alone)
        alone_.push_back(std::move(copied));
    }
  }

  void finish(const saved_entry& entry) {
    if (entry.place == content_place::packed)
      packed_ += entry.size;
  }

  int pack() {
    if (!pack_)
      pack_ = descriptor{::openat(target_, pack_name, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!pack_)
      fail("create", pack_name);
    return pack_.get();
  }

  void make_durable() {
    if (alone_.size() > synced_alone) {
      if (::syncfs(target_) != 0)
        fail("write", "the snapshot");
      return;
    }
    for (const auto& file : alone_)
      if (::fdatasync(file.get()) != 0)
        fail("write", "the snapshot");
    if (pack_ && ::fdatasync(pack_.get()) != 0)
      fail("write", "the snapshot");
  }

  manifest& x_;
  int target_;
  const snapshot_limits& limits_;
  const std::function<bool()>& stop_;
  std::vector<open_one> inside_; // the directories from the top of a scope to the current entry
  descriptor outside_;           // the one above the top
  descriptor pack_;
  uint64_t packed_ = 0;
  std::vector<descriptor> alone_; // to be synced one by one, while they are few
};

} // namespace

void copy_contents(manifest& x, int target, const snapshot_limits& limits, const std::function<bool()>& stop) {
  copier{x, target, limits, stop}.run();
}

} // namespace overwatch::snapshots
