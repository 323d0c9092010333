#include "runtime/security/history.hpp"

#include "runtime/handlers/json_text.hpp"
#include "runtime/handlers/owned_fd.hpp"
#include "runtime/security/digest.hpp"
#include "runtime/security/lines.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace overwatch::security {

namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& path) { throw std::system_error{errno, std::generic_category(), path}; }

void write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    auto count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno != EINTR)
      fail(path);
    text.remove_prefix(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  }
}

} // namespace

scan_difference compare(const scan_memory& before, const scan_memory& now) {
  scan_difference result;
  auto comparable = [&](const std::string& check) {
    return before.checks.count(check) > 0 && now.checks.count(check) > 0;
  };
  for (const auto& [id, check] : now.found) {
    if (!comparable(check))
      continue;
    if (before.found.count(id) > 0)
      ++result.same;
    else
      result.appeared.push_back(id);
  }
  for (const auto& [id, check] : before.found)
    if (comparable(check) && now.found.count(id) == 0)
      result.gone.push_back(id);
  return result;
}

std::string to_json(const scan_memory& x) {
  json::array checks;
  for (const auto& one : x.checks)
    checks.emplace_back(one);
  json::object found;
  for (const auto& [id, check] : x.found)
    found[id] = check;
  return json::serialize(
    json::object{{"task", x.task}, {"time", x.time}, {"checks", std::move(checks)}, {"found", std::move(found)}});
}

std::optional<scan_memory> parse_memory(std::string_view text) {
  json::error_code error;
  auto value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object())
    return std::nullopt;
  scan_memory result;
  const auto& all = value.get_object();
  auto text_in = [&](const char* field) {
    const auto* x = all.if_contains(field);
    return x != nullptr && x->is_string() ? std::string{x->get_string()} : std::string{};
  };
  result.task = text_in("task");
  result.time = text_in("time");
  const auto* checks = all.if_contains("checks");
  const auto* found = all.if_contains("found");
  if (checks == nullptr || !checks->is_array() || found == nullptr || !found->is_object())
    return std::nullopt;
  for (const auto& one : checks->get_array())
    if (one.is_string())
      result.checks.emplace(one.get_string());
  for (const auto& [id, check] : found->get_object())
    if (check.is_string())
      result.found.emplace(id, check.get_string());
  return result;
}

std::string memory_file(const std::string& directory, const scan_options& options) {
  auto scope = options.root + (options.cross_file_systems ? "\ncross" : "");
  for (const auto* list : {&options.paths, &options.exclude, &options.baseline}) {
    scope += '\n';
    for (const auto& path : *list)
      scope += path + '\n';
  }
  return directory + "/last-" + digest_of(scope).substr(0, 16) + ".json";
}

void make_directory(const std::string& path) {
  std::error_code ignored; // mkdir below says what is wrong
  fs::create_directories(fs::path{path}.parent_path(), ignored);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    fail(path);
}

void write_file(const std::string& path, std::string_view text) {
  auto unfinished = path + ".new";
  owned_fd file{::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file)
    fail(unfinished);
  write_all(file.get(), text, unfinished);
  if (::fsync(file.get()) != 0 || ::rename(unfinished.c_str(), path.c_str()) != 0)
    fail(path);
}

void drop_old_reports(const std::string& directory, size_t most) {
  std::vector<std::string> reports;
  std::error_code error;
  for (fs::directory_iterator one{directory, error}, end; !error && one != end; one.increment(error))
    if (auto name = one->path().filename().string(); begins_with(name, "report-") && ends_with(name, ".json"))
      reports.push_back(name);
  std::sort(reports.begin(), reports.end(), std::greater<>{}); // their names begin with the time
  for (size_t i = most; i < reports.size(); ++i)
    ::unlink((directory + "/" + reports[i]).c_str());
}

} // namespace overwatch::security
