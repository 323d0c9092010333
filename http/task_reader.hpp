#pragma once

#include "http/json_reader.hpp"
#include "messages/requests.hpp"

#include <optional>
#include <string_view>

namespace overwatch::http {

/// Reads a task as a client sends it. Every field is checked against `task_limits`; what is wrong goes to
/// `in.errors`. Nothing then, and when the value is no object. `now` becomes `created_at`, and is where
/// relative times start.
std::optional<submission> read_task(const input& in, timestamp now);

/// Parses and reads one task from text, with memory on the stack for the usual sizes. Exactly one of the three
/// is set: the task, `syntax`, or entries in `errors`.
std::optional<submission> parse_task(std::string_view text, timestamp now, std::optional<syntax_error>& syntax,
                                     error_list& errors);

} // namespace overwatch::http
