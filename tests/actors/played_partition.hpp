#pragma once

#include "actors/partition_state.hpp"
#include "messages/codec.hpp"
#include "messages/key_value.hpp"
#include "tests/support/memory_store.hpp"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace overwatch::test {

inline const timestamp beginning{std::chrono::seconds{1'700'000'000}};

inline task_id id_of(uint64_t n, partition_id partition = 0) {
  return {n << 16 | 0x7000, 0x8000000000000000ULL | static_cast<uint64_t>(partition) << 46};
}

using spec_change = std::function<void(task_spec&)>;

inline submission task(uint64_t n, const spec_change& change = {}) {
  auto spec = std::make_shared<task_spec>();
  spec->id = id_of(n);
  spec->name = "task " + std::to_string(n);
  spec->task_type = "noop";
  spec->created_at = beginning;
  if (change)
    change(*spec);
  return {std::move(spec), std::make_shared<const std::string>("{\"n\":" + std::to_string(n) + "}")};
}

inline submit_command submit(uint64_t n, const spec_change& change = {}) { return {task(n, change), true}; }

inline put_command gate(const std::string& name, bool open, gate_kind kind = gate_kind::manual) {
  gate_record record;
  record.name = name;
  record.open = open;
  record.definition.kind = kind;
  return {document_kind::gate, name, encode(record), {}};
}

inline put_command key(const std::string& name, std::optional<std::string> value,
                       std::optional<uint64_t> expected = {}) {
  return {document_kind::key, name, std::move(value), expected};
}

/// The state of a partition over a store in memory, driven command by command.
class played_partition {
public:
  explicit played_partition(partition_id partition = 0, uint32_t partitions = 1)
    : partition_{partition}, partitions_{partitions} {
    start_again();
  }

  applied_entry apply(std::vector<command> commands) {
    command_batch batch{time, std::move(commands)};
    since_flush_.push_back(batch);
    return state->apply(batch, state->applied() + 1);
  }
  command_result result(command x) { return apply({std::move(x)}).results.at(0); }
  ec code(command x) { return result(std::move(x)).error.code; }

  applied_entry start(uint64_t n) { return apply({start_command{id_of(n), "here", "noop"}}); }
  bool starts(uint64_t n) { return !start(n).results.at(0).error; }

  finish_command outcome(uint64_t n, violation kind = violation::none, std::optional<timestamp> retry_at = {}) const {
    finish_command x;
    x.id = id_of(n);
    x.fence = task(n).fence;
    x.kind = kind;
    x.retry_at = retry_at;
    return x;
  }
  applied_entry finish(uint64_t n, violation kind = violation::none, std::optional<timestamp> retry_at = {}) {
    return apply({outcome(n, kind, retry_at)});
  }

  task_state task(uint64_t n) const { return state->find(id_of(n)).value().state; }
  task_status status(uint64_t n) const { return task(n).status; }
  std::string waits_for(uint64_t n) const { return task(n).waits_for; }

  /// The users' key, or nothing.
  std::optional<std::string> value(const std::string& name) const {
    const auto* row = state->documents().find(document_kind::key, name);
    return row ? std::optional{*row->value} : std::nullopt;
  }

  void flush() {
    write_batch batch;
    auto number = state->flush(batch);
    db.write(batch, false);
    db.checkpoint();
    state->flushed(number);
    since_flush_.clear();
  }

  /// The process dies: what was not flushed is applied again.
  void crash() {
    start_again();
    for (const auto& batch : since_flush_)
      state->apply(batch, state->applied() + 1);
  }

  /// Of all that replicas must agree on.
  uint64_t digest() {
    flush();
    return state->digest();
  }

  uint64_t stored_keys() const {
    uint64_t count = 0;
    for (auto i = db.scan(key_space::state, "", "\xff"); i->valid(); i->next())
      ++count;
    return count;
  }

  memory_store db;
  std::unique_ptr<partition_state> state;
  timestamp time = beginning;

private:
  void start_again() { state = std::make_unique<partition_state>(db, partition_, partitions_); }

  partition_id partition_;
  uint32_t partitions_;

  std::vector<command_batch> since_flush_;
};

} // namespace overwatch::test
