#pragma once

#include <map>
#include <string>

namespace overwatch::test {

/// All that a restore has to put right, by path: kind, mode, owner, group, times, size, content, target, attributes,
/// and which other path is the same inode. Read with other code than the one under test.
using tree_image = std::map<std::string, std::string>;

/// Of everything at and below `path`; empty when nothing is there. Paths in it are relative to `path`.
tree_image image_of(const std::string& path);

/// What differs, a line each; empty when nothing does.
std::string difference(const tree_image& expected, const tree_image& actual);

/// Bytes of disk that a file takes.
uint64_t allocated_bytes(const std::string& path);

} // namespace overwatch::test
