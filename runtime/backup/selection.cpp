#include "runtime/backup/selection.hpp"

#include "runtime/backup/entry.hpp"
#include "runtime/snapshots/places.hpp"

#include <fnmatch.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace overwatch::backup {

namespace {

std::vector<std::string> expand(const std::string& pattern) {
  glob_t found{};
  std::unique_ptr<glob_t, decltype(&::globfree)> guard{&found, &::globfree};
  std::vector<std::string> result;
  if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0)
    result.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  return result;
}

bool exists(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0;
}

} // namespace

bool is_glob(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

std::string resolved_parent(const std::string& path) {
  auto plain = path;
  while (plain.size() > 1 && plain.back() == '/')
    plain.pop_back();
  if (plain == "/")
    return plain;
  auto parent = snapshots::directory_of(plain);
  std::unique_ptr<char, decltype(&std::free)> resolved{::realpath(parent.c_str(), nullptr), &std::free};
  if (!resolved)
    return {};
  std::string directory = resolved.get();
  return (directory == "/" ? "" : directory) + "/" + snapshots::name_of(plain);
}

source_list resolve_sources(const std::vector<std::string>& given) {
  source_list result;
  std::vector<std::string> all;
  for (const auto& text : given) {
    // A path that exists is meant as it stands, whatever characters it has.
    auto found = is_glob(text) && !exists(text) ? expand(text) : std::vector<std::string>{text};
    auto any = false;
    for (const auto& path : found) {
      auto resolved = resolved_parent(path);
      if (resolved.empty() || !exists(resolved))
        continue;
      all.push_back(resolved);
      any = true;
    }
    if (!any)
      result.missing.push_back(text);
  }
  std::sort(all.begin(), all.end(), goes_before);
  for (auto& path : all) // what is inside another one stands behind it
    if (result.paths.empty() || !snapshots::is_within(path, result.paths.back()))
      result.paths.push_back(std::move(path));
  return result;
}

pattern_list::pattern_list(const std::vector<std::string>& patterns) {
  for (const auto& given : patterns) {
    pattern x;
    x.text = given;
    x.directories_only = x.text.size() > 1 && x.text.back() == '/';
    if (x.directories_only)
      x.text.pop_back();
    x.whole_path = x.text.find('/') != std::string::npos;
    x.over_slashes = x.text.find("**") != std::string::npos;
    if (x.whole_path && x.text.front() != '/') { // below any directory
      x.text = "**/" + x.text;
      x.over_slashes = true;
    }
    patterns_.push_back(std::move(x));
  }
}

bool pattern_list::matches(const std::string& path, const std::string& name, bool is_directory) const {
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const pattern& x) {
    if (x.directories_only && !is_directory)
      return false;
    if (!x.whole_path)
      return ::fnmatch(x.text.c_str(), name.c_str(), 0) == 0;
    return ::fnmatch(x.text.c_str(), path.c_str(), x.over_slashes ? 0 : FNM_PATHNAME) == 0;
  });
}

bool pattern_list::matches_at_or_above(const std::string& path) const {
  auto at = path;
  for (auto below = false; at.size() > 1; below = true, at = snapshots::directory_of(at))
    if (matches(at, snapshots::name_of(at), below))
      return true;
  return false;
}

} // namespace overwatch::backup
