#pragma once

#include "actors/store.hpp"
#include "messages/task.hpp"

#include <string>
#include <string_view>

/// The stored form of tasks. A damaged record ends the process: its checksum was good, so it is a bug.
namespace overwatch {

/// The value of an `s` key: what was submitted, length-prefixed so that it may grow, then the payload.
std::string encode_spec(const task_spec& spec, std::string_view payload);
void decode_spec(std::string_view record, task_spec& spec, std::string* payload);

/// The value of a `t` key: the state, length-prefixed; `encode_task` adds what an `s` key would have.
std::string encode_state(const task_state& state);
std::string encode_task(const task_state& state, const task_spec& spec, std::string_view payload);

/// Returns the `s` record that came with it, or nothing.
std::string_view decode_state(std::string_view record, task_state& state);

/// A whole task from the store; false when it is not there. `payload` may be null.
bool read_task(const store_reader& db, const task_id& id, task_spec& spec, task_state& state, std::string* payload);

} // namespace overwatch
