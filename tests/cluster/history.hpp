#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace overwatch {

/// From the moment before a request was sent until the moment after its answer came, on one clock for all clients.
struct request_time {
  std::chrono::steady_clock::time_point begin;
  std::chrono::steady_clock::time_point end;
};

/// What a client knows of a change that it asked for.
enum class change_answer : uint8_t {
  acknowledged,
  refused, ///< it was told that nothing happened
  unknown, ///< no answer, or one that says so
};

/// How much a read promises.
enum class read_level : uint8_t {
  current, ///< nothing older than what was acknowledged before it began
  local,   ///< perhaps old
};

/// What somebody saw of a task.
struct task_sight {
  std::string id;
  std::string name; ///< chosen by the client: another one for every submit
  uint64_t attempt = 0;
  std::string outcome;  ///< all that belongs to it, as text; empty: it has not ended
  bool records = false; ///< each start of an attempt is recorded outside the nodes
};

/// Everything that clients did to a cluster and were told, and the judge of it: whether it can have come from a system
/// that keeps its promises. Any thread may add to it.
class history {
public:
  void submitted(const request_time& when, const std::string& name, change_answer answer, const std::string& id = {});
  void saw(const request_time& when, const task_sight& x, read_level level);
  void saw_none(const request_time& when, const std::string& id, read_level level);

  /// Registers: each has one writer, which writes 1, 2, 3 and so on, and nothing more after an answer that left open
  /// what happened, because that write may happen at any later time. 0 stands for a register that is not there.
  void wrote(const request_time& when, const std::string& key, uint64_t number, change_answer answer);
  void read(const request_time& when, const std::string& key, uint64_t number, read_level level);

  /// An attempt began, says its command.
  void started(const std::string& id, uint64_t attempt);

  /// What a node listed when all was over: everything ended, nothing under way.
  void listed(const std::string& node, std::vector<task_sight> tasks);

  /// Promises that were broken, a sentence each, at most `max_violations`: an acknowledged task that is not there or
  /// has not ended; a refused one that is; a submit that made two; an outcome that changed; a current read that is
  /// older than what was acknowledged or seen before; a value that nobody wrote; an attempt that began twice, or never.
  std::vector<std::string> violations() const;
  static constexpr size_t max_violations = 50;

  struct totals {
    size_t acknowledged = 0; ///< submits
    size_t refused = 0;
    size_t unknown = 0;
    size_t sights = 0; ///< reads of tasks, and answers that show one
    size_t registers_read = 0;
    size_t registers_written = 0; ///< acknowledged
    size_t starts = 0;
  };
  totals counts() const;

private:
  using moment = std::chrono::steady_clock::time_point;

  /// How far a task has come; it never goes back. Not there, then waiting or running by attempts, then ended.
  using progress = std::pair<int, uint64_t>;

  struct submit_record {
    change_answer answer = change_answer::unknown;
    std::string id;
  };
  struct sight_record {
    request_time when;
    read_level level = read_level::current;
    progress seen;
  };
  struct task_history {
    std::string name;
    bool acknowledged = false;
    std::vector<sight_record> sights;
    std::map<std::string, size_t> outcomes;
    std::map<uint64_t, size_t> starts; // by attempt
  };
  struct register_record {
    request_time when;
    uint64_t number = 0;
    bool is_write = false;
    bool certain = false; ///< acknowledged, or read at the current level
  };
  using findings = std::vector<std::string>;

  static progress progress_of(const task_sight& x);
  void note(const request_time& when, const task_sight& x, read_level level);
  void check_names(findings& out) const;
  void check_outcomes(findings& out) const;
  void check_order(findings& out) const;
  void check_starts(findings& out) const;
  void check_list(const std::string& node, const std::vector<task_sight>& tasks, findings& out) const;
  static void check_register(const std::string& key, const std::vector<register_record>& all, findings& out);

  mutable std::mutex mutex_;
  std::map<std::string, submit_record> submits_; // by name
  std::map<std::string, task_history> tasks_;    // by id
  std::map<std::string, std::vector<register_record>> registers_;
  std::vector<std::pair<std::string, std::vector<task_sight>>> lists_;
  totals counts_;
};

} // namespace overwatch
