#pragma once

#include "actors/cancellation.hpp"
#include "actors/change.hpp"
#include "actors/file_snapshots.hpp"
#include "actors/rule_judge.hpp"
#include "messages/key_value.hpp"
#include "messages/task.hpp"

#include <caf/expected.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace overwatch {

/// How an attempt ended, as its handler says it.
struct outcome {
  violation kind = violation::none; ///< `none`: success
  std::string message;              ///< of a violation: a sentence
  std::string result;               ///< JSON as text, at most `task_limits::result_bytes`; may be empty
  bool retryable = true;            ///< false: the failure will not go away by itself, do not try again
  resource_usage usage;             ///< as far as the handler measured it

  static outcome completed(std::string result = {}) { return {violation::none, {}, std::move(result), true, {}}; }
  static outcome failed(std::string message, std::string result = {}) {
    return {violation::exception, std::move(message), std::move(result), true, {}};
  }
  static outcome failed_for_good(std::string message) {
    return {violation::exception, std::move(message), {}, false, {}};
  }
};

class attempt_context;

/// What a running handler has reported and its pool has not fetched yet. Thread-safe; bounded: the newest
/// `max_lines` lines and the newest progress are kept, older lines are counted as dropped.
class attempt_report {
public:
  static constexpr size_t max_lines = 100;

  struct content {
    bool has_progress = false;
    double percent = 0;
    std::string message;
    std::vector<log_entry> lines; ///< `sequence` is not set yet
    uint64_t dropped = 0;
    bool empty() const { return !has_progress && lines.empty() && dropped == 0; }
  };

  void progress(double percent, std::string message);
  void log(log_level level, std::string message, std::string data);
  content take();

private:
  std::mutex mutex_;
  content content_;
  size_t oldest_ = 0; // index of the oldest line once the ring is full
};

/// What a blocking handler may ask of the node that runs it. All calls block, for at most the node's request timeout,
/// and may come from any thread; an error is of category `ec`. Not for handlers that do not block.
class node_services {
public:
  virtual ~node_services() = default;

  /// Stores a task of its own whose origin is the running one.
  virtual caf::expected<submit_receipt> submit(const attempt_context& from, task_spec spec, std::string payload) = 0;

  /// The key-value space: see `messages/key_value.hpp`.
  virtual caf::expected<key_record> get_key(const std::string& key) = 0;
  virtual caf::expected<key_record> put_key(const std::string& key, std::string value,
                                            std::optional<uint64_t> expected = {}) = 0;
  virtual caf::expected<key_record> remove_key(const std::string& key, std::optional<uint64_t> expected = {}) = 0;

  /// By partition, a position of its log that everything which was acknowledged before the call is not behind. Asks the
  /// leaders, on whatever node they are; an error when one has no majority.
  virtual caf::expected<std::vector<uint64_t>> acknowledged() = 0;
};

/// What a handler gets: the task, and the ways to report and to learn that it shall stop. Lives as long as
/// the attempt. All members may be called from any thread of the handler's.
class attempt_context {
public:
  attempt_context(std::shared_ptr<const task_spec> spec, std::shared_ptr<const std::string> payload,
                  fencing_token fence, std::shared_ptr<cancellation> stop, std::shared_ptr<attempt_report> report,
                  std::vector<parent_result> parents = {}, std::shared_ptr<node_services> services = nullptr)
    : spec_{std::move(spec)}, payload_{std::move(payload)}, fence_{fence}, stop_{std::move(stop)},
      report_{std::move(report)}, parents_{std::move(parents)}, services_{std::move(services)} {}

  const task_spec& task() const { return *spec_; }

  /// A JSON object as text.
  const std::string& payload() const { return *payload_; }

  /// The tasks that this one depends on, with their results, in the order of `depends_on`.
  const std::vector<parent_result>& parents() const { return parents_; }

  /// The node that runs it. Throws std::logic_error where there is none (a handler that is called without a node).
  node_services& node() const {
    if (!services_)
      throw std::logic_error{"this attempt runs without a node"};
    return *services_;
  }

  /// Names the attempt for who reports its outcome from outside.
  const fencing_token& fence() const { return fence_; }

  /// Number of this start, from 1.
  uint32_t attempt() const { return fence_.attempt; }

  /// True when the handler shall stop now: cancelled, timed out, or the node stops. A handler that goes on
  /// for 10 s more loses its slot.
  bool stopping() const { return stop_->requested() != cancellation::cause::none; }
  cancellation::cause stop_cause() const { return stop_->requested(); }

  /// Sleeps; true when the handler shall stop.
  bool wait_for(milliseconds duration) const { return stop_->wait_for(duration); }

  /// Becomes readable when the handler shall stop.
  int stop_fd() const { return stop_->fd(); }

  /// 0 to 100 (clamped), with a text for people. Cheap; the newest one counts.
  void progress(double percent, std::string message = {}) const { report_->progress(percent, std::move(message)); }

  /// Adds a line to the task's log; `data` is JSON as text or empty.
  void log(log_level level, std::string message, std::string data = {}) const {
    report_->log(level, std::move(message), std::move(data));
  }

private:
  std::shared_ptr<const task_spec> spec_;
  std::shared_ptr<const std::string> payload_;
  fencing_token fence_;
  std::shared_ptr<cancellation> stop_;
  std::shared_ptr<attempt_report> report_;
  std::vector<parent_result> parents_;
  std::shared_ptr<node_services> services_;
};

/// Runs one attempt. A C++ exception that leaves it is an outcome of kind `exception`. Called from several
/// threads at once when its pool has several slots.
using handler_function = std::function<outcome(const attempt_context&)>;

struct handler_options {
  std::string description;  ///< one sentence for `GET /pools`
  bool blocking = true;     ///< false: returns within microseconds and may run on a scheduler thread
  uint32_t slots = 0;       ///< attempts at once; 0: as many as `max_concurrent_tasks`
  snapshot_hooks hooks{};   ///< capture and restore what is neither a key nor a file
};

/// The task types that this node serves, and the rules of a program that brings its own. Filled before the node starts;
/// read-only afterwards.
class handler_registry {
public:
  struct entry {
    handler_function run;
    handler_options options;
  };

  /// Registers a handler; one that is registered again replaces the first. `task_type` has 1 to 64
  /// characters of [a-z0-9_.-]; anything else throws std::invalid_argument.
  void add(std::string task_type, handler_function run, handler_options options = {});

  const std::map<std::string, entry>& entries() const { return entries_; }

  /// Registers a rule in C++: it is judged with the others, and can be switched off like those that ship.
  void add_rule(native_rule rule) { rules_.push_back(std::move(rule)); }
  const std::vector<native_rule>& rules() const { return rules_; }

private:
  std::map<std::string, entry> entries_;
  std::vector<native_rule> rules_;
};

/// True for text that may name a task type.
bool is_task_type(std::string_view text);

} // namespace overwatch
