#pragma once

#include "actors/state_transfer.hpp"

/// The bytes of a chunk: for each key its length and bytes, then those of its value. Damaged ones are told, never
/// trusted.
namespace overwatch {

void append_row(std::string& bytes, std::string_view key, std::string_view value);

/// Takes the next key and value off `bytes`; false when they are damaged. They point into the chunk.
[[nodiscard]] bool take_row(std::string_view& bytes, std::string_view& key, std::string_view& value);

/// Over all fields of a chunk but the checksum itself.
uint32_t checksum_of(const state_chunk& x);

/// The range of all state of a partition.
key_range state_of(partition_id partition);

/// The position in the value of `keys::meta`; nothing when it is damaged.
std::optional<uint64_t> position_of(std::string_view meta);

} // namespace overwatch
