#include "runtime/maintenance/rotation.hpp"

#include "runtime/maintenance/compression.hpp"
#include "runtime/maintenance/details_file.hpp"
#include "runtime/maintenance/places.hpp"
#include "runtime/maintenance/rotation_names.hpp"
#include "runtime/maintenance/rule_places.hpp"
#include "runtime/snapshots/places.hpp"
#include "runtime/snapshots/trouble.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <cerrno>

namespace overwatch::maintenance {

namespace {

// How often a copy is continued because its writer went on meanwhile; then what is still missing is said.
constexpr int max_continuations = 100;

// Whoever may write to a directory of logs may give any file of its file system a name there.
constexpr const char* another_name = "it has another name somewhere (a hard link): cutting it would change that, too";

uint64_t space_of(const struct stat& st) { return static_cast<uint64_t>(st.st_blocks) * 512; }

/// Gives a file the owner, mode and times of another. Only root may give files away: the others keep their own.
void take_metadata(int fd, const struct stat& from) {
  if (::fchown(fd, from.st_uid, from.st_gid) != 0)
    errno = 0;
  ::fchmod(fd, from.st_mode & 07777);
  const struct timespec times[2] = {from.st_atim, from.st_mtim};
  ::futimens(fd, times);
}

/// One rule at work in its directory.
class rotator {
public:
  rotator(const std::string& name, const rotation_rule& rule, int directory, const action_environment& environment,
          action_result& result)
    : name_{name}, rule_{rule}, directory_{directory}, environment_{environment}, result_{result}, how_{packing_of(
                                                                                                     rule.compress)} {}

  void run() {
    for (const auto& file : names()) {
      if (environment_.stopping())
        throw stopped{};
      if (!parse_rotated(file) && ::fnmatch(rule_.glob.c_str(), file.c_str(), 0) == 0)
        look_at(file);
    }
    if (!environment_.dry_run && how_ != packing::none)
      pack_old_ones();
  }

  boost::json::object to_json() const {
    return {{"rule", name_}, {"path", rule_.path}, {"seen", seen_}, {"rotated", rotated_}, {"packed", packed_}};
  }

private:
  std::vector<std::string> names() const { return snapshots::names_in(directory_, rule_.path); }

  static std::string partial(const std::string& file) { return "." + file + ".partial"; }

  void look_at(const std::string& file) {
    struct stat st {};
    if (::fstatat(directory_, file.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(st.st_mode))
      return;
    if (!S_ISREG(st.st_mode))
      return leave(file, S_ISLNK(st.st_mode) ? "a symbolic link: links are not followed" : "it is no file");
    ++seen_;
    if (st.st_nlink > 1)
      return leave(file, another_name);
    if (st.st_size == 0 || static_cast<uint64_t>(st.st_size) < uint64_t{rule_.max_mb} << 20)
      return;
    environment_.progress(0.5, name_ + ": " + file);
    int error = environment_.dry_run ? 0 : rule_.method == "copytruncate" ? copy_and_cut(file, st) : rename(file, st);
    if (error == ECANCELED)
      throw stopped{};
    if (error != 0)
      return leave(file, reason_of(error));
    ++rotated_;
    tell(file, environment_.dry_run ? "would rotate" : "rotated", static_cast<uint64_t>(st.st_size));
  }

  int rename(const std::string& file, const struct stat& st) {
    if (int error = shift(file); error != 0)
      return error;
    if (::renameat(directory_, file.c_str(), directory_, (file + ".1").c_str()) != 0)
      return errno;
    // For writers that open their file without making it. Who was faster has made one already.
    descriptor fresh{::openat(directory_, file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!fresh)
      return errno == EEXIST ? 0 : errno;
    if (::fchown(fresh.get(), st.st_uid, st.st_gid) != 0)
      errno = 0;
    return ::fchmod(fresh.get(), st.st_mode & 07777) == 0 ? 0 : errno;
  }

  int copy_and_cut(const std::string& file, const struct stat& st) {
    descriptor log{::openat(directory_, file.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    struct stat opened {};
    if (!log || ::fstat(log.get(), &opened) != 0)
      return errno;
    if (opened.st_ino != st.st_ino || opened.st_nlink > 1)
      return EBUSY; // something else has taken its place meanwhile
    auto copy = partial(file);
    auto target = file + ".1" + ending_of(how_);
    ::unlinkat(directory_, copy.c_str(), 0); // of a run that was killed
    descriptor out{::openat(directory_, copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!out)
      return errno;
    int error = pack(log.get(), out.get(), how_, [this] { return !environment_.stopping(); });
    if (error == 0) {
      take_metadata(out.get(), st);
      error = shift(file);
    }
    if (error == 0 && ::renameat(directory_, copy.c_str(), directory_, target.c_str()) != 0)
      error = errno;
    if (error == 0 && ::fsync(directory_) != 0) // the copy has its name for good before the original is cut
      error = errno;
    if (error == 0)
      error = cut(file, log.get(), out.get());
    else
      ::unlinkat(directory_, copy.c_str(), 0);
    struct stat packed {};
    if (error == 0 && ::fstat(out.get(), &packed) == 0 && space_of(st) > space_of(packed))
      result_.freed_bytes += space_of(st) - space_of(packed);
    return error;
  }

  /// Empties the log once the copy has all of it. What was written since the copy ended becomes one more packed part
  /// behind it: readers of both formats take several for one.
  int cut(const std::string& file, int log, int out) {
    for (int i = 0;; ++i) {
      struct stat st {};
      if (::fstat(log, &st) != 0)
        return errno;
      if (st.st_size <= ::lseek(log, 0, SEEK_CUR) || i == max_continuations) {
        if (i == max_continuations)
          leave(file, "its writer is faster than the copy: the last lines before the cut may be missing");
        return ::ftruncate(log, 0) == 0 ? 0 : errno;
      }
      if (int error = pack(log, out, how_, [this] { return !environment_.stopping(); }); error != 0)
        return error;
    }
  }

  int shift(const std::string& file) {
    for (const auto& step : make_room(file, names(), rule_.max_files)) {
      struct stat st {};
      if (::fstatat(directory_, step.from.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(st.st_mode))
        continue;
      if (!step.to.empty()) {
        if (::renameat(directory_, step.from.c_str(), directory_, step.to.c_str()) != 0)
          return errno;
        continue;
      }
      if (::unlinkat(directory_, step.from.c_str(), 0) != 0)
        return errno;
      ++result_.removed;
      result_.freed_bytes += st.st_nlink == 1 ? space_of(st) : 0;
      tell(step.from, "removed", static_cast<uint64_t>(st.st_size));
    }
    return 0;
  }

  /// Packs rotated files but the newest of each, which a writer may still have open.
  void pack_old_ones() {
    for (const auto& file : names()) {
      auto rotated = parse_rotated(file);
      if (!rotated || rotated->number < 2 || !rotated->ending.empty() ||
          ::fnmatch(rule_.glob.c_str(), rotated->base.c_str(), 0) != 0)
        continue;
      environment_.progress(0.8, name_ + ": packing " + file);
      int error = pack_one(file);
      if (error == ECANCELED)
        throw stopped{};
      if (error != 0)
        leave(file, "it could not be packed: " + reason_of(error));
    }
  }

  int pack_one(const std::string& file) {
    struct stat st {};
    descriptor in{::openat(directory_, file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (!in || ::fstat(in.get(), &st) != 0)
      return errno;
    if (!S_ISREG(st.st_mode))
      return 0;
    auto target = file + ending_of(how_);
    auto copy = partial(target);
    ::unlinkat(directory_, copy.c_str(), 0);
    descriptor out{::openat(directory_, copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!out)
      return errno;
    int error = pack(in.get(), out.get(), how_, [this] { return !environment_.stopping(); });
    if (error == 0)
      take_metadata(out.get(), st);
    if (error == 0 && ::renameat(directory_, copy.c_str(), directory_, target.c_str()) != 0)
      error = errno;
    if (error == 0 && ::fsync(directory_) != 0)
      error = errno;
    if (error != 0) {
      ::unlinkat(directory_, copy.c_str(), 0);
      return error;
    }
    struct stat packed {};
    if (::unlinkat(directory_, file.c_str(), 0) == 0 && ::fstat(out.get(), &packed) == 0) {
      ++packed_;
      result_.freed_bytes += space_of(st) > space_of(packed) ? space_of(st) - space_of(packed) : 0;
      tell(file, "packed", static_cast<uint64_t>(packed.st_size));
    }
    return 0;
  }

  void tell(const std::string& file, const char* did, uint64_t bytes) {
    environment_.lines.add(
      {{"action", "rotate_logs"}, {"rule", name_}, {"path", rule_.path + "/" + file}, {"did", did}, {"bytes", bytes}});
  }

  void leave(const std::string& file, const std::string& why) {
    result_.leave(rule_.path + "/" + file, why);
    environment_.lines.add(
      {{"action", "rotate_logs"}, {"rule", name_}, {"path", rule_.path + "/" + file}, {"did", "left"}, {"why", why}});
  }

  const std::string& name_;
  const rotation_rule& rule_;
  int directory_;
  const action_environment& environment_;
  action_result& result_;
  packing how_;
  uint64_t seen_ = 0;
  uint64_t rotated_ = 0;
  uint64_t packed_ = 0;
};

} // namespace

void rotate_logs(const std::map<std::string, rotation_rule>& rules, const std::vector<std::string>& roots,
                 const identity& spared, const action_environment& environment, action_result& result) {
  if (rules.empty())
    return result.skip("log files", "no rule is configured under maintenance.rotate");
  auto& all = result.details["rules"].emplace_array();
  work_in_places(rules, roots, spared, result, [&](const auto& name, const auto& rule, auto& directory) {
    rotator one{name, rule, directory.get(), environment, result};
    try {
      one.run();
    } catch (const snapshots::trouble& problem) {
      result.leave(rule.path, problem.what());
    }
    all.push_back(one.to_json());
  });
}

} // namespace overwatch::maintenance
