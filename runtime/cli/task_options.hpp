#pragma once

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

/// The options that describe a task: of `create-task`, and of the tasks that a schedule creates.
namespace overwatch::cli {

struct task_options {
  std::string name, description, type, priority, payload, subsystem, assigned_to, at, deadline, timeout, backoff;
  std::string unique_key, unique_for, on_closed_gate, on_dependency_failure, concurrency_key, rate, fairness_key;
  std::string cache, keep_snapshot, node;
  std::vector<std::string> tags, context, depends_on, gates, exclusive, snapshot_keys, snapshot_files, labels;
  std::optional<double> cpu, io;
  std::optional<uint32_t> memory_mb, concurrency_limit;
  uint32_t max_attempts = 1;
  bool cancel_on_gate_close = false;
};

/// The options that any task can have.
void add_task_options(CLI::App* command, task_options& options);

/// Those of a task that is created once: its times, parents and unique key.
void add_single_task_options(CLI::App* command, task_options& options);

/// The task as the API takes it. Only what was asked for is in it, so that the node's defaults hold.
boost::json::object task_of(const task_options& options, std::istream& standard_input);

} // namespace overwatch::cli
