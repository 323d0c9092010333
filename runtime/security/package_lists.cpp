#include "runtime/security/package_lists.hpp"

#include "runtime/security/lines.hpp"

#include <array>

namespace overwatch::security {

namespace {

constexpr const char* info = "/var/lib/dpkg/info";
constexpr size_t list_bytes = 64 * 1024 * 1024;

template <class Take>
void for_each_info(const tree& root, const std::string& below, std::string_view ending,
                   const std::function<void()>& tick, Take take) {
  auto directory = root.open_directory(below + info);
  for (const auto& name : root.list(below + info).names) {
    if (!ends_with(name, ending))
      continue;
    tick();
    take(read_at(directory.get(), name.c_str(), list_bytes).text);
  }
}

} // namespace

std::string merged_path(std::string_view path) {
  static constexpr std::array<std::string_view, 6> moved{"/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/"};
  for (auto front : moved)
    if (begins_with(path, front))
      return "/usr" + std::string{path};
  return std::string{path};
}

std::vector<std::string> parse_diversions(std::string_view text) {
  std::vector<std::string> result;
  size_t number = 0;
  for_each_line(text, [&](std::string_view line) {
    if (number++ % 3 == 1 && !line.empty())
      result.emplace_back(line);
  });
  return result;
}

bool strike_packaged(const tree& root, std::unordered_set<std::string>& paths, const std::function<void()>& tick,
                     const std::string& below) {
  if (!root.open_directory(below + info))
    return false;
  auto name_of = [&](const std::string& path) { return merged_path(std::string_view{path}.substr(below.size())); };
  std::unordered_set<std::string> left;
  for (const auto& path : paths)
    left.insert(name_of(path));
  for (const auto& path : parse_diversions(root.read(below + "/var/lib/dpkg/diversions", list_bytes).text))
    left.erase(merged_path(path));
  for_each_info(root, below, ".list", tick, [&](std::string_view text) {
    for_each_line(text, [&](std::string_view line) { left.erase(merged_path(line)); });
  });
  for (auto one = paths.begin(); one != paths.end();)
    one = left.count(name_of(*one)) > 0 ? std::next(one) : paths.erase(one);
  return true;
}

void for_each_package_digest(const tree& root,
                             const std::function<void(std::string_view path, std::string_view md5)>& take,
                             const std::function<void()>& tick) {
  constexpr size_t digest_size = 32;
  for_each_info(root, {}, ".md5sums", tick, [&](std::string_view text) {
    for_each_line(text, [&](std::string_view line) {
      if (line.size() > digest_size + 2)
        take(merged_path("/" + std::string{line.substr(digest_size + 2)}), line.substr(0, digest_size));
    });
  });
}

} // namespace overwatch::security
