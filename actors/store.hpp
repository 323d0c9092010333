#pragma once

#include "messages/error_code.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch {

/// The three key spaces of a node's store. Keys are described in `actors/keys.hpp`.
enum class key_space : uint8_t {
  log,    ///< entries and hard state of the replicated logs: written with sync
  state,  ///< what `apply` made of them: rebuilt from the log after a crash
  series, ///< task logs and samples: losing a second of them costs nothing
};

/// A list of changes that a store makes all or none of.
struct write_batch {
  enum class kind : uint8_t { put, erase, erase_range };
  struct change {
    kind what;
    key_space space;
    std::string key;
    std::string value; ///< of `erase_range`: the end, exclusive
  };

  std::vector<change> changes;

  void put(key_space space, std::string key, std::string value) {
    changes.push_back({kind::put, space, std::move(key), std::move(value)});
  }
  void erase(key_space space, std::string key) { changes.push_back({kind::erase, space, std::move(key), {}}); }
  void erase_range(key_space space, std::string first, std::string last) {
    changes.push_back({kind::erase_range, space, std::move(first), std::move(last)});
  }
  bool empty() const { return changes.empty(); }
};

/// Visits the keys of a range in order over one consistent view.
class store_cursor {
public:
  virtual ~store_cursor() = default;
  virtual bool valid() const = 0;
  virtual std::string_view key() const = 0;   ///< until the next call of next()
  virtual std::string_view value() const = 0; ///< likewise
  virtual void next() = 0;                    ///< downwards for a reverse cursor
  virtual void seek(std::string_view key) = 0; ///< to the first key at or after (reverse: at or before) `key`
};

/// Reading side: thread-safe. An I/O error ends the process with its reason: nobody could go on.
class store_reader {
public:
  virtual ~store_reader() = default;

  virtual std::optional<std::string> get(key_space space, std::string_view key) const = 0;

  /// The values of `keys` (sorted), in their order.
  virtual std::vector<std::optional<std::string>> get_many(key_space space,
                                                           const std::vector<std::string>& keys) const = 0;

  /// Keys in [first, last), upwards or (`reverse`) downwards.
  virtual std::unique_ptr<store_cursor> scan(key_space space, std::string first, std::string last,
                                             bool reverse = false) const = 0;
};

/// What happened to a write.
enum class store_result : uint8_t {
  done,
  no_space, ///< nothing is known to be written; call again with the same batch when there is space
};

/// The keys of a space in [first, last).
struct key_range {
  key_space space = key_space::state;
  std::string first;
  std::string last;
};

/// New content for whole ranges, gathered on the disk beside the old one. Used by one thread at a time; must not
/// outlive the store. Destroyed before `finish` was called it changes nothing and leaves nothing. It blocks.
class range_replacement {
public:
  virtual ~range_replacement() = default;

  /// The next key, which lies in a range: by the order of the ranges, then of the keys, each once. After `no_space`
  /// it is of no use any more: destroy it, which frees what it took.
  virtual store_result add(key_space space, std::string_view key, std::string_view value) = 0;

  /// There are no more keys: all of them are on the disk when it returns `done`. Otherwise as `add`.
  virtual store_result close() = 0;

  /// After `close`: makes the ranges hold exactly the keys that were added, at one moment, then applies `with_it`, all
  /// durable when it returns `done`. A crash before that leaves the store, once it is open again, with all of it or
  /// with nothing of it. Everything that was written to the store before is durable then too.
  ///
  /// Nothing of these ranges may be written while it runs; other writes go on. After `no_space` call it again with
  /// the same batch; destroyed instead, the next start of the store may still complete it.
  virtual store_result finish(const write_batch& with_it) = 0;
};

/// A node's store. One writer: the journal. `write` and `checkpoint` block.
class store : public store_reader {
public:
  using write_result = store_result;

  /// Makes the changes visible at once. With `sync` the changes to `log` are on the disk when it returns.
  /// Changes to `state` survive a crash only up to some point that is consistent with the order of writes
  /// (and all of them after `checkpoint`).
  virtual write_result write(const write_batch& batch, bool sync) = 0;

  /// Makes everything written to `state` before the call survive a crash; afterwards the log may be cut. May run
  /// on another thread beside writes.
  virtual write_result checkpoint() = 0;

  /// The store as it is now. Cheap, but what is deleted or overwritten keeps its space as long as the view lives.
  /// Must not outlive the store.
  virtual std::unique_ptr<store_reader> view() const = 0;

  /// Begins to replace the content of ranges that do not overlap, sorted by space and first key.
  virtual std::unique_ptr<range_replacement> replace(std::vector<key_range> ranges) = 0;

  /// Bytes free for it on its disk.
  virtual uint64_t free_bytes() const = 0;

  /// Bytes it occupies.
  virtual uint64_t used_bytes() const = 0;
};

} // namespace overwatch
