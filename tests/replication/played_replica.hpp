#pragma once

#include "actors/replicated_log.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace overwatch {

/// A driver of a log whose disk is at once durable, unless it is told to wait.
struct played_replica {
  explicit played_replica(std::function<std::unique_ptr<replicated_log>()> make) : make_log{std::move(make)} {}

  std::function<std::unique_ptr<replicated_log>()> make_log;
  std::unique_ptr<replicated_log> log;

  // What is stored.
  log_hard_state hard_state;
  std::optional<log_snapshot> snapshot;
  std::map<uint64_t, log_append> entries;
  uint64_t applied = 0; ///< with the commands up to it

  std::vector<std::string> commands; ///< applied
  std::vector<log_message> sent;
  std::vector<uint64_t> waiting; ///< appends that are not reported as durable
  bool disk_waits = false;
  log_update last; ///< the newest update, without what was stored and sent

  void start(log_time now = log_time{0}) {
    log_start x;
    x.hard_state = hard_state;
    x.snapshot = snapshot;
    x.applied = applied;
    for (const auto& [index, entry] : entries)
      x.entries.push_back(entry);
    log = make_log();
    carry_out(log->start(now, x));
  }

  std::optional<uint64_t> propose(const std::string& bytes) {
    log_update update;
    auto index = log->propose(bytes, update);
    carry_out(std::move(update));
    return index;
  }

  void carry_out(log_update update) {
    if (update.hard_state)
      hard_state = *update.hard_state;
    if (update.cut_from > 0)
      entries.erase(entries.lower_bound(update.cut_from), entries.end());
    for (const auto& x : update.append)
      entries[x.index] = x;
    if (update.snapshot) {
      snapshot = update.snapshot;
      entries.erase(entries.begin(), entries.lower_bound(update.first_kept));
    }
    for (auto& x : update.messages)
      sent.push_back(std::move(x));
    while (applied < update.commit_index) {
      const auto& x = entries.at(++applied);
      if (x.kind == entry_kind::command)
        commands.push_back(x.bytes);
    }
    auto appended = update.append.empty() ? 0 : update.append.back().index;
    last = std::move(update);
    if (appended > 0)
      waiting.push_back(appended);
    if (!disk_waits)
      report_durable();
  }

  void report_durable() {
    auto indexes = std::exchange(waiting, {});
    for (auto index : indexes)
      carry_out(log->persisted(index));
  }
};

} // namespace overwatch
