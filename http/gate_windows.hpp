#pragma once

#include "http/json_reader.hpp"
#include "messages/gate.hpp"

#include <string>
#include <vector>

namespace overwatch::http {

/// Reads the times in which a gate of kind window is open: `[{"days": ["mon-fri"], "from": "22:00", "to": "06:00"}]`.
/// `days` is a list (or a text with commas) of days and of ranges, which may go over Sunday; without it: every day.
void read_windows(const input& in, std::vector<time_window>& out);

/// The same, with each day by itself.
void append_windows(std::string& out, const std::vector<time_window>& windows);

} // namespace overwatch::http
