#include "runtime/backup/restore.hpp"

#include "runtime/backup/chunk_table.hpp"
#include "runtime/backup/restore_places.hpp"
#include "runtime/backup/selection.hpp"
#include "runtime/backup/tree_stream.hpp"
#include "runtime/snapshots/metadata.hpp"
#include "runtime/snapshots/places.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdio>
#include <set>

namespace overwatch::backup {

namespace {

/// Where a file is written before it gets its name. One at a time, so a killed restore leaves one at most, which the
/// next restore into the same directory removes.
constexpr const char* temporary = ".overwatch-restored";
constexpr uint64_t block_device = 1ULL << 63; // in `entry::special`
constexpr size_t zero_bytes = 4096;           // zeros of a sparse file that are not written
constexpr std::chrono::milliseconds report_interval{100};

/// Of a list that somebody else may have written: no way out of the target.
bool is_safe(const std::string& path) {
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos)
    return false;
  for (size_t from = 1; from <= path.size() && path.size() > 1;) {
    auto end = std::min(path.find('/', from), path.size());
    auto name = std::string_view{path}.substr(from, end - from);
    if (name.empty() || name == "." || name == "..")
      return false;
    from = end + 1;
  }
  return true;
}

class restore_run {
public:
  restore_run(const repository& from, const manifest& which, const restore_options& options, problem_list& problems)
    : which_{which}, options_{options}, problems_{problems}, wanted_{options.paths}, known_{
                                                                                       from.packs(), from.packs_path(),
                                                                                       from.secret(), options.stop} {}

  restore_counts run() {
    for_each([this](const entry& x) {
      if (x.kind == captured_kind::file && is_wanted(x.path))
        plan(x);
      found_ = found_ || is_wanted(x.path);
    });
    if (!found_ && !options_.paths.empty())
      throw backup_failed{"the backup " + which_.id + " has nothing that matches '" + options_.paths.front() +
                          "'; paths are absolute, as in the backup"};
    restore_places places{options_.target, options_.overwrite, problems_};
    places_ = &places;
    require_space();
    reporting_ = true;
    for_each([this](const entry& x) { restore(x); });
    places.finish();
    counts_.directories = places.made();
    if (::syncfs(places.target()) != 0)
      fail("write", options_.target);
    return counts_;
  }

private:
  bool is_wanted(const std::string& path) const { return options_.paths.empty() || wanted_.matches_at_or_above(path); }

  template <class Body>
  void for_each(Body body) {
    tree_reader list{which_.tree, [this](const chunk_id& id) { return known_.get(id); }};
    for (;;) {
      check_stopped(options_.stop);
      entry x;
      try {
        if (!list.next(x))
          return;
      } catch (const repository_damaged& error) {
        if (reporting_)
          problems_.add(problem_kind::damaged, "a part of the list of files", error.what());
        continue;
      }
      if (is_safe(x.path))
        body(x);
      else if (reporting_)
        problems_.add(problem_kind::damaged, x.path, "the list has a path that leads out of the target");
    }
  }

  void plan(const entry& x) {
    planned_ += x.size;
    if (x.link_of.empty())
      for (const auto& part : x.pieces)
        needed_ += part.hole ? 0 : part.size;
  }

  void require_space() const {
    struct statvfs st {};
    if (::fstatvfs(places_->target(), &st) != 0)
      fail("look at the free space of", options_.target);
    auto left = static_cast<uint64_t>(st.f_bavail) * st.f_frsize;
    if (needed_ > left)
      throw backup_failed{"'" + options_.target + "' has " + std::to_string(left >> 20) +
                            " MB left, and the backup needs " + std::to_string(needed_ >> 20) +
                            " MB; free some space or name another target",
                          true};
  }

  void report(const std::string& path) {
    auto time = std::chrono::steady_clock::now();
    if (!options_.progress || time - reported_ < report_interval)
      return;
    reported_ = time;
    options_.progress(done_, std::max(planned_, done_), path);
  }

  void restore(const entry& x) {
    auto wanted = is_wanted(x.path);
    if (x.kind == captured_kind::directory) {
      places_->enter(x, wanted);
      return;
    }
    if (!wanted)
      return;
    report(x.path);
    auto directory = places_->parent_of(x.path);
    if (directory < 0)
      return;
    try {
      restore_into(directory, x);
    } catch (const chunk_damaged& error) {
      problems_.add(problem_kind::damaged, x.path, error.what());
      ::unlinkat(directory, temporary, 0);
    } catch (const backup_failed& error) {
      ::unlinkat(directory, temporary, 0);
      if (error.retryable()) // no file will fit
        throw;
      places_->fail_at(x.path, error.what());
    }
    done_ += x.kind == captured_kind::file ? x.size : 0;
  }

  /// False when what stands there stays.
  bool may_write(int directory, const std::string& name, const entry& x) {
    struct stat st {};
    if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
      return true;
    if (S_ISDIR(st.st_mode)) {
      places_->fail_at(x.path, "a directory stands there: remove it first");
      return false;
    }
    if (options_.overwrite)
      return true;
    auto there = snapshots::kind_of(st) == x.kind && snapshots::modified_of(st) == x.metadata.modified &&
                 (x.kind != captured_kind::file || static_cast<uint64_t>(st.st_size) == x.size);
    if (there)
      ++counts_.there;
    else
      problems_.add(problem_kind::kept, x.path, "something else stands there, and overwrite is not set");
    return false;
  }

  void restore_into(int directory, const entry& x) {
    auto name = snapshots::name_of(x.path);
    if (!may_write(directory, name, x))
      return;
    ::unlinkat(directory, temporary, 0);
    if (!link_again(directory, x)) {
      if (x.kind == captured_kind::file)
        write_file(directory, x);
      else
        make_node(directory, x);
    }
    auto flags = options_.overwrite ? 0U : RENAME_NOREPLACE;
    auto done = ::renameat2(directory, temporary, directory, name.c_str(), flags);
    if (done != 0 && errno == EINVAL && flags != 0) // a file system without that
      done = ::linkat(directory, temporary, directory, name.c_str(), 0) == 0 ? ::unlinkat(directory, temporary, 0) : -1;
    if (done != 0)
      fail("put in place", x.path);
    ::unlinkat(directory, temporary, 0); // a rename to another name of the same inode leaves both
    if (x.links > 1)
      linked_.insert(x.path);
    ++(x.kind == captured_kind::file ? counts_.files : counts_.others);
    counts_.bytes += x.kind == captured_kind::file ? x.size : 0;
  }

  /// Gives a file that was restored before its further name.
  bool link_again(int directory, const entry& x) {
    if (x.link_of.empty() || linked_.count(x.link_of) == 0)
      return false;
    auto first = places_->open_existing(snapshots::directory_of(x.link_of));
    return first && ::linkat(first.get(), snapshots::name_of(x.link_of).c_str(), directory, temporary, 0) == 0;
  }

  void make_node(int directory, const entry& x) {
    auto made = -1;
    if (x.kind == captured_kind::symlink) {
      made = ::symlinkat(x.target.c_str(), directory, temporary);
    } else {
      auto type = x.kind == captured_kind::fifo ? S_IFIFO : (x.special & block_device) != 0 ? S_IFBLK : S_IFCHR;
      made = ::mknodat(directory, temporary, type | 0600, static_cast<dev_t>(x.special & ~block_device));
    }
    if (made != 0)
      fail("create", x.path);
    put_metadata_back(directory, temporary, x, problems_);
  }

  void write_file(int directory, const entry& x) {
    descriptor file{::openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!file)
      fail("create", x.path);
    uint64_t at = 0;
    for (const auto& part : x.pieces) {
      check_stopped(options_.stop);
      if (!part.hole) {
        auto content = known_.get(part.id);
        if (content.size() != part.size)
          throw chunk_damaged{part.id, "it has another size"};
        write_at(file.get(), content, at, x);
      }
      at += part.size;
    }
    if (::ftruncate(file.get(), static_cast<off_t>(x.size)) != 0)
      fail("write", x.path);
    put_metadata_back(file.get(), x, problems_);
  }

  static void write_at(int file, std::string_view bytes, uint64_t at, const entry& x) {
    static const std::string zeros(zero_bytes, '\0');
    for (size_t done = 0; done < bytes.size();) {
      auto size = x.sparse ? std::min(zero_bytes, bytes.size() - done) : bytes.size() - done;
      auto part = bytes.substr(done, size);
      done += size;
      if (x.sparse && part == std::string_view{zeros}.substr(0, size))
        continue;
      while (!part.empty()) {
        auto offset = at + done - part.size();
        auto written = ::pwrite(file, part.data(), part.size(), static_cast<off_t>(offset));
        if (written < 0 && errno != EINTR)
          fail("write", x.path);
        part.remove_prefix(written > 0 ? static_cast<size_t>(written) : 0);
      }
    }
  }

  const manifest& which_;
  const restore_options& options_;
  problem_list& problems_;
  pattern_list wanted_;
  chunk_table known_;
  restore_places* places_ = nullptr;
  restore_counts counts_;
  uint64_t planned_ = 0;
  uint64_t needed_ = 0;
  uint64_t done_ = 0;
  bool found_ = false;
  bool reporting_ = false;
  std::set<std::string> linked_; // restored files that have further names
  std::chrono::steady_clock::time_point reported_{};
};

} // namespace

restore_counts restore_backup(const repository& from, const manifest& which, const restore_options& options,
                              problem_list& problems) {
  return restore_run{from, which, options, problems}.run();
}

} // namespace overwatch::backup
