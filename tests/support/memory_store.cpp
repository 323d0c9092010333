#include "tests/support/memory_store.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <set>

namespace overwatch::test {

/// Every key with its versions, oldest first. A version is dropped once no cursor can see it.
struct memory_store::versioned {
  struct version {
    uint64_t number;
    std::optional<std::string> value; ///< none: erased
  };
  using space = std::map<std::string, std::vector<version>, std::less<>>;

  std::mutex mutex;
  std::array<space, 3> spaces;
  uint64_t newest = 0;
  std::multiset<uint64_t> viewed;                    ///< the version number of every cursor
  std::set<std::pair<key_space, std::string>> stale; ///< keys to be tidied when no cursor is left

  static const std::string* find(const std::vector<version>& versions, uint64_t number) {
    for (auto i = versions.rbegin(); i != versions.rend(); ++i)
      if (i->number <= number)
        return i->value ? &*i->value : nullptr;
    return nullptr;
  }

  space& at(key_space x) { return spaces[static_cast<size_t>(x)]; }

  const std::string* find(key_space x, std::string_view key) {
    auto i = at(x).find(key);
    return i == at(x).end() ? nullptr : find(i->second, newest);
  }

  void set(key_space x, const std::string& key, std::optional<std::string> value) {
    at(x)[key].push_back({newest, std::move(value)});
    stale.emplace(x, key);
  }

  void apply(const write_batch& batch) {
    ++newest;
    for (const auto& change : batch.changes) {
      if (change.what == write_batch::kind::put) {
        set(change.space, change.key, change.value);
      } else if (change.what == write_batch::kind::erase) {
        set(change.space, change.key, std::nullopt);
      } else if (change.key < change.value) {
        auto& keys = at(change.space);
        for (auto i = keys.lower_bound(change.key); i != keys.end() && i->first < change.value; ++i)
          set(change.space, i->first, std::nullopt);
      }
    }
    tidy();
  }

  void tidy() {
    if (!viewed.empty())
      return;
    for (const auto& [x, key] : stale) {
      auto i = at(x).find(key);
      if (!i->second.back().value)
        at(x).erase(i);
      else
        i->second.erase(i->second.begin(), std::prev(i->second.end()));
    }
    stale.clear();
  }
};

class memory_store::cursor final : public store_cursor {
public:
  cursor(std::shared_ptr<versioned> versions, key_space space, std::string first, std::string last, bool reverse)
    : versions_{std::move(versions)}, space_{space}, first_{std::move(first)}, last_{std::move(last)}, reverse_{
                                                                                                         reverse} {
    std::lock_guard guard{versions_->mutex};
    number_ = versions_->newest;
    versions_->viewed.insert(number_);
    if (reverse_)
      step_down(versions_->at(space_).lower_bound(last_));
    else
      step_up(versions_->at(space_).lower_bound(first_));
  }

  ~cursor() override {
    std::lock_guard guard{versions_->mutex};
    versions_->viewed.erase(versions_->viewed.find(number_));
    versions_->tidy();
  }

  bool valid() const override { return valid_; }
  std::string_view key() const override { return key_; }
  std::string_view value() const override { return value_; }

  void next() override {
    std::lock_guard guard{versions_->mutex};
    if (reverse_)
      step_down(versions_->at(space_).lower_bound(key_));
    else
      step_up(versions_->at(space_).upper_bound(key_));
  }

  void seek(std::string_view key) override {
    std::lock_guard guard{versions_->mutex};
    auto& keys = versions_->at(space_);
    if (reverse_)
      step_down(key < last_ ? keys.upper_bound(key) : keys.lower_bound(last_));
    else
      step_up(keys.lower_bound(std::max(key, std::string_view{first_})));
  }

private:
  using position = versioned::space::const_iterator;

  /// To the first visible key at or after `i`.
  void step_up(position i) {
    for (valid_ = false; i != versions_->at(space_).end() && i->first < last_; ++i)
      if (show(i))
        return;
  }

  /// To the last visible key before `i`.
  void step_down(position i) {
    for (valid_ = false; i != versions_->at(space_).begin();) {
      --i;
      if (i->first < first_ || i->first >= last_)
        return;
      if (show(i))
        return;
    }
  }

  bool show(position i) {
    const auto* value = versioned::find(i->second, number_);
    if (value == nullptr)
      return false;
    key_ = i->first;
    value_ = *value;
    return valid_ = true;
  }

  std::shared_ptr<versioned> versions_;
  key_space space_;
  std::string first_;
  std::string last_;
  bool reverse_;
  uint64_t number_ = 0;
  bool valid_ = false;
  std::string key_;
  std::string value_;
};

memory_store::memory_store() : versions_{std::make_shared<versioned>()} {}

memory_store::~memory_store() = default;

std::optional<std::string> memory_store::get(key_space space, std::string_view key) const {
  std::lock_guard counting{mutex_};
  ++calls_.gets;
  std::lock_guard reading{versions_->mutex};
  const auto* value = versions_->find(space, key);
  return value == nullptr ? std::nullopt : std::optional{*value};
}

std::vector<std::optional<std::string>> memory_store::get_many(key_space space,
                                                               const std::vector<std::string>& keys) const {
  std::lock_guard counting{mutex_};
  calls_.gets += keys.size();
  std::lock_guard reading{versions_->mutex};
  std::vector<std::optional<std::string>> result;
  for (const auto& key : keys) {
    const auto* value = versions_->find(space, key);
    result.push_back(value == nullptr ? std::nullopt : std::optional{*value});
  }
  return result;
}

std::unique_ptr<store_cursor> memory_store::scan(key_space space, std::string first, std::string last,
                                                 bool reverse) const {
  std::lock_guard counting{mutex_};
  ++calls_.scans;
  return std::make_unique<cursor>(versions_, space, std::move(first), std::move(last), reverse);
}

store::write_result memory_store::write(const write_batch& batch, bool sync) {
  std::lock_guard guard{mutex_};
  if (full_) {
    ++calls_.refused;
    return write_result::no_space;
  }
  ++calls_.writes;
  calls_.syncs += sync ? 1 : 0;
  calls_.changes += batch.changes.size();
  {
    std::lock_guard applying{versions_->mutex};
    versions_->apply(batch);
  }
  auto written = std::make_shared<const write_batch>(batch);
  auto is_state = [](const auto& change) { return change.space == key_space::state; };
  if (!std::all_of(batch.changes.begin(), batch.changes.end(), is_state))
    unsynced_.push_back(written);
  if (sync) {
    for (const auto& pending : unsynced_)
      apply(*pending, false, durable_);
    unsynced_.clear();
  }
  if (std::any_of(batch.changes.begin(), batch.changes.end(), is_state))
    uncheckpointed_.push_back(written);
  if (unsynced_.empty())
    lossless_ = uncheckpointed_.size();
  return write_result::done;
}

store::write_result memory_store::checkpoint() {
  std::lock_guard guard{mutex_};
  if (full_) {
    ++calls_.refused;
    return write_result::no_space;
  }
  ++calls_.checkpoints;
  // As in RocksDB, the state is not made durable before the log that it comes from.
  for (const auto& pending : unsynced_)
    apply(*pending, false, durable_);
  unsynced_.clear();
  for (const auto& pending : uncheckpointed_)
    apply(*pending, true, durable_);
  uncheckpointed_.clear();
  lossless_ = 0;
  return write_result::done;
}

uint64_t memory_store::free_bytes() const {
  std::lock_guard guard{mutex_};
  return full_ ? 0 : 1'000'000'000'000;
}

uint64_t memory_store::used_bytes() const {
  std::lock_guard reading{versions_->mutex};
  uint64_t result = 0;
  for (const auto& space : versions_->spaces)
    for (const auto& [key, versions] : space)
      for (const auto& version : versions)
        result += key.size() + (version.value ? version.value->size() : 0);
  return result;
}

std::unique_ptr<memory_store> memory_store::lose_unsynced(survival state, uint64_t seed) const {
  std::lock_guard guard{mutex_};
  size_t kept = state == survival::none ? 0 : lossless_;
  if (state == survival::some)
    kept = std::mt19937_64{seed}() % (lossless_ + 1);
  auto left = durable_;
  for (size_t i = 0; i < kept; ++i)
    apply(*uncheckpointed_[i], true, left);

  auto result = std::make_unique<memory_store>();
  write_batch found;
  for (auto space : {key_space::log, key_space::state, key_space::series})
    for (const auto& [key, value] : left[static_cast<size_t>(space)])
      found.put(space, key, value);
  result->versions_->apply(found);
  result->durable_ = std::move(left);
  return result;
}

void memory_store::fill_disk(bool full) {
  std::lock_guard guard{mutex_};
  full_ = full;
}

memory_store::counters memory_store::calls() const {
  std::lock_guard guard{mutex_};
  return calls_;
}

void memory_store::apply(const write_batch& batch, bool to_state, contents& to) {
  for (const auto& change : batch.changes) {
    if ((change.space == key_space::state) != to_state)
      continue;
    auto& space = to[static_cast<size_t>(change.space)];
    if (change.what == write_batch::kind::put)
      space[change.key] = change.value;
    else if (change.what == write_batch::kind::erase)
      space.erase(change.key);
    else if (change.key < change.value)
      space.erase(space.lower_bound(change.key), space.lower_bound(change.value));
  }
}

} // namespace overwatch::test
