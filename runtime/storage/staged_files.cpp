#include "runtime/storage/staged_files.hpp"

#include "actors/invariant.hpp"
#include "messages/codec.hpp"
#include "messages/error_code.hpp"
#include "runtime/storage/backup_directory.hpp"
#include "runtime/storage/backup_record.hpp"
#include "runtime/storage/rocks_database.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <map>

namespace fs = std::filesystem;

namespace overwatch {

namespace {

// A file is begun anew at this size: what a writer keeps in memory for it (index and filter) stays small.
constexpr uint64_t staged_file_bytes = 64ULL << 20;

constexpr uint32_t plan_version = 1;

bool is_space(key_space x) { return x <= key_space::series; }

bool is_kind(write_batch::kind x) { return x <= write_batch::kind::erase_range; }

rocksdb::Status failed(const fs::path& path, const std::error_code& error) {
  if (error == std::errc::no_space_on_device)
    return rocksdb::Status::NoSpace(path.string());
  return rocksdb::Status::IOError(path.string(), error.message());
}

/// Second names for the files of `directory`: RocksDB takes files away when they are part of the database, and a
/// crash behind that has to find them again.
std::error_code link_files(const fs::path& directory, const std::vector<staged_file>& files) {
  std::error_code error;
  fs::remove_all(directory / "in", error);
  if (!error)
    fs::create_directory(directory / "in", error);
  for (const auto& x : files)
    if (!error)
      fs::create_hard_link(directory / x.name, directory / "in" / x.name, error);
  return error;
}

} // namespace

std::string encode_plan(const staged_plan& x) {
  std::string bytes;
  encoder f{bytes};
  f(plan_version);
  f.put_size(x.files.size());
  for (const auto& file : x.files)
    f(file.space, file.name);
  f.put_size(x.with_it.changes.size());
  for (const auto& change : x.with_it.changes)
    f(change.what, change.space, change.key, change.value);
  f(checksum_of(bytes));
  return bytes;
}

bool decode_plan(std::string_view bytes, staged_plan& x) {
  decoder f{bytes};
  uint32_t version = 0;
  if (!f(version) || version != plan_version)
    return false;
  auto files = f.get_size();
  for (uint64_t i = 0; i < files; ++i) {
    auto& file = x.files.emplace_back();
    if (f.rest().empty() || !f(file.space, file.name) || !is_space(file.space))
      return false;
  }
  auto changes = f.get_size();
  for (uint64_t i = 0; i < changes; ++i) {
    auto& change = x.with_it.changes.emplace_back();
    if (f.rest().empty() || !f(change.what, change.space, change.key, change.value) || !is_kind(change.what) ||
        !is_space(change.space))
      return false;
  }
  auto checked = std::string{bytes.substr(0, bytes.size() - f.rest().size())};
  uint32_t checksum = 0;
  return !f.rest().empty() && f(checksum) && f.rest().empty() && checksum == checksum_of(checked);
}

int staged_directory::create() const {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error)
    return error.value();
  return sync_directory(path_.parent_path()) && sync_directory(path_.parent_path().parent_path()) ? 0 : errno;
}

int staged_directory::write_plan(const staged_plan& x) const {
  auto bytes = encode_plan(x);
  auto temporary = path_ / "PLAN.new";
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    return errno;
  errno = ENOSPC; // a short write sets none
  bool written = ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(fd) == 0;
  int error = errno;
  ::close(fd);
  if (!written)
    return error;
  return ::rename(temporary.c_str(), (path_ / "PLAN").c_str()) == 0 && sync_directory(path_) ? 0 : errno;
}

caf::expected<std::optional<staged_plan>> staged_directory::read_plan() const {
  std::error_code error;
  auto file = path_ / "PLAN";
  if (!fs::exists(file, error))
    return std::optional<staged_plan>{};
  auto bytes = content_of(file);
  staged_plan x;
  if (!bytes || !decode_plan(*bytes, x))
    return make_error(ec::internal, "the file " + file.string() + " is damaged");
  for (const auto& staged : x.files)
    if (!fs::exists(path_ / staged.name, error))
      return make_error(ec::internal, "the file " + (path_ / staged.name).string() + " is missing");
  return std::optional{std::move(x)};
}

rocksdb::Status staged_directory::ingest(rocks_database& database, const std::vector<staged_file>& files,
                                         bool verify) const {
  if (auto error = link_files(path_, files))
    return failed(path_, error);
  std::map<key_space, rocksdb::IngestExternalFileArg> spaces;
  for (const auto& x : files) {
    auto& space = spaces[x.space];
    space.column_family = database.family(x.space);
    space.external_files.push_back((path_ / "in" / x.name).string());
    space.options.move_files = true;
    space.options.write_global_seqno = false; // it would change the file under its other name too
    space.options.verify_checksums_before_ingest = verify;
  }
  std::vector<rocksdb::IngestExternalFileArg> all;
  for (auto& [space, x] : spaces)
    all.push_back(std::move(x));
  return database.db->IngestExternalFiles(all); // all of it by one change of the manifest
}

int staged_directory::remove() const {
  auto plan = path_ / "PLAN";
  if ((::unlink(plan.c_str()) != 0 && errno != ENOENT) || !sync_directory(path_))
    return errno;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  return 0;
}

staged_writer::staged_writer(rocks_database& database, const staged_directory& directory,
                             std::vector<key_range> ranges)
  : database_{database}, path_{directory.path()}, ranges_{std::move(ranges)} {
  invariant(!ranges_.empty(), "there is a range to replace");
  for (size_t i = 0; i < ranges_.size(); ++i) {
    const auto& x = ranges_[i];
    invariant(x.first < x.last, "a range to replace is not empty");
    invariant(i == 0 || ranges_[i - 1].space < x.space ||
                (ranges_[i - 1].space == x.space && ranges_[i - 1].last <= x.first),
              "ranges to replace are sorted and do not overlap");
  }
  begin_ = ranges_.front().first;
}

staged_writer::~staged_writer() = default;

rocksdb::Status staged_writer::add(key_space space, std::string_view key, std::string_view value) {
  auto is_behind = [&](const key_range& x) { return x.space < space || (x.space == space && x.last <= key); };
  while (range_ < ranges_.size() && is_behind(ranges_[range_]))
    if (auto status = close_range(); !status.ok())
      return status;
  invariant(range_ < ranges_.size() && ranges_[range_].space == space && ranges_[range_].first <= key,
            "keys are added by the order of the ranges and lie in one");
  invariant(!has_last_ || last_ < key, "keys are added in their order");
  if (file_ && file_bytes_ >= staged_file_bytes)
    if (auto status = close_file(std::string{key}); !status.ok())
      return status;
  if (auto status = open_file(); !status.ok())
    return status;
  file_bytes_ += key.size() + value.size();
  last_ = key;
  has_last_ = true;
  return file_->Put({key.data(), key.size()}, {value.data(), value.size()});
}

rocksdb::Status staged_writer::close() {
  while (range_ < ranges_.size())
    if (auto status = close_range(); !status.ok())
      return status;
  return rocksdb::Status::OK();
}

rocksdb::Status staged_writer::open_file() {
  if (file_)
    return rocksdb::Status::OK();
  auto space = ranges_[range_].space;
  rocksdb::EnvOptions options;
  options.bytes_per_sync = 1 << 20;
  file_ = std::make_unique<rocksdb::SstFileWriter>(options, database_.db->GetOptions(database_.family(space)),
                                                   database_.family(space));
  files_.push_back({space, std::to_string(files_.size() + 1) + ".sst"});
  file_bytes_ = 0;
  return file_->Open((path_ / files_.back().name).string());
}

/// The stretch of the file ends before `end`.
rocksdb::Status staged_writer::close_file(const std::string& end) {
  // The keys of a file and its tombstone get the same number: the tombstone hides what is older than them.
  auto status = file_->DeleteRange(begin_, end);
  if (status.ok())
    status = file_->Finish(); // syncs
  file_.reset();
  begin_ = end;
  return status;
}

rocksdb::Status staged_writer::close_range() {
  auto status = open_file(); // an empty range has a file too, with its tombstone
  if (status.ok())
    status = close_file(ranges_[range_].last);
  has_last_ = false;
  if (++range_ < ranges_.size())
    begin_ = ranges_[range_].first;
  return status;
}

} // namespace overwatch
