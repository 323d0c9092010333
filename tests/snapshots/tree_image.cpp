#include "tests/snapshots/tree_image.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace overwatch::test {

namespace {

using links = std::map<std::pair<dev_t, ino_t>, std::string>;

std::string attributes_of(const std::string& path) {
  char names[4096];
  auto size = ::llistxattr(path.c_str(), names, sizeof(names));
  std::map<std::string, std::string> sorted;
  for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(std::string{names + at}.size()) + 1) {
    char value[4096];
    auto length = ::lgetxattr(path.c_str(), names + at, value, sizeof(value));
    sorted[names + at] = std::string{value, length > 0 ? static_cast<size_t>(length) : 0};
  }
  std::string result;
  for (const auto& [name, value] : sorted)
    result += " " + name + "=" + value;
  return result;
}

std::string content_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::string bytes{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
  return std::to_string(std::hash<std::string>{}(bytes)) + " '" + bytes.substr(0, 16) + "'";
}

void read(const std::string& path, const std::string& relative, links& seen, tree_image& out) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0)
    return;
  std::ostringstream line;
  line << std::oct << st.st_mode << std::dec << " " << st.st_uid << ":" << st.st_gid << " modified "
       << st.st_mtim.tv_sec << "." << st.st_mtim.tv_nsec << attributes_of(path);
  if (!S_ISDIR(st.st_mode)) {
    line << " links " << st.st_nlink << " same as " << seen.try_emplace({st.st_dev, st.st_ino}, relative).first->second;
    line << " size " << st.st_size << " device " << st.st_rdev;
  }
  if (S_ISREG(st.st_mode))
    line << " content " << content_of(path);
  if (S_ISLNK(st.st_mode)) {
    char target[4096];
    auto size = ::readlink(path.c_str(), target, sizeof(target));
    line << " to " << std::string{target, size > 0 ? static_cast<size_t>(size) : 0};
  }
  out[relative] = line.str();
  if (!S_ISDIR(st.st_mode))
    return;
  std::map<std::string, bool> names; // sorted: the first of several links is always the same
  auto* directory = ::opendir(path.c_str());
  while (auto* entry = directory ? ::readdir(directory) : nullptr)
    names[entry->d_name] = true;
  if (directory)
    ::closedir(directory);
  for (const auto& [name, ignored] : names)
    if (name != "." && name != "..")
      read(path + "/" + name, relative + "/" + name, seen, out);
}

} // namespace

tree_image image_of(const std::string& path) {
  tree_image result;
  links seen;
  read(path, "", seen, result);
  return result;
}

std::string difference(const tree_image& expected, const tree_image& actual) {
  std::string result;
  for (const auto& [path, line] : expected) {
    auto found = actual.find(path);
    if (found == actual.end())
      result += "missing: " + path + "\n";
    else if (found->second != line)
      result += "differs: " + path + "\n  was " + line + "\n  is  " + found->second + "\n";
  }
  for (const auto& [path, line] : actual)
    if (expected.count(path) == 0)
      result += "appeared: " + path + "\n";
  return result;
}

uint64_t allocated_bytes(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 ? static_cast<uint64_t>(st.st_blocks) * 512 : 0;
}

} // namespace overwatch::test
