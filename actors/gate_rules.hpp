#pragma once

#include "messages/gate.hpp"

#include <caf/expected.hpp>

namespace overwatch {

/// What a gate shall be, and what it becomes by a request. Plain values: the gate_manager makes them durable.

/// What is wrong with a definition; the field is a JSON pointer below it, such as `/closes_while/metric`.
failure check_gate(const gate_definition& x);

/// The gate after the request: `present` with what is set, or a new one. A gate that begins to judge by itself is open
/// until it was judged, but for kind window. The same record as before when the request changes nothing and has no
/// reason.
caf::expected<gate_record> changed_gate(const gate_record* present, const set_gate_request& request, timestamp now);

/// Opens or closes it, with an entry in its history.
void switch_gate(gate_record& gate, bool open, std::string by, std::string reason, timestamp now);

inline constexpr size_t max_gate_name_bytes = 256;
inline constexpr size_t max_gate_reason_bytes = 1024;

} // namespace overwatch
