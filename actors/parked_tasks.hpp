#pragma once

#include "actors/interfaces.hpp"
#include "actors/window.hpp"

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace overwatch {

/// Which parked tasks may try again. For each reason it has a window over those that wait, and how many of them are to
/// be let go: all for a gate that opened, one for a name that became free.
class parked_tasks {
public:
  using place = std::pair<uint64_t, task_id>; ///< rank and id

  static constexpr uint32_t all = UINT32_MAX;

  /// The store has tasks that wait for this: said before anything else about it.
  void expect(const std::string& reason);

  /// A task was parked by the log entry at `index`: so the reason holds, and nobody else is let go.
  void insert(const std::string& reason, const place& task, uint64_t index);
  void erase(const std::string& reason, const place& task);

  /// The reason holds no more: lets `count` tasks go, or all.
  void release(const std::string& reason, uint32_t count);

  /// A parked task has another place; says nothing about the reason.
  void move(const std::string& reason, const place& task, uint64_t index);

  /// Tasks that are let go now, with their reasons, at most `limit`. Those whose places are in the store only follow
  /// once their page came.
  std::vector<std::pair<task_id, std::string>> take(size_t limit);

  std::vector<parked_request> wanted_pages();
  void add_page(const parked_page& page);
  void page_failed(const std::string& reason);

  bool waits_for(const std::string& reason) const { return queues_.count(reason) > 0; }
  size_t reasons() const { return queues_.size(); }

private:
  struct queue {
    window<place> tasks;
    uint32_t wanted = 0;
  };

  queue& queue_of(const std::string& reason, bool complete);
  void drop_when_done(const std::string& reason);

  std::unordered_map<std::string, queue> queues_;
  std::vector<std::string> active_; // reasons with tasks to let go; may hold one several times
};

} // namespace overwatch
