#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace overwatch {

struct rocks_settings;

/// Looks for damage in the closed database at `path`, by reading only: no file is changed. Returns what is
/// wrong, as the part of a sentence that names the file where it is known.
///
/// Found are: damaged or missing CURRENT, manifest and SST files; damaged records of the write-ahead log; records
/// whose length is damaged so that RocksDB would take them and all that follows for a write that a crash cut off.
/// SST contents are read up to `checked_at_open_bytes`; damage beyond is found when it is read.
std::optional<std::string> find_damage(const rocks_settings& settings, const std::string& path);

/// SST files read and compared with their checksums at a start: those of `log` first, then the newest ones.
inline constexpr uint64_t checked_at_open_bytes = 512 * 1024 * 1024;

/// True when the last block of a file in RocksDB's log format (write-ahead log, manifest) ends with a record that
/// is damaged rather than cut off: intact bytes follow where a cut-off write has none.
bool has_damaged_tail(const std::string& block);

} // namespace overwatch
