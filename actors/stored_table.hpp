#pragma once

#include "actors/invariant.hpp"
#include "actors/store.hpp"
#include "messages/codec.hpp"

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace overwatch {

/// Values by name that are written behind: what changed stays in memory until it is in the store, what is only looked
/// at is read from there. Part of a partition's state, with the same rules.
template <class Value>
class stored_table {
public:
  /// Keys of the store are `prefix` and the name.
  stored_table(const store_reader& base, std::string prefix) : base_{base}, prefix_{std::move(prefix)} {}

  /// Null when there is none.
  Value* find(const std::string& name) {
    auto i = rows_.find(name);
    if (i == rows_.end()) {
      auto record = base_.get(key_space::state, prefix_ + name);
      if (!record)
        return nullptr;
      row x;
      invariant(decode(*record, x.value), "a stored value is readable");
      i = rows_.emplace(name, std::move(x)).first;
    }
    return i->second.erased ? nullptr : &i->second.value;
  }

  void put(const std::string& name, Value value) {
    auto& x = touch(name);
    x.value = std::move(value);
    x.erased = false;
  }

  void erase(const std::string& name) { touch(name).erased = true; }

  void flush(write_batch& batch, uint64_t number) {
    for (const auto& name : std::exchange(dirty_, {})) {
      auto& x = rows_.at(name);
      if (x.erased)
        batch.erase(key_space::state, prefix_ + name);
      else
        batch.put(key_space::state, prefix_ + name, encode(x.value));
      x.dirty = false;
      x.flush_number = number;
    }
  }

  /// Flush `number` and all before it are in the store.
  void flushed(uint64_t number) {
    for (auto i = rows_.begin(); i != rows_.end();)
      i = !i->second.dirty && i->second.flush_number <= number ? rows_.erase(i) : std::next(i);
  }

private:
  struct row {
    Value value;
    bool erased = false;
    bool dirty = false;
    uint64_t flush_number = 0; // of the newest flush that wrote it
  };

  row& touch(const std::string& name) {
    auto& x = rows_[name];
    if (!std::exchange(x.dirty, true))
      dirty_.push_back(name);
    return x;
  }

  const store_reader& base_;
  std::string prefix_;
  std::unordered_map<std::string, row> rows_;
  std::vector<std::string> dirty_;
};

} // namespace overwatch
