#include "runtime/security/baseline_file.hpp"
#include "runtime/security/lines.hpp"
#include "runtime/security/package_lists.hpp"
#include "runtime/security/scan.hpp"
#include "runtime/security/walk.hpp"

#include <algorithm>
#include <map>
#include <system_error>
#include <unordered_map>

namespace overwatch::security {

namespace {

constexpr size_t max_differences = 10'000; // of one tree; what is above is only counted
constexpr double guessed_entries = 10'000; // of a tree without a baseline, for the progress

/// A file that is not as it was.
struct difference {
  const char* rule;
  std::string path;
  std::string detail;
};

bool may_be_update(const difference& x) {
  return x.rule == std::string_view{"baseline-added"} || begins_with(x.detail, content_changed);
}

bool lies_in(std::string_view path, std::string_view directory) {
  return directory == "/" ||
         (begins_with(path, directory) && (path.size() == directory.size() || path[directory.size()] == '/'));
}

/// Compares one tree with its baseline while both are read in the same order; writes a new one beside it when there is
/// none, or when asked.
class tree_comparison {
public:
  tree_comparison(scan& s, std::string tree)
    : s_{s}, file_{s.directory + "/baseline-" + digest_of(s.root.root() + '\n' + tree).substr(0, 16)}, before_{file_} {
    summary_.tree = std::move(tree);
    compares_ = before_.exists();
    if (compares_ && !before_.verify()) {
      s_.found.add("baseline-damaged", summary_.tree, file_);
      compares_ = false;
    }
    summary_.state = !before_.exists() ? "created" : s.options.update_baseline ? "updated" : "compared";
    if (summary_.state != "compared")
      after_ = std::make_unique<baseline_writer>(file_);
  }

  void run() {
    if (!compares_ && !after_)
      return; // damaged, and nobody said that what is there now is right
    walk_options options;
    options.paths = {summary_.tree};
    options.exclude = s_.options.exclude;
    options.sorted = true;
    options.on_unreadable = [this](const std::string& path) { unreadable_.push_back(path); };
    find_mounts(s_.root, options);
    walk(
      s_.root, options, [this](const walk_entry& entry) { look(entry); },
      [this](const walk_result&) { s_.stop_if_told(); });
    if (compares_)
      pass_over({});
    judge();
    if (after_ && summary_.entries > 0)
      after_->finish();
    s_.baselines.push_back(summary_);
  }

private:
  baseline_entry describe(const walk_entry& entry) {
    const auto& status = entry.status;
    baseline_entry x;
    x.kind = S_ISREG(status.st_mode) ? 'f' : S_ISDIR(status.st_mode) ? 'd' : S_ISLNK(status.st_mode) ? 'l' : 'o';
    x.mode = status.st_mode & 07777;
    x.uid = status.st_uid;
    x.gid = status.st_gid;
    x.size = x.kind == 'f' ? static_cast<uint64_t>(status.st_size) : 0;
    x.content = "-";
    x.path = entry.path;
    if (x.kind == 'l')
      x.content = digest_of(link_at(entry.directory, entry.name));
    if (x.kind == 'f') {
      if (auto text =
            digest_of_file(entry.directory, entry.name, digest::kind::sha256, [this](size_t size) { tick(size); })) {
        x.content = *text;
        ++s_.counters.hashed_files;
      } else {
        ++unreadable_files_;
      }
    }
    return x;
  }

  void tick(size_t size) {
    s_.counters.hashed_bytes += size;
    s_.stop_if_told();
  }

  void look(const walk_entry& entry) {
    s_.stop_if_told();
    auto now = describe(entry);
    ++summary_.entries;
    auto whole = compares_ ? static_cast<double>(before_.size()) : guessed_entries;
    s_.control.progress(100 * std::min(0.99, static_cast<double>(summary_.entries) / std::max(1.0, whole)),
                        "content of " + summary_.tree);
    if (after_)
      after_->add(now);
    if (!compares_)
      return;
    pass_over(now.path);
    if (!before_.current() || before_.current()->path != now.path)
      return note("baseline-added", now.path, {});
    if (auto detail = difference_of(*before_.current(), now); !detail.empty())
      note("baseline-changed", now.path, detail);
    before_.next();
  }

  // What the baseline has before `path` is not there any more; what is below an unreadable directory may be.
  void pass_over(const std::string& path) {
    for (; before_.current() && (path.empty() || comes_before(before_.current()->path, path)); before_.next()) {
      const auto& gone = before_.current()->path;
      if (std::none_of(unreadable_.begin(), unreadable_.end(), [&](const auto& x) { return lies_in(gone, x); }))
        note("baseline-removed", gone, {});
    }
  }

  void note(const char* rule, const std::string& path, std::string detail) {
    ++(rule == std::string_view{"baseline-added"}     ? summary_.added
       : rule == std::string_view{"baseline-removed"} ? summary_.removed
                                                      : summary_.changed);
    if (differences_.size() < max_differences)
      differences_.push_back({rule, path, std::move(detail)});
  }

  // What dpkg knows of exactly this content was changed by an update.
  bool is_packaged(const std::string& path, const std::unordered_map<std::string, std::string>& known) {
    auto package = known.find(merged_path(path));
    if (package == known.end() || package->second.empty())
      return false;
    auto place = s_.root.locate(path, false);
    auto text =
      place.error == 0 && S_ISREG(place.status.st_mode)
        ? digest_of_file(place.directory.get(), place.name.c_str(), digest::kind::md5, [this](size_t x) { tick(x); })
        : std::nullopt;
    return text == package->second && (place.status.st_mode & (S_IWOTH | S_ISUID | S_ISGID)) == 0;
  }

  void judge() {
    if (!unreadable_.empty() || unreadable_files_ > 0)
      s_.found.partly_blind("the content of " + std::to_string(unreadable_files_) + " files and " +
                              std::to_string(unreadable_.size()) + " directories in " + summary_.tree,
                            "they cannot be read");
    if (s_.options.update_baseline)
      return;
    std::unordered_map<std::string, std::string> known;
    for (const auto& one : differences_)
      if (may_be_update(one))
        known[merged_path(one.path)];
    if (!known.empty())
      for_each_package_digest(
        s_.root,
        [&](std::string_view path, std::string_view md5) {
          if (auto wanted = known.find(std::string{path}); wanted != known.end())
            wanted->second = md5;
        },
        [this] { s_.stop_if_told(); });
    for (const auto& one : differences_)
      if (may_be_update(one) && is_packaged(one.path, known))
        s_.found.add("baseline-changed-by-package", one.path, one.detail);
      else
        s_.found.add(one.rule, one.path, one.detail);
  }

  scan& s_;
  std::string file_;
  baseline_reader before_;
  std::unique_ptr<baseline_writer> after_;
  bool compares_ = false;
  baseline_summary summary_;
  std::vector<std::string> unreadable_;
  uint64_t unreadable_files_ = 0;
  std::vector<difference> differences_;
};

} // namespace

void check_baseline(scan& s) {
  const auto& trees = s.options.baseline.empty() ? s.config.security.baseline : s.options.baseline;
  if (trees.empty())
    return s.found.cannot_look("whether files changed",
                               "no trees are configured: security.baseline, or the payload's baseline");
  for (const auto& path : trees) {
    auto tree = normal_path(path);
    auto place = s.root.locate(tree);
    if (place.error != 0) {
      s.found.partly_blind("the content of " + tree, error_sentence(place.error));
      continue;
    }
    try {
      tree_comparison{s, place.path}.run();
    } catch (const std::system_error& error) {
      s.found.partly_blind("the content of " + tree, std::string{"its baseline cannot be written: "} + error.what());
    }
  }
}

} // namespace overwatch::security
