#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>

namespace overwatch {

/// How many attempts run at once on a node, over all its pools: each takes a place for every attempt that it begins.
/// Shares keep schedulers from sending more; this keeps the bound whatever was sent. Any thread may call; it is the one
/// thing that pools of a node share, because a message for every attempt would cost more than the attempt.
class running_limit {
public:
  explicit running_limit(uint32_t configured) : configured_{configured}, limit_{configured} {}

  /// A pool comes. `wake` is called, on any thread, when a place is kept for it after it was refused one.
  uint64_t join(std::function<void()> wake);

  /// It goes, and gives back all that it has.
  void leave(uint64_t member);

  /// False: none is free; the pool is woken in its turn.
  bool take(uint64_t member);
  void give_back(uint64_t member, uint32_t count);

  /// What was kept for it goes to others.
  void give_up_kept(uint64_t member);

  /// 0: the configured one. What runs above it goes on.
  void set_limit(uint32_t limit);
  uint32_t limit() const;

private:
  struct member {
    std::function<void()> wake;
    uint32_t taken = 0;
    uint32_t kept = 0; // for it, since it was woken
    bool waits = false;
  };

  void wake_next();

  mutable std::mutex mutex_;
  uint32_t configured_;
  uint32_t limit_;
  uint64_t taken_ = 0; // and kept
  uint64_t next_ = 1;
  std::map<uint64_t, member> members_;
  std::deque<uint64_t> waiting_;
};

} // namespace overwatch
