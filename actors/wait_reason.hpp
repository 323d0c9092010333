#pragma once

#include "messages/requests.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Why a task is parked: what it waits for, as text `word:name` in `task_state::waits_for`. The state machine parks
/// tasks under it and says when it is gone; the scheduler lets them try again then.
namespace overwatch::wait_reason {

inline constexpr std::string_view gate = "gate:";               ///< a closed gate
inline constexpr std::string_view concurrency = "concurrency:"; ///< a key whose limit is reached
inline constexpr std::string_view exclusive = "exclusive:";     ///< a name that another task holds
inline constexpr std::string_view rate = "rate:";               ///< a key that had enough starts
inline constexpr std::string_view snapshot = "snapshot:";       ///< a scope that overlaps with a running task's
inline constexpr std::string_view parents = "parents";          ///< unfinished tasks; not parked, the parents wake it

/// True when a task with this `waits_for` is parked: it waits for something named, and not for its parents.
inline bool parks(std::string_view reason) { return !reason.empty() && reason != parents; }

inline std::string make(std::string_view word, std::string_view name) {
  std::string result{word};
  result += name;
  return result;
}

inline bool is(std::string_view reason, std::string_view word) { return reason.substr(0, word.size()) == word; }

/// What stands behind the word.
inline std::string_view name_of(std::string_view reason, std::string_view word) { return reason.substr(word.size()); }

} // namespace overwatch::wait_reason
