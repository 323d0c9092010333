#pragma once

#include "runtime/snapshots/descriptor.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reading and writing whole things; what fails throws `backup_failed` with the path in its sentence.
namespace overwatch::backup {

using snapshots::descriptor;

void write_all(int fd, std::string_view bytes, const std::string& path);

/// Fills `bytes`; false when the file ends before.
bool read_exactly(int fd, char* bytes, size_t size, uint64_t offset, const std::string& path);

uint64_t size_of(int fd, const std::string& path);

/// Makes a file appear in `directory` with its whole content, durable; over one that is there. `aside` is where it is
/// written first, on the same file system.
void write_file_durably(int directory, const std::string& name, int aside, std::string_view bytes,
                        const std::string& path);

/// Nothing when it is not there.
std::optional<std::string> read_file(int directory, const std::string& name, const std::string& path);

/// Opens a directory below another one, after it was made (mode 0700) when it was missing.
descriptor make_directory(int parent, const std::string& name, const std::string& path);

/// Makes changes of names in a directory durable.
void sync_directory(int directory, const std::string& path);

/// Sorted.
std::vector<std::string> names_in(int directory, const std::string& path);

void append_u32(std::string& out, uint32_t x);
uint32_t read_u32(std::string_view bytes);

} // namespace overwatch::backup
