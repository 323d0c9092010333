#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace overwatch {

/// The first keys of a sorted range of the store, in memory and bounded. New keys that lie behind its end
/// while the store has more than it shows are not kept: they come with a later page.
///
/// It may show a key that is gone from the store (one that was erased while a page was on its way), so
/// whoever acts on a key must be refused without harm.
template <class Key>
class window {
public:
  /// Shows at most `limit` keys. `complete`: the store has none now.
  window(size_t limit, bool complete) : limit_{limit}, more_{!complete} {}

  /// A key that the log entry at `index` added.
  void insert(const Key& key, uint64_t index) {
    if (more_ && (!end_ || *end_ < key)) {
      missed_at_ = index;
      if (loading_ && (!first_missed_ || key < *first_missed_))
        first_missed_ = key;
      return;
    }
    keys_.insert(key);
    if (keys_.size() > limit_) {
      keys_.erase(std::prev(keys_.end()));
      end_ = *keys_.rbegin();
      more_ = true;
      missed_at_ = index;
    }
  }

  void erase(const Key& key) { keys_.erase(key); }

  /// The keys after `page_start()`, as the store had them when `applied` was the newest entry in it.
  void add_page(const std::vector<Key>& keys, bool exhausted, uint64_t applied) {
    loading_ = false;
    auto first_missed = std::exchange(first_missed_, std::nullopt);
    if (!(end_ == loaded_after_))
      return; // the window was cut meanwhile: between its end and the page are keys that neither has
    auto last = keys.end();
    if (first_missed && missed_at_ > applied) // the page may lack it, so it is whole only up to there
      last = std::lower_bound(keys.begin(), keys.end(), *first_missed);
    keys_.insert(keys.begin(), last);
    if (last != keys.begin())
      end_ = *std::prev(last);
    if (exhausted && missed_at_ <= applied)
      more_ = false;
  }

  /// The page did not come.
  void page_failed() {
    loading_ = false;
    first_missed_.reset();
  }

  /// True when a page should be asked for; then it counts as asked for.
  bool wants_page() {
    if (!more_ || loading_ || keys_.size() > limit_ / 2)
      return false;
    loading_ = true;
    loaded_after_ = end_;
    return true;
  }

  /// Where the next page begins: behind the last key that was shown, also when that is gone. (To look from the
  /// start of the range again would cost a walk over everything that was erased there.)
  const std::optional<Key>& page_start() const { return end_; }
  size_t page_size() const { return limit_ - keys_.size(); }

  bool empty() const { return keys_.empty(); }
  size_t size() const { return keys_.size(); }
  const Key& front() const { return *keys_.begin(); }
  void pop_front() { keys_.erase(keys_.begin()); }
  const std::set<Key>& keys() const { return keys_; }

  /// True when the store may have keys that are not shown.
  bool incomplete() const { return more_; }

private:
  std::set<Key> keys_;
  std::optional<Key> end_; // while the store may have more: all its keys up to here were shown
  size_t limit_;
  bool more_; // the store may have keys behind the last one
  bool loading_ = false;
  std::optional<Key> loaded_after_; // where the page that is on its way begins
  std::optional<Key> first_missed_; // smallest key not kept since that page was asked for
  uint64_t missed_at_ = 0;          // log entry of the newest key not kept
};

} // namespace overwatch
