#pragma once

#include "actors/interfaces.hpp"
#include "actors/window.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace overwatch {

/// What an attempt takes of its node.
struct resource_demand {
  double cpu = 0; ///< share of the node
  double io = 0;
  uint64_t memory_mb = 0;
};

/// Where a queued task stands within its type and priority, and what a decision about it needs.
struct ready_key {
  uint64_t order = 0;
  task_id id;
  timestamp queued;       ///< since when it waits
  resource_demand demand;
  std::shared_ptr<const task_placement> where; ///< null: anywhere
};

inline bool operator<(const ready_key& x, const ready_key& y) {
  return x.order != y.order ? x.order < y.order : x.id < y.id;
}
inline bool operator==(const ready_key& x, const ready_key& y) { return x.order == y.order && x.id == y.id; }

ready_key ready_key_of(const task_spec& spec, const task_state& state);

/// Whether a task that is to run at `x` may run on this node.
bool allows(const task_placement& x, const std::string& node, const std::map<std::string, std::string>& labels);

/// One number for each priority.
using priority_counts = std::array<uint32_t, priority_names.size()>;

/// Which queued task of a type runs next: `critical` strictly first; below it, a task that waits rises by
/// one priority per `ageing_step` (0: never), up to `high`, and of two equal ones the older goes first. Within one
/// priority the order counts, which lets flows take turns (see `fair_clock.hpp`).
///
/// Tasks that ask for resources have queues of their own: while the first of them does not fit, one of the next
/// `lookahead` may, and it holds up none that asks for nothing.
class ready_queue {
public:
  struct options {
    size_t window = 4096; ///< tasks in memory per type and priority
    std::chrono::seconds ageing_step{60};
    size_t lookahead = 64;
  };

  struct candidate {
    priority importance = priority::normal;
    ready_key key;
    double rank = 0; ///< smaller runs first
    bool resources = false;
  };

  /// True when there is room for this demand now.
  using fits = std::function<bool(const ready_key&)>;

  explicit ready_queue(options opts) : options_{opts} {}

  void insert(const task_spec& spec, const task_state& state, uint64_t index);
  void erase(const task_spec& spec, uint64_t order);

  /// The task of this type that should run next, if any is in memory.
  std::optional<candidate> best(const std::string& task_type, timestamp now, const fits& has_room) const;

  /// The first of those that ask for a share of a node, whether it fits now or not, as far as `possible` says that it
  /// may.
  std::optional<candidate> first_with_demand(const std::string& task_type, timestamp now, const fits& possible) const;
  void pop(const std::string& task_type, const candidate& x);

  /// True when no task like this one waits, neither in memory nor in the store.
  bool idle(const task_spec& spec) const;

  /// Pages that should be read now; each is told once until `add_page` or `page_failed`.
  std::vector<ready_request> wanted_pages();
  void add_page(const ready_page& page);
  void page_failed(const ready_request& request);

  /// The store may have queued tasks of this type: said before the first change is inserted. All other
  /// types have none yet.
  void expect(const std::string& task_type);

  /// How many tasks of this type would run before this one; counts only what is in memory.
  uint64_t ahead_of(const task_spec& spec, const task_state& state, timestamp now) const;

  /// How many tasks of this type could start if slots were free, by the priority to which they have risen: at most
  /// `limit` of each. As many of those that ask for resources are looked at as when one is chosen.
  priority_counts waiting(const std::string& task_type, timestamp now, uint32_t limit, const fits& has_room) const;

  /// Task types that have a queue.
  std::vector<std::string> task_types() const;
  uint64_t size() const;

private:
  using windows = std::map<priority, window<ready_key>>;
  using lane = std::pair<std::string, bool>; // task type, asks for resources

  double rank(priority importance, timestamp queued, timestamp now) const;
  windows& queue_of(const lane& which, bool complete = true);
  void consider(std::optional<candidate>& best, candidate x) const;
  ready_key key_of(const task_spec& spec, const task_state& state);
  std::optional<ready_key> first_that_fits(const window<ready_key>& tasks, const fits& has_room) const;

  options options_;
  std::map<lane, windows> queues_;
  std::map<std::pair<std::string, std::map<std::string, std::string>>, std::shared_ptr<const task_placement>>
    placements_; // each once, so that pointers can be compared
};

} // namespace overwatch
