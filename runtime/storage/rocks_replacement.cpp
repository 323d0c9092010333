// Replacing the content of ranges (`store::replace`): sorted files are written beside the database, a plan says what
// is to be done with them, RocksDB takes them up by one change of its manifest. A crash before the plan is there
// leaves the old content; a start that finds a plan does it (again).

#include "actors/invariant.hpp"
#include "messages/error_code.hpp"
#include "runtime/storage/data_directory.hpp"
#include "runtime/storage/rocks_database.hpp"
#include "runtime/storage/rocks_store.hpp"
#include "runtime/storage/staged_files.hpp"
#include "runtime/storage/storage_failed.hpp"

#include <rocksdb/db.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fs = std::filesystem;

namespace overwatch {

namespace {

// Left free on the disk for those who go on writing to the store.
constexpr uint64_t staging_reserve_bytes = 16ULL << 20;

// Between two looks at the free space while files are written.
constexpr uint64_t look_each_bytes = 1ULL << 20;

bool changes_state(const write_batch& batch) {
  return std::any_of(batch.changes.begin(), batch.changes.end(),
                     [](const auto& x) { return x.space == key_space::state; });
}

rocksdb::Status as_status(const fs::path& path, int error) {
  return error == ENOSPC ? rocksdb::Status::NoSpace(path.string())
                         : rocksdb::Status::IOError(path.string(), std::strerror(error));
}

} // namespace

class rocks_store::replacement final : public range_replacement {
public:
  replacement(rocks_store& owner, staged_directory directory, std::vector<key_range> ranges)
    : owner_{owner}, directory_{std::move(directory)}, writer_{*owner.database_, directory_, std::move(ranges)} {
    if (auto error = directory_.create(); error != 0)
      judge(as_status(directory_.path(), error));
  }

  ~replacement() override {
    if (!committed_)
      directory_.remove(); // best effort: without a plan it goes at the next start
  }

  store_result add(key_space space, std::string_view key, std::string_view value) override {
    invariant(!closed_, "no key is added to a replacement that is closed");
    if (!has_space(key.size() + value.size()))
      return store_result::no_space;
    return judge(writer_.add(space, key, value));
  }

  store_result close() override {
    if (!has_space(look_each_bytes))
      return store_result::no_space;
    auto result = judge(writer_.close());
    closed_ = result == store_result::done;
    return result;
  }

  store_result finish(const write_batch& with_it) override {
    invariant(closed_, "a replacement is closed before it is finished");
    return owner_.finish(directory_, {writer_.files(), with_it}, committed_);
  }

private:
  bool has_space(uint64_t bytes) {
    unlooked_bytes_ += bytes;
    if (unlooked_bytes_ >= look_each_bytes) {
      unlooked_bytes_ = 0;
      spoiled_ = spoiled_ || owner_.free_bytes() < staging_reserve_bytes;
    }
    return !spoiled_;
  }

  store_result judge(const rocksdb::Status& status) {
    if (status.ok())
      return store_result::done;
    if (!is_no_space(status))
      storage_failed("cannot write a new state", status);
    spoiled_ = true;
    return store_result::no_space;
  }

  rocks_store& owner_;
  staged_directory directory_;
  staged_writer writer_;
  uint64_t unlooked_bytes_ = look_each_bytes;
  bool spoiled_ = false;
  bool closed_ = false;
  bool committed_ = false; // the plan may be there: only the store may remove it
};

std::unique_ptr<range_replacement> rocks_store::replace(std::vector<key_range> ranges) {
  staged_directory directory{directory_->staging_path() / std::to_string(++replacements_)};
  return std::make_unique<replacement>(*this, std::move(directory), std::move(ranges));
}

store::write_result rocks_store::finish(const staged_directory& directory, const staged_plan& plan, bool& committed) {
  if (auto result = checkpoint(); result != write_result::done) // most of what is in memory, without holding others up
    return result;
  std::lock_guard guard{writing_};
  if (!resume() || free_bytes() < staging_reserve_bytes)
    return write_result::no_space;
  if (unsynced_) {
    if (auto result = judge("cannot sync the log", database_->db->SyncWAL()); result != write_result::done)
      return result;
    unsynced_ = false;
  }
  if (!committed) {
    auto error = directory.write_plan(plan);
    if (error == ENOSPC)
      return write_result::no_space;
    if (error != 0)
      storage_failed("cannot write the plan of a new state", as_status(directory.path(), error));
    committed = true;
  }
  return carry_out(directory, plan, false);
}

store::write_result rocks_store::carry_out(const staged_directory& directory, const staged_plan& plan, bool verify) {
  auto status = directory.ingest(*database_, plan.files, verify);
  if (auto result = judge("cannot take up a new state", status); result != write_result::done)
    return result;
  if (auto result = write_held(plan.with_it, true); result != write_result::done)
    return result;
  if (changes_state(plan.with_it)) {
    rocksdb::FlushOptions options;
    options.allow_write_stall = true;
    status = database_->db->Flush(options, database_->family(key_space::state));
    if (auto result = judge("cannot flush the state", status); result != write_result::done)
      return result;
  }
  // From here on the ranges are written to again: a plan that came back would undo that.
  if (auto error = directory.remove(); error != 0)
    storage_failed("cannot remove the plan of a new state", as_status(directory.path(), error));
  return write_result::done;
}

caf::error rocks_store::complete_replacements() {
  std::lock_guard guard{writing_};
  std::error_code failed;
  std::vector<fs::path> found;
  for (auto i = fs::directory_iterator{directory_->staging_path(), failed};
       !failed && i != fs::directory_iterator{}; i.increment(failed))
    found.push_back(i->path());
  for (const auto& path : found) {
    staged_directory directory{path};
    auto plan = directory.read_plan();
    if (!plan)
      return plan.error();
    if (!*plan)
      directory.remove();
    else if (carry_out(directory, **plan, true) == write_result::no_space)
      return make_error(ec::no_space, "the disk is full");
  }
  return caf::none;
}

} // namespace overwatch
