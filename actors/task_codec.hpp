#pragma once

#include "messages/task.hpp"

#include <string>
#include <string_view>

/// The stored form of tasks. A damaged record ends the process: its checksum was good, so it is a bug.
namespace overwatch {

/// The value of an `s` key: what was submitted, length-prefixed so that it may grow, then the payload.
std::string encode_spec(const task_spec& spec, std::string_view payload);
void decode_spec(std::string_view record, task_spec& spec, std::string* payload);

/// The value of a `t` key.
std::string encode_state(const task_state& state);
void decode_state(std::string_view record, task_state& state);

} // namespace overwatch
