#pragma once

#include "http/json_reader.hpp"
#include "messages/requests.hpp"
#include "messages/workflow.hpp"

#include <optional>
#include <string_view>

namespace overwatch::http {

/// Reads a task as a client sends it. Every field is checked against `task_limits`; what is wrong goes to
/// `in.errors`. Nothing then, and when the value is no object. `now` becomes `created_at`, and is where
/// relative times start.
std::optional<submission> read_task(const input& in, timestamp now);

/// Reads the task that a schedule makes at each slot: without the fields that are set per slot. Its deadline is as far
/// from `created_at` as that of each task will be.
std::optional<submission> read_template(const input& in, timestamp now);

/// Reads one task of a workflow. Its `name` is its name in the graph too, and `depends_on` has such names; whether they
/// fit together is for `check_graph`.
std::optional<workflow_task> read_workflow_task(const input& in, timestamp now);

/// A UUID of version 7, as ids of tasks and workflows are.
void read_id(const input& in, task_id& out);

/// A name, or its number from 0, the most urgent.
bool read_priority(const input& in, priority& out);

/// Parses and reads one task from text, with memory on the stack for the usual sizes. Exactly one of the three
/// is set: the task, `syntax`, or entries in `errors`.
std::optional<submission> parse_task(std::string_view text, timestamp now, std::optional<syntax_error>& syntax,
                                     error_list& errors);

} // namespace overwatch::http
