#include "runtime/storage/watched_files.hpp"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <atomic>

namespace overwatch {

namespace {

constexpr uint64_t told_each_bytes = 1ULL << 20;

/// Shared by all files of one operation.
class meter {
public:
  meter(const backup_watch& watch, uint64_t expected) : watch_{watch}, expected_{std::max<uint64_t>(expected, 1)} {}

  rocksdb::IOStatus count(uint64_t bytes) {
    if (watch_.stop && watch_.stop())
      return rocksdb::IOStatus::Aborted("told to stop");
    auto before = done_.fetch_add(bytes);
    if (watch_.progress && before / told_each_bytes != (before + bytes) / told_each_bytes)
      watch_.progress(std::min(1.0, static_cast<double>(before + bytes) / static_cast<double>(expected_)));
    return rocksdb::IOStatus::OK();
  }

private:
  const backup_watch& watch_;
  uint64_t expected_;
  std::atomic<uint64_t> done_{0};
};

class watched_reader final : public rocksdb::FSSequentialFileOwnerWrapper {
public:
  watched_reader(std::unique_ptr<rocksdb::FSSequentialFile>&& file, meter& counted)
    : FSSequentialFileOwnerWrapper{std::move(file)}, meter_{counted} {}

  rocksdb::IOStatus Read(size_t n, const rocksdb::IOOptions& options, rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* debug) override {
    auto status = FSSequentialFileOwnerWrapper::Read(n, options, result, scratch, debug);
    return status.ok() ? meter_.count(result->size()) : status;
  }

private:
  meter& meter_;
};

class watched_writer final : public rocksdb::FSWritableFileOwnerWrapper {
public:
  watched_writer(std::unique_ptr<rocksdb::FSWritableFile>&& file, meter& counted)
    : FSWritableFileOwnerWrapper{std::move(file)}, meter_{counted} {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    auto status = meter_.count(data.size());
    return status.ok() ? FSWritableFileOwnerWrapper::Append(data, options, debug) : status;
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* debug) override {
    return Append(data, options, debug);
  }

private:
  meter& meter_;
};

class watched_file_system final : public rocksdb::FileSystemWrapper {
public:
  watched_file_system(const backup_watch& watch, uint64_t expected)
    : FileSystemWrapper{rocksdb::FileSystem::Default()}, meter_{watch, expected} {}

  const char* Name() const override { return "watched"; }

  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewSequentialFile(name, options, result, debug);
    if (status.ok())
      *result = std::make_unique<watched_reader>(std::move(*result), meter_);
    return status;
  }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewWritableFile(name, options, result, debug);
    if (status.ok())
      *result = std::make_unique<watched_writer>(std::move(*result), meter_);
    return status;
  }

private:
  meter meter_;
};

} // namespace

std::unique_ptr<rocksdb::Env> make_watched_files(const backup_watch& watch, uint64_t expected_bytes) {
  return rocksdb::NewCompositeEnv(std::make_shared<watched_file_system>(watch, expected_bytes));
}

} // namespace overwatch
