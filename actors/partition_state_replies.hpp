#pragma once

#include "actors/change.hpp"

#include <string>
#include <string_view>
#include <utility>

/// How the state machine answers commands. Only for its own source files.
namespace overwatch {

inline failure no_such_task(const task_id& id) {
  return {ec::not_found, "/id", "there is no task " + to_string(id)};
}

inline failure wrong_status(const task_id& id, task_status status, std::string_view wanted) {
  return {ec::conflict, "/status",
          "task " + to_string(id) + " is " + std::string{name_of(status)} + "; " + std::string{wanted}};
}

inline command_result refused(const task_id& id, failure error) {
  return {std::move(error), id, task_status::pending, false, 0};
}

inline command_result accepted(const task_id& id, task_status status, bool existing = false) {
  return {{}, id, status, existing, 0};
}

} // namespace overwatch
