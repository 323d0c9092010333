#pragma once

#include "actors/store.hpp"

#include <caf/expected.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rocksdb {
class SstFileWriter;
class Status;
} // namespace rocksdb

namespace overwatch {

struct rocks_database;

/// One sorted file that waits to become part of the database.
struct staged_file {
  key_space space = key_space::state;
  std::string name;
};

/// What is to be done with staged files. Once it is in their directory, a start of the store does it.
struct staged_plan {
  std::vector<staged_file> files;
  write_batch with_it;
};

std::string encode_plan(const staged_plan& x);
[[nodiscard]] bool decode_plan(std::string_view bytes, staged_plan& x);

/// The directory of one replacement of ranges:
///
///     PLAN        written last; without it the rest is worth nothing
///     1.sst, ...  the new content. Each file holds keys of one stretch of a range and a tombstone over the whole
///                 stretch: when it becomes part of the database it replaces all that was there, at once
///     in/         second names of the files, which RocksDB takes away
class staged_directory {
public:
  explicit staged_directory(std::filesystem::path path) : path_{std::move(path)} {}

  const std::filesystem::path& path() const { return path_; }

  /// 0, or an errno (likewise below).
  int create() const;
  int write_plan(const staged_plan& x) const;

  /// None: there is no plan. An error: it is damaged.
  caf::expected<std::optional<staged_plan>> read_plan() const;

  /// Makes the files of the plan part of the database. May be repeated.
  rocksdb::Status ingest(rocks_database& database, const std::vector<staged_file>& files, bool verify) const;

  /// First the plan, durably, then the rest as far as possible: without a plan it goes at the next start.
  int remove() const;

private:
  std::filesystem::path path_;
};

/// Writes the files of a staged directory.
class staged_writer {
public:
  staged_writer(rocks_database& database, const staged_directory& directory, std::vector<key_range> ranges);
  ~staged_writer();

  rocksdb::Status add(key_space space, std::string_view key, std::string_view value);

  /// Completes the files: they cover all ranges then, durably.
  rocksdb::Status close();

  const std::vector<staged_file>& files() const { return files_; }

private:
  rocksdb::Status open_file();
  rocksdb::Status close_file(const std::string& end);
  rocksdb::Status close_range();

  rocks_database& database_;
  std::filesystem::path path_;
  std::vector<key_range> ranges_;
  size_t range_ = 0;  // the one that is written
  std::string begin_; // of the stretch of the file that is written, or comes next
  std::string last_;  // key in this range
  bool has_last_ = false;
  std::unique_ptr<rocksdb::SstFileWriter> file_; // the one that is written
  uint64_t file_bytes_ = 0;
  std::vector<staged_file> files_;
};

} // namespace overwatch
