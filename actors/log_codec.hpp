#pragma once

#include "actors/replicated_log.hpp"

/// The bytes of what a replicated log stores. Damaged bytes are told, never trusted.
namespace overwatch {

/// Of an entry, without its index. A command is its term and its bytes, as in the first release; the other kinds have
/// a zero before, which no term is.
std::string encode_entry(const log_append& x);

/// Fills all but the index.
[[nodiscard]] bool decode_entry(std::string_view bytes, log_append& x);

/// The bytes of an entry of kind `configuration`.
std::string encode_members(const std::vector<log_member>& members);

/// False also when a limit is broken or an id is there twice or is 0.
[[nodiscard]] bool decode_members(std::string_view bytes, std::vector<log_member>& members);

std::string encode_snapshot(const log_snapshot& x);
[[nodiscard]] bool decode_snapshot(std::string_view bytes, log_snapshot& x);

std::string encode_hard_state(const log_hard_state& x);
[[nodiscard]] bool decode_hard_state(std::string_view bytes, log_hard_state& x);

} // namespace overwatch
