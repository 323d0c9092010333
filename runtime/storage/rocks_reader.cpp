#include "runtime/storage/rocks_reader.hpp"

#include "runtime/storage/rocks_database.hpp"
#include "runtime/storage/storage_failed.hpp"

#include <rocksdb/db.h>

namespace overwatch {

namespace {

rocksdb::Slice slice(std::string_view x) { return {x.data(), x.size()}; }

std::string_view view(const rocksdb::Slice& x) { return {x.data(), x.size()}; }

void check(const char* what, const rocksdb::Status& status) {
  if (!status.ok())
    storage_failed(what, status);
}

rocksdb::ReadOptions read_options(const rocksdb::Snapshot* snapshot) {
  rocksdb::ReadOptions result;
  result.snapshot = snapshot;
  return result;
}

class rocks_cursor final : public store_cursor {
public:
  rocks_cursor(rocksdb::DB& db, const rocksdb::Snapshot* snapshot, rocksdb::ColumnFamilyHandle* family,
               std::string first, std::string last, bool reverse)
    : first_{std::move(first)}, last_{std::move(last)}, first_slice_{first_}, last_slice_{last_}, reverse_{reverse} {
    if (first_ >= last_)
      return; // an empty range needs no iterator
    auto options = read_options(snapshot);
    options.iterate_lower_bound = &first_slice_;
    options.iterate_upper_bound = &last_slice_;
    iterator_.reset(db.NewIterator(options, family));
    if (reverse_)
      iterator_->SeekToLast();
    else
      iterator_->SeekToFirst();
    check_status();
  }

  bool valid() const override { return iterator_ && iterator_->Valid(); }

  std::string_view key() const override { return view(iterator_->key()); }

  std::string_view value() const override { return view(iterator_->value()); }

  void next() override {
    if (reverse_)
      iterator_->Prev();
    else
      iterator_->Next();
    check_status();
  }

  void seek(std::string_view key) override {
    if (!iterator_)
      return;
    if (reverse_)
      iterator_->SeekForPrev(slice(key));
    else
      iterator_->Seek(slice(key));
    check_status();
  }

private:
  void check_status() const {
    if (!iterator_->Valid())
      check("cannot read a range of keys", iterator_->status());
  }

  // The iterator refers to the slices, and they to the strings.
  const std::string first_;
  const std::string last_;
  const rocksdb::Slice first_slice_;
  const rocksdb::Slice last_slice_;
  const bool reverse_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

} // namespace

rocks_reader::rocks_reader(rocks_database& database, moment shown)
  : database_{database}, snapshot_{shown == moment::now ? database.db->GetSnapshot() : nullptr} {}

rocks_reader::~rocks_reader() {
  if (snapshot_)
    database_.db->ReleaseSnapshot(snapshot_);
}

std::optional<std::string> rocks_reader::get(key_space space, std::string_view key) const {
  std::string value;
  auto status = database_.db->Get(read_options(snapshot_), database_.family(space), slice(key), &value);
  if (status.IsNotFound())
    return std::nullopt;
  check("cannot read a key", status);
  return value;
}

std::vector<std::optional<std::string>> rocks_reader::get_many(key_space space,
                                                               const std::vector<std::string>& keys) const {
  std::vector<std::optional<std::string>> result(keys.size());
  if (keys.empty())
    return result;
  std::vector<rocksdb::Slice> slices{keys.begin(), keys.end()};
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  database_.db->MultiGet(read_options(snapshot_), database_.family(space), keys.size(), slices.data(), values.data(),
                         statuses.data(), true);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound())
      continue;
    check("cannot read several keys", statuses[i]);
    result[i].emplace(values[i].data(), values[i].size());
  }
  return result;
}

std::unique_ptr<store_cursor> rocks_reader::scan(key_space space, std::string first, std::string last,
                                                 bool reverse) const {
  return std::make_unique<rocks_cursor>(*database_.db, snapshot_, database_.family(space), std::move(first),
                                        std::move(last), reverse);
}

} // namespace overwatch
