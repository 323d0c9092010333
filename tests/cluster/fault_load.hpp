#pragma once

#include "tests/cluster/history.hpp"
#include "tests/support/process/node_group.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace overwatch {

/// What a task's JSON says, for a history.
task_sight sight_of(const boost::json::object& task);

/// Clients that give a cluster work of all kinds through any node that is not frozen, read what they and others were
/// told, and write all of it into a history, until they are stopped. They want named commands `record` and `hold` on
/// every node.
class fault_load {
public:
  static constexpr unsigned clients = 6;

  /// Of a request; longer than the nodes try (`http.request-timeout` should be shorter).
  static constexpr std::chrono::seconds answer_limit{5};

  /// All three outlive it. `seed` decides what the clients do.
  fault_load(const support::node_group& nodes, history& all, unsigned seed);
  ~fault_load();

  /// Returns when the clients have ended.
  void stop();

  /// Submits that were acknowledged so far.
  uint64_t acknowledged() const;

  /// Waits for a submit that begins from now on to be acknowledged: how long that took, or nothing within `limit`.
  std::optional<std::chrono::milliseconds> time_to_acknowledge(std::chrono::seconds limit);

  /// Lets the clients go on for so long.
  void go_on(std::chrono::milliseconds duration);

  /// The first exception that ended a client; empty: none.
  std::string problem() const;

private:
  using clock = std::chrono::steady_clock;

  /// One thread; the others see of it only what goes into the history, and names of tasks and registers.
  class client;

  void acknowledge(clock::time_point begin, const std::string& id);
  std::string any_acknowledged(std::mt19937& random) const;
  void add_key(const std::string& key);
  std::string any_key(std::mt19937& random) const;

  const support::node_group& nodes_;
  history& history_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::vector<std::string> acknowledged_ids_;
  std::vector<std::string> keys_; ///< of registers
  clock::time_point newest_begin_; ///< of an acknowledged submit
  std::string problem_;
  std::vector<std::thread> threads_;
};

} // namespace overwatch
