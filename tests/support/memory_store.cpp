#include "tests/support/memory_store.hpp"

#include "actors/invariant.hpp"

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
  std::multiset<uint64_t> viewed;                    ///< the version number of every cursor and view
  std::set<std::pair<key_space, std::string>> stale; ///< keys to be tidied when none of them is left

  static const std::string* find(const std::vector<version>& versions, uint64_t number) {
    for (auto i = versions.rbegin(); i != versions.rend(); ++i)
      if (i->number <= number)
        return i->value ? &*i->value : nullptr;
    return nullptr;
  }

  space& at(key_space x) { return spaces[static_cast<size_t>(x)]; }

  const std::string* find(key_space x, std::string_view key, uint64_t number) {
    auto i = at(x).find(key);
    return i == at(x).end() ? nullptr : find(i->second, number);
  }

  std::vector<std::optional<std::string>> find_many(key_space x, const std::vector<std::string>& keys,
                                                    uint64_t number) {
    std::vector<std::optional<std::string>> result;
    for (const auto& key : keys) {
      const auto* value = find(x, key, number);
      result.push_back(value == nullptr ? std::nullopt : std::optional{*value});
    }
    return result;
  }

  uint64_t begin_view(std::optional<uint64_t> number) {
    return *viewed.insert(number.value_or(newest));
  }

  void end_view(uint64_t number) {
    viewed.erase(viewed.find(number));
    tidy();
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
  /// Shows version `number`; none: the newest.
  cursor(std::shared_ptr<versioned> versions, std::optional<uint64_t> number, key_space space, std::string first,
         std::string last, bool reverse)
    : versions_{std::move(versions)}, space_{space}, first_{std::move(first)}, last_{std::move(last)}, reverse_{
                                                                                                         reverse} {
    std::lock_guard guard{versions_->mutex};
    number_ = versions_->begin_view(number);
    if (reverse_)
      step_down(versions_->at(space_).lower_bound(last_));
    else
      step_up(versions_->at(space_).lower_bound(first_));
  }

  ~cursor() override {
    std::lock_guard guard{versions_->mutex};
    versions_->end_view(number_);
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

class memory_store::frozen final : public store_reader {
public:
  explicit frozen(std::shared_ptr<versioned> versions) : versions_{std::move(versions)} {
    std::lock_guard guard{versions_->mutex};
    number_ = versions_->begin_view(std::nullopt);
  }

  ~frozen() override {
    std::lock_guard guard{versions_->mutex};
    versions_->end_view(number_);
  }

  std::optional<std::string> get(key_space space, std::string_view key) const override {
    std::lock_guard guard{versions_->mutex};
    const auto* value = versions_->find(space, key, number_);
    return value == nullptr ? std::nullopt : std::optional{*value};
  }

  std::vector<std::optional<std::string>> get_many(key_space space,
                                                   const std::vector<std::string>& keys) const override {
    std::lock_guard guard{versions_->mutex};
    return versions_->find_many(space, keys, number_);
  }

  std::unique_ptr<store_cursor> scan(key_space space, std::string first, std::string last,
                                     bool reverse) const override {
    return std::make_unique<cursor>(versions_, number_, space, std::move(first), std::move(last), reverse);
  }

private:
  std::shared_ptr<versioned> versions_;
  uint64_t number_ = 0;
};

class memory_store::replacement final : public range_replacement {
public:
  replacement(memory_store& owner, std::vector<key_range> ranges) : owner_{owner} {
    for (auto& x : ranges)
      content_.erase_range(x.space, std::move(x.first), std::move(x.last));
    ranges_ = content_.changes.size();
    invariant(ranges_ > 0, "there is a range to replace");
  }

  store_result add(key_space space, std::string_view key, std::string_view value) override {
    invariant(!closed_ && is_next(space, key), "keys are added in their order and lie in a range");
    if (owner_.free_bytes() == 0)
      return store_result::no_space;
    content_.put(space, std::string{key}, std::string{value});
    return store_result::done;
  }

  store_result close() override {
    closed_ = true;
    return owner_.free_bytes() == 0 ? store_result::no_space : store_result::done;
  }

  store_result finish(const write_batch& with_it) override {
    invariant(closed_, "a replacement is closed before it is finished");
    auto all = content_;
    all.changes.insert(all.changes.end(), with_it.changes.begin(), with_it.changes.end());
    return owner_.write_durably(all);
  }

private:
  bool is_next(key_space space, std::string_view key) const {
    auto in_range = [&](const auto& x) { return x.space == space && x.key <= key && key < x.value; };
    auto first = content_.changes.begin();
    const auto& last = content_.changes.back();
    auto follows = content_.changes.size() == ranges_ || last.space < space || (last.space == space && last.key < key);
    return follows && std::any_of(first, first + static_cast<ptrdiff_t>(ranges_), in_range);
  }

  memory_store& owner_;
  write_batch content_; // the erasing of the ranges, then the new keys
  size_t ranges_ = 0;
  bool closed_ = false;
};

memory_store::memory_store() : versions_{std::make_shared<versioned>()} {}

memory_store::~memory_store() = default;

std::optional<std::string> memory_store::get(key_space space, std::string_view key) const {
  std::lock_guard counting{mutex_};
  ++calls_.gets;
  std::lock_guard reading{versions_->mutex};
  const auto* value = versions_->find(space, key, versions_->newest);
  return value == nullptr ? std::nullopt : std::optional{*value};
}

std::vector<std::optional<std::string>> memory_store::get_many(key_space space,
                                                               const std::vector<std::string>& keys) const {
  std::lock_guard counting{mutex_};
  calls_.gets += keys.size();
  std::lock_guard reading{versions_->mutex};
  return versions_->find_many(space, keys, versions_->newest);
}

std::unique_ptr<store_cursor> memory_store::scan(key_space space, std::string first, std::string last,
                                                 bool reverse) const {
  std::lock_guard counting{mutex_};
  ++calls_.scans;
  return std::make_unique<cursor>(versions_, std::nullopt, space, std::move(first), std::move(last), reverse);
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
  make_durable();
  return write_result::done;
}

void memory_store::make_durable() {
  // As in RocksDB, the state is not made durable before the log that it comes from.
  for (const auto& pending : unsynced_)
    apply(*pending, false, durable_);
  unsynced_.clear();
  for (const auto& pending : uncheckpointed_)
    apply(*pending, true, durable_);
  uncheckpointed_.clear();
  lossless_ = 0;
}

store_result memory_store::write_durably(const write_batch& batch) {
  std::lock_guard guard{mutex_};
  if (full_) {
    ++calls_.refused;
    return write_result::no_space;
  }
  ++calls_.replacements;
  {
    std::lock_guard applying{versions_->mutex};
    versions_->apply(batch);
  }
  make_durable();
  apply(batch, false, durable_);
  apply(batch, true, durable_);
  return write_result::done;
}

std::unique_ptr<store_reader> memory_store::view() const { return std::make_unique<frozen>(versions_); }

std::unique_ptr<range_replacement> memory_store::replace(std::vector<key_range> ranges) {
  return std::make_unique<replacement>(*this, std::move(ranges));
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
