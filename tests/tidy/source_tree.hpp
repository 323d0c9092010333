#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::tidy {

/// One text file of the tree.
struct source_file {
  std::string path;               ///< relative to the top of the tree, with `/`
  std::vector<std::string> lines; ///< without line ends

  /// The folder it is in; empty at the top.
  std::string folder() const;
};

/// True for C++ sources and headers.
bool is_cpp(const source_file& file);

/// True for shell scripts: by name, or by their first line.
bool is_shell(const source_file& file);

/// True when `path` is `folder` or below it.
bool is_below(std::string_view path, std::string_view folder);

/// Makes a file of `text`.
source_file make_file(std::string path, std::string_view text);

/// Every text file below `root`, sorted by path. Build and version-control folders and binary files (those
/// with a zero byte) are left out.
std::vector<source_file> read_tree(const std::filesystem::path& root);

} // namespace overwatch::tidy
