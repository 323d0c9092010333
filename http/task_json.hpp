#pragma once

#include "messages/event.hpp"
#include "messages/requests.hpp"
#include "messages/task.hpp"

#include <string>
#include <string_view>

/// The one place that decides what a task looks like in JSON.
namespace overwatch::http {

/// The text of an id; empty when it is nil.
std::string text_of(const task_id& id);

/// What a handler or a CAF program calls JSON. When it is not, it is shown as text: the answer stays JSON.
std::string checked_json(const std::string& text);

void append_ids(std::string& out, const std::vector<task_id>& ids);

/// Appends a task. Times are RFC 3339 in UTC, durations seconds; what is not set is null. `payload` and
/// `result` are JSON as text; `whole` false leaves both out (lists do not carry them).
void append_task(std::string& out, const task_spec& spec, const task_state& state, std::string_view payload,
                 std::string_view result, bool whole);

void append_task(std::string& out, const task_record& task, bool whole);

/// A task that was stored a moment ago, from what was sent and its receipt.
std::string submitted_task_json(const submission& task, const submit_receipt& receipt);

/// `data:` of one server-sent event; `cursor` is the position of a reader that has seen it.
void append_event(std::string& out, const event& x, std::string_view cursor);

/// One entry of a task's log.
void append_log_entry(std::string& out, const log_entry& entry);

} // namespace overwatch::http
