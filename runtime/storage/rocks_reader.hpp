#pragma once

#include "actors/store.hpp"

namespace rocksdb {
class Snapshot;
} // namespace rocksdb

namespace overwatch {

struct rocks_database;

/// Reads a database: what is in it now, or what was in it when the reader was made.
class rocks_reader final : public store_reader {
public:
  enum class moment { now, always_now };

  /// `database` must outlive it, and it its cursors.
  rocks_reader(rocks_database& database, moment shown);
  rocks_reader(const rocks_reader&) = delete;
  rocks_reader& operator=(const rocks_reader&) = delete;
  ~rocks_reader() override;

  std::optional<std::string> get(key_space space, std::string_view key) const override;
  std::vector<std::optional<std::string>> get_many(key_space space,
                                                   const std::vector<std::string>& keys) const override;
  std::unique_ptr<store_cursor> scan(key_space space, std::string first, std::string last,
                                     bool reverse) const override;

private:
  rocks_database& database_;
  const rocksdb::Snapshot* snapshot_ = nullptr; // none: always the newest
};

} // namespace overwatch
