#pragma once

#include "actors/change.hpp"
#include "actors/store.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace overwatch {

/// The documents of a partition: all in memory, with their versions; changed ones are written behind.
class document_table {
public:
  struct row {
    std::shared_ptr<const std::string> value;
    uint64_t version = 0;
    timestamp changed_at;
  };
  using key = std::pair<document_kind, std::string>;
  using rows = std::map<key, row>;

  /// Reads all from the store.
  document_table(const store_reader& base, partition_id partition);

  const row* find(document_kind kind, const std::string& name) const;
  const rows& all() const { return rows_; }

  /// Sets or (null) removes; says it in `out`.
  void put(document_kind kind, const std::string& name, std::shared_ptr<const std::string> value, uint64_t version,
           timestamp time, applied_entry& out);

  /// Documents whose name begins with `prefix`.
  std::pair<rows::const_iterator, rows::const_iterator> with_prefix(document_kind kind,
                                                                    const std::string& prefix) const;

  /// Bytes of the users' keys and values.
  size_t key_bytes() const { return key_bytes_; }

  void flush(write_batch& batch);

private:
  partition_id partition_;
  rows rows_;
  std::vector<key> dirty_; // may hold one several times
  size_t key_bytes_ = 0;
};

} // namespace overwatch
