#pragma once

#include "runtime/backup/entry.hpp"

#include <functional>

/// The list of what a backup holds. It is itself kept in chunks, of whole records, which end where a path says so: the
/// list of a tree in which little changed consists of chunks that are there already.
namespace overwatch::backup {

class tree_writer {
public:
  explicit tree_writer(std::function<chunk_id(std::string_view)> store) : store_{std::move(store)} {}

  /// In the order of `goes_before`.
  void add(const entry& x);

  /// The chunks of the list.
  std::vector<chunk_id> finish();

private:
  void append(const entry& x, uint64_t part);
  void end_block();

  std::function<chunk_id(std::string_view)> store_;
  std::string block_;
  std::vector<chunk_id> blocks_;
};

class tree_reader {
public:
  tree_reader(std::vector<chunk_id> blocks, std::function<std::string(const chunk_id&)> load)
    : blocks_{std::move(blocks)}, load_{std::move(load)} {}

  /// False at the end. Throws `repository_damaged` when a part cannot be read; the next call goes on behind it.
  bool next(entry& x);

private:
  struct record {
    entry content;
    uint64_t part = 0; // a file of many pieces has several records
  };
  bool next_record(record& x);

  std::vector<chunk_id> blocks_;
  std::function<std::string(const chunk_id&)> load_;
  size_t next_block_ = 0;
  std::string block_;
  size_t at_ = 0;
  record ahead_;
  bool has_ahead_ = false;
};

} // namespace overwatch::backup
