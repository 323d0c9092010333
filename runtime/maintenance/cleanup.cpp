#include "runtime/maintenance/cleanup.hpp"

#include "runtime/maintenance/cleanup_choice.hpp"
#include "runtime/maintenance/details_file.hpp"
#include "runtime/maintenance/rule_places.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

namespace overwatch::maintenance {

namespace {

constexpr uint64_t entries_per_report = 2000;
constexpr double half_way_entries = 50'000; // nobody knows how many there are: the share only comes close to all

timestamp changed_at(const struct stat& st) {
  return timestamp{std::chrono::seconds{st.st_mtim.tv_sec} + std::chrono::microseconds{st.st_mtim.tv_nsec / 1000}};
}

struct counts {
  uint64_t seen = 0;
  uint64_t matched = 0;
  uint64_t removed = 0;
  uint64_t freed_bytes = 0;
  uint64_t too_young = 0;
  uint64_t too_small = 0;
  uint64_t among_newest = 0;
  uint64_t vanished = 0;
};

/// One rule at work. Walks twice when it keeps the newest files: first it learns which those are.
class cleaner {
public:
  cleaner(const std::string& name, const cleanup_rule& rule, const identity& spared,
          const action_environment& environment, action_result& result)
    : name_{name}, rule_{rule}, spared_{spared},
      environment_{environment}, result_{result}, newest_{rule.keep_newest}, now_{now()} {}

  void run(const descriptor& top) {
    if (rule_.keep_newest > 0) {
      looking_ = true;
      walk(top.get(), "", 0);
      looking_ = false;
    }
    walk(top.get(), "", 0);
  }

  boost::json::object to_json() const {
    return {
      {"rule", name_},
      {"path", rule_.path},
      {"seen", counts_.seen},
      {"matched", counts_.matched},
      {"removed", counts_.removed},
      {"freed_bytes", counts_.freed_bytes},
      {"kept",
       {{"too_young", counts_.too_young}, {"too_small", counts_.too_small}, {"among_newest", counts_.among_newest}}},
      {"vanished", counts_.vanished}};
  }

private:
  /// Returns how many entries stay in the directory.
  uint64_t walk(int directory, const std::string& path, unsigned depth) {
    descriptor own{::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    std::unique_ptr<DIR, int (*)(DIR*)> stream{own ? ::fdopendir(own.get()) : nullptr, &::closedir};
    if (!stream) {
      leave(path, reason_of(errno));
      return 1;
    }
    own.release(); // the stream closes it
    uint64_t stays = 0;
    for (errno = 0; auto* entry = ::readdir(stream.get()); errno = 0) {
      std::string name = entry->d_name;
      if (name == "." || name == "..")
        continue;
      if (environment_.stopping())
        throw stopped{};
      if (!visit(directory, name, path.empty() ? name : path + "/" + name, depth))
        ++stays;
    }
    if (errno != 0)
      leave(path, reason_of(errno));
    return stays;
  }

  /// True when the entry is gone, or would be.
  bool visit(int directory, const std::string& name, const std::string& path, unsigned depth) {
    struct stat st {};
    if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
      return skip(path, errno);
    if (S_ISDIR(st.st_mode))
      return visit_directory(directory, name, path, st, depth);
    report();
    if (!matches(rule_, path))
      return false;
    if (!S_ISREG(st.st_mode)) {
      leave(path, S_ISLNK(st.st_mode) ? "a symbolic link: only files are removed"
                                      : "a socket, pipe or device: only files are removed");
      return false;
    }
    return visit_file(directory, name, {path, static_cast<uint64_t>(st.st_size), changed_at(st)}, st);
  }

  bool visit_file(int directory, const std::string& name, const seen_file& file, const struct stat& st) {
    if (looking_) {
      newest_.add(file);
      return false;
    }
    ++counts_.matched;
    switch (choose(rule_, file, newest_, now_)) {
    case choice::too_young:
      ++counts_.too_young;
      return false;
    case choice::too_small:
      ++counts_.too_small;
      return false;
    case choice::among_newest:
      ++counts_.among_newest;
      return false;
    case choice::remove:
      break;
    }
    if (!environment_.dry_run && ::unlinkat(directory, name.c_str(), 0) != 0)
      return skip(file.path, errno);
    // Another name of the same file keeps its space.
    count(file.path, st.st_nlink == 1 ? static_cast<uint64_t>(st.st_blocks) * 512 : 0);
    return true;
  }

  bool visit_directory(int directory, const std::string& name, const std::string& path, const struct stat& st,
                       unsigned depth) {
    if (identity{st.st_dev, st.st_ino} == spared_) {
      leave(path, own_data);
      return false;
    }
    if (depth == max_depth) {
      leave(path, "deeper than " + std::to_string(max_depth) + " levels");
      return false;
    }
    auto inside = open_below(directory, name);
    if (!inside)
      return skip(path, errno);
    auto stays = walk(inside.get(), path, depth + 1);
    // Its time was read before its entries were removed.
    if (looking_ || stays > 0 || rule_.directories != "remove-empty" || changed_at(st) > now_ - rule_.older_than)
      return false;
    if (!environment_.dry_run && ::unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0)
      return errno == ENOTEMPTY ? false : skip(path, errno);
    count(path + "/", 0);
    return true;
  }

  void count(const std::string& path, uint64_t bytes) {
    ++counts_.removed;
    ++result_.removed;
    counts_.freed_bytes += bytes;
    result_.freed_bytes += bytes;
    environment_.lines.add({{"action", "cleanup"},
                            {"rule", name_},
                            {"path", rule_.path + "/" + path},
                            {"did", environment_.dry_run ? "would remove" : "removed"},
                            {"bytes", bytes}});
  }

  /// True when it was not there any more.
  bool skip(const std::string& path, int error) {
    if (error == ENOENT) {
      ++counts_.vanished;
      return true;
    }
    leave(path, reason_of(error));
    return false;
  }

  void leave(const std::string& path, const std::string& why) {
    if (looking_)
      return; // the second walk finds it again
    auto whole = path.empty() ? rule_.path : rule_.path + "/" + path;
    result_.leave(whole, why);
    environment_.lines.add({{"action", "cleanup"}, {"rule", name_}, {"path", whole}, {"did", "left"}, {"why", why}});
  }

  void report() {
    if (!looking_)
      ++counts_.seen;
    if (++steps_ % entries_per_report == 0)
      environment_.progress(1 - half_way_entries / (half_way_entries + static_cast<double>(steps_)),
                            name_ + ": " + std::to_string(steps_) + " files seen, " + std::to_string(counts_.removed) +
                              (environment_.dry_run ? " would go" : " removed"));
  }

  const std::string& name_;
  const cleanup_rule& rule_;
  const identity& spared_;
  const action_environment& environment_;
  action_result& result_;
  newest_files newest_;
  timestamp now_;
  bool looking_ = false;
  uint64_t steps_ = 0;
  counts counts_;
};

} // namespace

void clean_up(const std::map<std::string, cleanup_rule>& rules, const std::vector<std::string>& roots,
              const identity& spared, const action_environment& environment, action_result& result) {
  if (rules.empty())
    return result.skip("files", "no rule is configured under maintenance.cleanup");
  auto& all = result.details["rules"].emplace_array();
  work_in_places(rules, roots, spared, result, [&](const auto& name, const auto& rule, auto& directory) {
    cleaner one{name, rule, spared, environment, result};
    try {
      one.run(directory);
    } catch (const stopped&) {
      all.push_back(one.to_json());
      throw;
    }
    all.push_back(one.to_json());
  });
}

} // namespace overwatch::maintenance
