#include "tests/tidy/source_tree.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

namespace overwatch::tidy {

namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// Folders that are not sources; `.git` is a file in a linked work tree.
bool is_skipped(std::string_view name) {
  constexpr std::array<std::string_view, 4> names{".git", ".build", ".cache", "node_modules"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

std::string source_file::folder() const {
  auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string{} : path.substr(0, slash);
}

bool is_cpp(const source_file& file) {
  return ends_with(file.path, ".cpp") || ends_with(file.path, ".hpp");
}

bool is_shell(const source_file& file) {
  if (ends_with(file.path, ".sh"))
    return true;
  if (file.lines.empty() || file.lines.front().rfind("#!", 0) != 0)
    return false;
  return ends_with(file.lines.front(), "sh");
}

bool is_below(std::string_view path, std::string_view folder) {
  return path == folder
         || (path.size() > folder.size() && path.substr(0, folder.size()) == folder && path[folder.size()] == '/');
}

source_file make_file(std::string path, std::string_view text) {
  source_file result{std::move(path), {}};
  while (!text.empty()) {
    auto end = text.find('\n');
    result.lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return result;
}

std::vector<source_file> read_tree(const fs::path& root) {
  std::vector<source_file> result;
  for (auto i = fs::recursive_directory_iterator{root}; i != fs::recursive_directory_iterator{}; ++i) {
    if (is_skipped(i->path().filename().string())) {
      i.disable_recursion_pending();
      continue;
    }
    if (!i->is_regular_file())
      continue;
    std::ifstream in{i->path(), std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    if (text.find('\0') == std::string::npos)
      result.push_back(make_file(fs::relative(i->path(), root).generic_string(), text));
  }
  std::sort(result.begin(), result.end(), [](const auto& x, const auto& y) { return x.path < y.path; });
  return result;
}

} // namespace overwatch::tidy
