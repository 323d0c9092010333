#include "runtime/snapshots/snapshot_store.hpp"

#include "messages/codec.hpp"
#include "runtime/snapshots/capture.hpp"
#include "runtime/snapshots/metadata.hpp"
#include "runtime/snapshots/restore.hpp"
#include "runtime/snapshots/tree_removal.hpp"
#include "runtime/snapshots/trouble.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <cstdlib>
#include <memory>

namespace overwatch {

using namespace snapshots;

namespace {

/// A tree that changes while it is captured is scanned again so many times.
constexpr int max_tries = 3;

/// Left free on the disk of the captures, for the node itself.
constexpr uint64_t reserved_bytes = 64 << 20;

constexpr std::string_view partial = ".partial";
constexpr std::string_view dropped = ".dropped";
constexpr size_t max_name_bytes = 128;

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= max_name_bytes &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

void require_name(const std::string& name) {
  if (!is_name(name))
    throw trouble{ec::invalid, "'" + name.substr(0, max_name_bytes) + "' cannot name a snapshot", false};
}

struct kept_until {
  timestamp time;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, kept_until& x) {
  return f(x.time);
}

/// Runs `body`; what it throws becomes a failure.
template <class Body>
failure guarded(Body body, bool* retryable = nullptr) {
  failure result;
  auto again = true;
  try {
    body();
  } catch (const trouble& x) {
    result = x.reason();
    again = x.retryable();
  } catch (const std::exception& x) { // no memory, above all
    result = {ec::internal, "/snapshot/files", std::string{"the snapshot failed: "} + x.what()};
  }
  if (retryable)
    *retryable = result && again;
  return result;
}

} // namespace

/// While it lives, `remove_leftovers` leaves a name alone.
class snapshot_store::busy_name {
public:
  busy_name(snapshot_store& store, std::string name) : store_{store}, name_{std::move(name)} {
    std::lock_guard<std::mutex> guard{store_.mutex_};
    store_.busy_.insert(name_);
  }
  ~busy_name() {
    std::lock_guard<std::mutex> guard{store_.mutex_};
    store_.busy_.erase(name_);
  }
  busy_name(const busy_name&) = delete;
  busy_name& operator=(const busy_name&) = delete;

private:
  snapshot_store& store_;
  std::string name_;
};

snapshot_store::snapshot_store(snapshot_store_options options) : options_{std::move(options)}, roots_{options_.roots} {}

descriptor snapshot_store::open_store(std::string& path) const {
  if (::mkdir(options_.directory.c_str(), 0700) != 0 && errno != EEXIST)
    fail("create", options_.directory);
  std::unique_ptr<char, decltype(&std::free)> real{::realpath(options_.directory.c_str(), nullptr), &std::free};
  path = real ? real.get() : options_.directory;
  auto result = snapshots::open_directory(path, O_RDONLY);
  if (!result)
    fail("open", path);
  return result;
}

descriptor snapshot_store::open_capture(const std::string& name) const {
  require_name(name);
  std::string path;
  auto store = open_store(path);
  descriptor result{::openat(store.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!result && errno != ENOENT)
    fail("open", path + "/" + name);
  return result;
}

// -- capture -------------------------------------------------------------------

capture_result snapshot_store::capture(const std::string& name, const capture_scope& scope, const stop_check& stop) {
  capture_result result;
  result.error = guarded(
    [&] {
      require_name(name);
      busy_name busy{*this, name};
      for (int i = 1;; ++i) {
        try {
          return capture_once(name, scope, stop, result);
        } catch (const tree_changed&) {
          if (i == max_tries)
            throw;
        }
      }
    },
    &result.retryable);
  return result;
}

void snapshot_store::capture_once(const std::string& name, const capture_scope& scope, const stop_check& stop,
                                  capture_result& result) {
  auto answer = [&](const manifest& x) {
    result.entries = x.entries.size();
    result.bytes = x.bytes;
    result.notes = x.notes;
  };
  std::string path;
  auto store = open_store(path);
  if (auto existing = open_capture(name))
    if (auto x = read_manifest(existing.get(), name))
      return answer(*x);
  auto x = scan(roots_, scope.paths, options_.limits, path, stop);
  x.hook_state = scope.hook_state;
  require_space(store.get(), x.bytes);
  auto unfinished = name + std::string{partial};
  remove_tree(store.get(), unfinished, unfinished, {}); // of a crash
  if (::mkdirat(store.get(), unfinished.c_str(), 0700) != 0)
    fail("create", unfinished);
  try {
    descriptor target{::openat(store.get(), unfinished.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!target)
      fail("open", unfinished);
    copy_contents(x, target.get(), options_.limits, stop);
    write_manifest(target.get(), x);
    if (::renameat(store.get(), unfinished.c_str(), store.get(), name.c_str()) != 0 || ::fsync(store.get()) != 0)
      fail("complete", unfinished);
  } catch (const std::exception&) {
    guarded([&] { remove_tree(store.get(), unfinished, unfinished, {}); }); // else it is removed at the next start
    throw;
  }
  answer(x);
}

void snapshot_store::require_space(int store, uint64_t bytes) const {
  struct statvfs disk {};
  if (::fstatvfs(store, &disk) != 0)
    fail("look at the disk of", options_.directory);
  auto free = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (bytes + reserved_bytes > free)
    throw trouble{ec::no_space,
                  "the scope has " + std::to_string(bytes >> 20) + " MB, but the disk of '" + options_.directory +
                    "' has only " + std::to_string(free >> 20) + " MB free (" + std::to_string(reserved_bytes >> 20) +
                    " MB stay reserved); free some space and try again",
                  true};
}

// -- restore -------------------------------------------------------------------

restore_result snapshot_store::restore(const std::string& name, const stop_check& stop) {
  restore_result result;
  result.error = guarded([&] {
    auto directory = open_capture(name);
    if (!directory)
      return;
    result.found = true;
    auto x = read_manifest(directory.get(), name);
    if (!x)
      throw trouble{ec::internal, "the snapshot '" + name + "' has no manifest: somebody has removed it", false};
    restorer work{*x, directory.get(), name, roots_, options_.limits, stop};
    work.run();
    result.counts = work.counts();
    result.hook_state = std::move(x->hook_state);
  });
  return result;
}

// -- keeping and dropping ------------------------------------------------------

failure snapshot_store::drop(const std::string& name) {
  return guarded([&] {
    require_name(name);
    busy_name busy{*this, name};
    std::string path;
    auto store = open_store(path);
    auto away = name + std::string{dropped};
    remove_tree(store.get(), away, away, {}); // of a crash
    if (::renameat(store.get(), name.c_str(), store.get(), away.c_str()) != 0) {
      if (errno != ENOENT)
        fail("drop", name);
      return;
    }
    remove_tree(store.get(), away, away, {});
  });
}

failure snapshot_store::keep(const std::string& name, timestamp until) {
  return guarded([&] {
    auto directory = open_capture(name);
    if (directory)
      write_durably(directory.get(), keep_name, overwatch::encode(kept_until{until}));
  });
}

snapshot_description snapshot_store::describe(const std::string& name, size_t max_entries) {
  snapshot_description result;
  result.error = guarded([&] {
    auto directory = open_capture(name);
    auto x = directory ? read_manifest(directory.get(), name) : std::nullopt;
    if (!x)
      throw trouble{ec::not_found, "there is no snapshot '" + name + "' on this node", false};
    result.total_entries = x->entries.size();
    result.total_bytes = x->bytes;
    result.truncated = x->entries.size() > max_entries;
    result.notes = x->notes;
    result.captured_at = x->started;
    result.hook_state = x->hook_state.has_value();
    for (uint32_t i = 0; i < x->entries.size() && i < max_entries; ++i) {
      const auto& entry = x->entries[i];
      result.entries.push_back({x->path_of(i), entry.kind, entry.size, entry.metadata.mode});
    }
  });
  return result;
}

std::vector<stored_snapshot> snapshot_store::list(const std::string& prefix) {
  std::vector<stored_snapshot> result;
  guarded([&] {
    std::string path;
    auto store = open_store(path);
    for (const auto& name : names_in(store.get(), path)) {
      if (!is_name(name) || name.compare(0, prefix.size(), prefix) != 0)
        continue;
      stored_snapshot x;
      x.name = name;
      kept_until until;
      auto directory = open_capture(name);
      auto bytes = directory ? read_whole(directory.get(), keep_name) : std::nullopt;
      if (bytes && overwatch::decode(*bytes, until))
        x.keep_until = until.time;
      result.push_back(std::move(x));
    }
  });
  return result;
}

failure snapshot_store::remove_leftovers() {
  return guarded([&] {
    std::string path;
    auto store = open_store(path);
    for (const auto& name : names_in(store.get(), path)) {
      auto end = ends_with(name, partial) ? partial : ends_with(name, dropped) ? dropped : std::string_view{};
      std::lock_guard<std::mutex> guard{mutex_}; // nobody begins to use the name meanwhile
      if (!end.empty() && busy_.count(name.substr(0, name.size() - end.size())) == 0)
        remove_tree(store.get(), name, name, {});
    }
  });
}

} // namespace overwatch
