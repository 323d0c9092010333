#include "runtime/snapshots/scan.hpp"

#include "runtime/snapshots/metadata.hpp"
#include "runtime/snapshots/trouble.hpp"

#include <fcntl.h>

#include <algorithm>
#include <unordered_map>

namespace overwatch::snapshots {

namespace {

class scanner {
public:
  scanner(const root_set& roots, const snapshot_limits& limits, const std::string& store,
          const std::function<bool()>& stop)
    : roots_{roots}, limits_{limits}, store_{store}, stop_{stop} {
    struct stat st {};
    if (::lstat(store.c_str(), &st) == 0) {
      store_device_ = st.st_dev;
      store_inode_ = st.st_ino;
    }
    result_.started = now();
  }

  manifest run(const std::vector<std::string>& paths) {
    for (const auto& path : outermost(paths))
      add_scope(path);
    for (const auto& [entry, missing] : links_missing_)
      if (missing > 0)
        note(result_, "'" + result_.path_of(entry) + "' has " + std::to_string(missing) +
                        " hard links outside the scope; after a restore they may be separate files");
    return std::move(result_);
  }

private:
  /// A path inside another one adds nothing.
  std::vector<std::string> outermost(const std::vector<std::string>& paths) const {
    std::vector<std::string> resolved;
    for (const auto& path : paths)
      resolved.push_back(roots_.resolve(path));
    std::vector<std::string> result;
    for (const auto& x : resolved)
      if (std::none_of(resolved.begin(), resolved.end(), [&](const auto& y) { return x != y && is_within(x, y); }) &&
          std::find(result.begin(), result.end(), x) == result.end())
        result.push_back(x);
    return result;
  }

  void add_scope(const std::string& path) {
    if (is_within(path, store_) || is_within(store_, path))
      refuse_store(path);
    saved_scope scope;
    scope.path = path;
    add_ancestors(scope);
    scope.top = static_cast<uint32_t>(result_.entries.size());
    result_.scopes.push_back(scope);
    auto gone = !scope.ancestors.empty() && scope.ancestors.back().absent;
    auto directory = gone ? descriptor{} : open_directory(directory_of(path), O_PATH);
    if (!directory && !gone)
      fail_to_open_directory(path, errno);
    if (gone || !look_at(directory.get(), name_of(path), path)) {
      add_entry(name_of(path), no_entry);
      return;
    }
    visit(directory.get(), name_of(path), no_entry, 0);
  }

  [[noreturn]] void refuse_store(const std::string& path) const {
    throw trouble{ec::invalid,
                  "'" + path + "' may not be captured: the snapshots themselves are kept in '" + store_ + "'", false};
  }

  void add_ancestors(saved_scope& scope) {
    auto root = roots_.root_of(scope.path);
    std::vector<std::string> paths;
    for (auto at = directory_of(scope.path); at.size() > root.size() && is_within(at, root); at = directory_of(at))
      paths.insert(paths.begin(), at);
    for (const auto& path : paths) {
      saved_ancestor x;
      x.path = path;
      auto opened = open_directory(path, O_RDONLY);
      auto readable = static_cast<bool>(opened);
      if (!opened && errno == EACCES)
        opened = open_directory(path, O_PATH);
      x.absent = !opened && errno == ENOENT;
      if (!opened && !x.absent)
        fail_to_open_directory(scope.path, errno);
      struct stat st {};
      if (opened && ::fstat(opened.get(), &st) == 0) {
        saved_entry seen;
        describe(st, seen);
        x.metadata = seen.metadata;
        if (readable)
          x.metadata.attributes = read_attributes(opened.get(), path);
      }
      scope.ancestors.push_back(std::move(x));
    }
  }

  saved_entry& add_entry(const std::string& name, uint32_t parent) {
    check_stopped(stop_);
    if (result_.entries.size() >= limits_.max_entries)
      throw trouble{ec::too_large,
                    "the scope has more than " + std::to_string(limits_.max_entries) + " files and directories ('" +
                      result_.scopes.back().path + "' has at least " +
                      std::to_string(result_.entries.size() - result_.scopes.back().top) +
                      "); capture less, or raise snapshots.max-files",
                    false};
    auto& x = result_.entries.emplace_back();
    x.name = name;
    x.parent = parent;
    return x;
  }

  void visit(int directory, const std::string& name, uint32_t parent, unsigned depth) {
    auto number = static_cast<uint32_t>(result_.entries.size());
    add_entry(name, parent);
    auto path = result_.path_of(number);
    auto st = look_at(directory, name, path);
    if (!st)
      throw tree_changed{path};
    auto& x = result_.entries[number];
    describe(*st, x);
    switch (x.kind) {
    case captured_kind::directory:
      enter(directory, number, path, depth);
      return;
    case captured_kind::symlink:
      x.target = read_target(directory, name, path);
      break;
    case captured_kind::socket:
      note(result_, "'" + path + "' is a socket: it is left alone");
      break;
    case captured_kind::device:
      if (::geteuid() != 0)
        throw trouble{ec::invalid, "'" + path + "' is a device: only a node that runs as root can capture it", false};
      break;
    default:
      break;
    }
    if (!is_further_link(number, *st) && x.kind == captured_kind::file)
      add_bytes(*st, path);
  }

  void enter(int directory, uint32_t number, const std::string& path, unsigned depth) {
    const auto& x = result_.entries[number];
    if (x.device == store_device_ && x.inode == store_inode_)
      refuse_store(path);
    if (depth >= max_scope_depth)
      throw trouble{ec::too_large,
                    "'" + path + "' is nested too deeply: a scope may have " + std::to_string(max_scope_depth) +
                      " levels of directories",
                    false};
    descriptor inside{::openat(directory, x.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!inside && (errno == ENOENT || errno == ENOTDIR))
      throw tree_changed{path};
    if (!inside)
      fail("open", path);
    for (const auto& name : names_in(inside.get(), path))
      visit(inside.get(), name, number, depth + 1);
  }

  bool is_further_link(uint32_t number, const struct stat& st) {
    if (st.st_nlink < 2)
      return false;
    auto [found, is_first] = links_.try_emplace({st.st_dev, st.st_ino}, number);
    if (is_first) {
      links_missing_[number] = static_cast<int64_t>(st.st_nlink) - 1;
      return false;
    }
    result_.entries[number].link_of = found->second;
    --links_missing_[found->second];
    return true;
  }

  void add_bytes(const struct stat& st, const std::string& path) {
    result_.bytes += std::min<uint64_t>(static_cast<uint64_t>(st.st_size), static_cast<uint64_t>(st.st_blocks) * 512);
    if (result_.bytes > limits_.max_bytes)
      throw trouble{ec::too_large,
                    "the scope has more than " + std::to_string(limits_.max_bytes >> 20) + " MB of content (at least " +
                      std::to_string((result_.bytes + (1 << 20) - 1) >> 20) + " MB up to '" + path +
                      "'); capture less, or raise snapshots.max-mb",
                    false};
  }

  struct identity_hash {
    size_t operator()(const std::pair<uint64_t, uint64_t>& x) const {
      return x.first * 0x9E3779B97F4A7C15ULL ^ x.second;
    }
  };

  const root_set& roots_;
  const snapshot_limits& limits_;
  const std::string& store_;
  const std::function<bool()>& stop_;
  uint64_t store_device_ = 0;
  uint64_t store_inode_ = 0;
  manifest result_;
  std::unordered_map<std::pair<uint64_t, uint64_t>, uint32_t, identity_hash> links_; // the first entry of an inode
  std::map<uint32_t, int64_t> links_missing_;
};

} // namespace

void note(manifest& x, const std::string& sentence) {
  if (x.notes.size() < max_notes)
    x.notes.push_back(sentence);
}

manifest scan(const root_set& roots, const std::vector<std::string>& paths, const snapshot_limits& limits,
              const std::string& store, const std::function<bool()>& stop) {
  return scanner{roots, limits, store, stop}.run(paths);
}

} // namespace overwatch::snapshots
