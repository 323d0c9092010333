#pragma once

#include "actors/store.hpp"

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace overwatch::test {

/// A store in memory for deterministic tests, with the faults that a disk has. Keeps to the contract of
/// `overwatch::store`, and may be shared between threads.
///
/// It promises what the RocksDB store promises and no more: what a crash leaves of `log` and `series` is at least
/// everything up to the last sync, and what it leaves of `state` is a prefix of the writes that contains the last
/// checkpoint and is not ahead of the log.
class memory_store final : public store {
public:
  /// How much of `state` a crash leaves, beyond the last checkpoint.
  enum class survival {
    none, ///< nothing
    all,  ///< all writes before the first one whose log changes are lost
    some, ///< of these, a number drawn from the seed
  };

  /// How often it was called.
  struct counters {
    uint64_t gets = 0; ///< `get`, and one for every key of `get_many`
    uint64_t scans = 0;
    uint64_t writes = 0; ///< done
    uint64_t syncs = 0;  ///< of them, with sync
    uint64_t changes = 0;
    uint64_t checkpoints = 0;
    uint64_t replacements = 0; ///< of ranges, finished
    uint64_t refused = 0; ///< writes, checkpoints and replacements that found the disk full
  };

  memory_store();
  ~memory_store() override;

  std::optional<std::string> get(key_space space, std::string_view key) const override;
  std::vector<std::optional<std::string>> get_many(key_space space,
                                                   const std::vector<std::string>& keys) const override;
  std::unique_ptr<store_cursor> scan(key_space space, std::string first, std::string last,
                                     bool reverse = false) const override;
  write_result write(const write_batch& batch, bool sync) override;
  write_result checkpoint() override;
  std::unique_ptr<store_reader> view() const override;
  std::unique_ptr<range_replacement> replace(std::vector<key_range> ranges) override;
  uint64_t free_bytes() const override; ///< 0 while the disk is full, otherwise 1 TB
  uint64_t used_bytes() const override; ///< keys and values

  /// The store that a node would find after a power loss at this moment: a new one, with nothing pending. This one
  /// goes on as it is. Log and series writes after the last sync are lost.
  std::unique_ptr<memory_store> lose_unsynced(survival state, uint64_t seed = 0) const;

  /// While true, writes, checkpoints and replacements change nothing and return `no_space`.
  void fill_disk(bool full);

  counters calls() const;

private:
  using contents = std::array<std::map<std::string, std::string>, 3>;
  struct versioned;
  class cursor;
  class frozen;
  class replacement;

  void make_durable();
  write_result write_durably(const write_batch& batch);
  static void apply(const write_batch& batch, bool to_state, contents& to);

  mutable std::mutex mutex_;            // guards all below; not `versions_`, which cursors share and which has its own
  std::shared_ptr<versioned> versions_; // what readers see
  contents durable_;                    // what is sure to survive a crash
  std::vector<std::shared_ptr<const write_batch>> unsynced_;       // log and series parts of these are pending
  std::vector<std::shared_ptr<const write_batch>> uncheckpointed_; // state parts of these are pending
  size_t lossless_ = 0; // state writes among `uncheckpointed_` that came before the first unsynced log write
  bool full_ = false;
  mutable counters calls_;
};

} // namespace overwatch::test
