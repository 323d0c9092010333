#pragma once

#include "tests/simulation/virtual_time.hpp"

#include <deque>
#include <functional>
#include <memory>

namespace overwatch::simulation {

/// A disk that holds a value. Writes happen one after the other and take time. A crash loses those that no sync made
/// durable, but for a beginning of them, as chance will have it: the disk's cache may have been written.
template <class Contents>
class disk {
public:
  using change = std::function<void(Contents&)>;

  disk(virtual_time& time, chance& random) : time_{time}, random_{random} {}

  milliseconds latency{5}; ///< of a write: up to this
  bool ignores_sync = false; ///< says that it did, and did not: what the tests must notice

  /// `done` is called when it is visible (and durable with `sync`), unless the node crashes before.
  void write(bool sync, change what, std::function<void()> done) {
    auto when = std::max(time_.now(), busy_until_) + random_.between(milliseconds{0}, latency);
    busy_until_ = when;
    under_way_.push_back({sync, std::move(what), std::move(done)});
    time_.at(when, [this, life = life_] {
      if (life == life_)
        finish();
    });
  }

  void crash() {
    ++life_;
    busy_until_ = time_.now();
    auto survive = random_.number(0, unsynced_.size() + under_way_.size());
    for (const auto& x : under_way_)
      unsynced_.push_back(x.what);
    for (uint64_t i = 0; i < survive; ++i)
      unsynced_[i](durable_);
    unsynced_.clear();
    under_way_.clear();
    visible_ = durable_;
  }

  /// What a read finds.
  const Contents& contents() const { return visible_; }

private:
  struct operation {
    bool sync;
    change what;
    std::function<void()> done;
  };

  void finish() {
    auto x = std::move(under_way_.front());
    under_way_.pop_front();
    x.what(visible_);
    unsynced_.push_back(x.what);
    if (x.sync && !ignores_sync) {
      for (const auto& unsynced : unsynced_)
        unsynced(durable_);
      unsynced_.clear();
    }
    if (x.done)
      x.done();
  }

  virtual_time& time_;
  chance& random_;
  Contents durable_;
  Contents visible_;
  std::deque<change> unsynced_;      ///< visible, not durable
  std::deque<operation> under_way_;
  milliseconds busy_until_{0};
  uint64_t life_ = 0;
};

} // namespace overwatch::simulation
