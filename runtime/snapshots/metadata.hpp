#pragma once

#include "runtime/snapshots/descriptor.hpp"
#include "runtime/snapshots/manifest.hpp"

#include <sys/stat.h>

#include <functional>

namespace overwatch::snapshots {

/// Throws `trouble` when `stop` says so.
void check_stopped(const std::function<bool()>& stop);

file_time modified_of(const struct stat& st);
file_time changed_of(const struct stat& st);
captured_kind kind_of(const struct stat& st);

/// What stands at a name; nothing when there is nothing. Throws when that cannot be told.
std::optional<struct stat> look_at(int directory, const std::string& name, const std::string& path);

/// Kind, identity, sizes, times; neither attributes nor target.
void describe(const struct stat& st, saved_entry& x);

/// The extended attributes of an open file or directory: user, security, trusted, ACLs, as far as they may be read.
std::map<std::string, std::string> read_attributes(int fd, const std::string& path);

/// The target of a symbolic link.
std::string read_target(int directory, const std::string& name, const std::string& path);

/// Makes owner, mode, attributes and time of an open file or directory what they were; true when something differed.
/// An owner or attribute that this process may not set is an error only when it differs.
bool put_back(int fd, const file_metadata& x, const std::string& path);

/// The same for what is not opened: links, FIFOs, devices. They have no attributes.
bool put_back_unopened(int directory, const std::string& name, const file_metadata& x, const std::string& path);

/// Opens a file for reading without following a link or waiting for a FIFO.
descriptor open_file(int directory, const std::string& name);

/// The same, but the owner's own permissions are changed when they are in the way: the caller puts them right.
descriptor open_file_by_force(int directory, const std::string& name);
descriptor open_writable_directory(int directory, const std::string& name);

} // namespace overwatch::snapshots
