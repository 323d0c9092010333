#include "runtime/handlers/procfs.hpp"

#include "runtime/handlers/owned_fd.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cerrno>
#include <memory>

namespace overwatch::procfs {

namespace {

constexpr size_t max_processes = 65'536;
constexpr size_t max_lines = 16'384; // of one file: devices, interfaces, mounts
constexpr uint64_t sector_bytes = 512; // the unit of /proc/diskstats on every device

template <class T>
bool to_number(std::string_view text, T& x) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  return error == std::errc{} && end == text.data() + text.size();
}

template <class T>
T number_or_zero(std::string_view text) {
  T x{};
  return to_number(text, x) ? x : T{};
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> result;
  for (size_t i = 0; i < line.size();) {
    auto begin = line.find_first_not_of(" \t\n", i);
    if (begin == std::string_view::npos)
      break;
    i = std::min(line.find_first_of(" \t\n", begin), line.size());
    result.push_back(line.substr(begin, i - begin));
  }
  return result;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> result;
  while (!text.empty() && result.size() < max_lines) {
    auto end = std::min(text.find('\n'), text.size());
    result.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// mountinfo writes blanks and backslashes as three octal digits.
std::string unescaped(std::string_view text) {
  auto octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && octal(text[i + 1]) && octal(text[i + 2]) && octal(text[i + 3])) {
      result.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
      i += 3;
    } else {
      result.push_back(text[i]);
    }
  }
  return result;
}

} // namespace

cpu_shares shares_between(const cpu_times& before, const cpu_times& after) {
  auto grown = [](uint64_t x, uint64_t y) { return y > x ? static_cast<double>(y - x) : 0.0; };
  cpu_shares result{grown(before.user, after.user),       grown(before.nice, after.nice),
                    grown(before.system, after.system),   grown(before.idle, after.idle),
                    grown(before.iowait, after.iowait),   grown(before.irq, after.irq),
                    grown(before.softirq, after.softirq), grown(before.steal, after.steal)};
  double* modes[] = {&result.user,   &result.nice, &result.system,  &result.idle,
                     &result.iowait, &result.irq,  &result.softirq, &result.steal};
  double total = 0;
  for (auto* mode : modes)
    total += *mode;
  if (total <= 0)
    return {};
  for (auto* mode : modes)
    *mode *= 100 / total;
  return result;
}

std::optional<system_stat> parse_stat(std::string_view text) {
  system_stat result;
  bool found = false;
  for (auto line : lines_of(text)) {
    auto words = words_of(line);
    if (words.size() < 2)
      continue;
    if (words[0] == "cpu" && words.size() >= 5) {
      auto& cpu = result.cpu;
      uint64_t* fields[] = {&cpu.user,   &cpu.nice, &cpu.system,  &cpu.idle,
                            &cpu.iowait, &cpu.irq,  &cpu.softirq, &cpu.steal};
      for (size_t i = 0; i < std::size(fields) && i + 1 < words.size(); ++i)
        *fields[i] = number_or_zero<uint64_t>(words[i + 1]);
      found = true;
    } else if (starts_with(words[0], "cpu") && words[0].size() > 3 && is_digit(words[0][3])) {
      ++result.cores;
    } else if (words[0] == "intr") {
      result.interrupts = number_or_zero<uint64_t>(words[1]);
    } else if (words[0] == "ctxt") {
      result.context_switches = number_or_zero<uint64_t>(words[1]);
    } else if (words[0] == "processes") {
      result.forks = number_or_zero<uint64_t>(words[1]);
    } else if (words[0] == "procs_running") {
      result.running = number_or_zero<uint32_t>(words[1]);
    } else if (words[0] == "procs_blocked") {
      result.blocked = number_or_zero<uint32_t>(words[1]);
    }
  }
  return found ? std::optional{result} : std::nullopt;
}

std::optional<load_average> parse_loadavg(std::string_view text) {
  auto words = words_of(text);
  load_average result;
  if (words.size() < 3 || !to_number(words[0], result.one) || !to_number(words[1], result.five)
      || !to_number(words[2], result.fifteen))
    return std::nullopt;
  return result;
}

std::optional<memory_info> parse_meminfo(std::string_view text) {
  memory_info result;
  auto kilobytes = [text](std::string_view key) { return parse_keyed(text, key); };
  auto total = kilobytes("MemTotal:");
  if (!total || *total == 0)
    return std::nullopt;
  result.total = *total * 1024;
  result.free = kilobytes("MemFree:").value_or(0) * 1024;
  // Kernels before 3.14 do not estimate what is available.
  auto available = kilobytes("MemAvailable:");
  auto cached = kilobytes("Buffers:").value_or(0) + kilobytes("Cached:").value_or(0);
  result.available = available ? *available * 1024 : result.free + cached * 1024;
  result.available = std::min(result.available, result.total);
  result.swap_total = kilobytes("SwapTotal:").value_or(0) * 1024;
  result.swap_free = std::min(kilobytes("SwapFree:").value_or(0) * 1024, result.swap_total);
  return result;
}

std::optional<double> parse_uptime(std::string_view text) {
  auto words = words_of(text);
  double seconds = 0;
  return !words.empty() && to_number(words[0], seconds) ? std::optional{seconds} : std::nullopt;
}

std::optional<pressure> parse_pressure(std::string_view text) {
  pressure result;
  bool found = false;
  for (auto line : lines_of(text)) {
    auto words = words_of(line);
    if (words.empty() || (words[0] != "some" && words[0] != "full"))
      continue;
    found = true;
    auto some = words[0] == "some";
    for (auto word : words) {
      if (starts_with(word, "avg10="))
        (some ? result.some_10s : result.full_10s) = number_or_zero<double>(word.substr(6));
      else if (starts_with(word, "avg60="))
        (some ? result.some_60s : result.full_60s) = number_or_zero<double>(word.substr(6));
    }
  }
  return found ? std::optional{result} : std::nullopt;
}

std::optional<page_faults> parse_vmstat(std::string_view text) {
  auto all = parse_keyed(text, "pgfault");
  if (!all)
    return std::nullopt;
  return page_faults{*all, parse_keyed(text, "pgmajfault").value_or(0)};
}

std::vector<disk_counters> parse_diskstats(std::string_view text) {
  std::vector<disk_counters> result;
  for (auto line : lines_of(text)) {
    auto words = words_of(line);
    if (words.size() < 14)
      continue; // partitions of kernels before 2.6.25 have fewer columns
    auto column = [&words](size_t i) { return number_or_zero<uint64_t>(words[i]); };
    result.push_back({std::string{words[2]}, column(3), column(5) * sector_bytes, column(6), column(7),
                      column(9) * sector_bytes, column(10), column(12)});
  }
  return result;
}

std::vector<network_counters> parse_net_dev(std::string_view text) {
  std::vector<network_counters> result;
  for (auto line : lines_of(text)) {
    auto colon = line.rfind(':'); // the name may hold colons, and may touch the first number
    if (colon == std::string_view::npos)
      continue;
    auto name = words_of(line.substr(0, colon));
    auto words = words_of(line.substr(colon + 1));
    if (name.size() != 1 || words.size() < 16)
      continue;
    auto column = [&words](size_t i) { return number_or_zero<uint64_t>(words[i]); };
    result.push_back({std::string{name[0]}, column(0), column(1), column(2), column(3), column(8), column(9),
                      column(10), column(11)});
  }
  return result;
}

std::optional<process_stat> parse_process_stat(std::string_view text) {
  // The name may hold blanks and parentheses: it ends at the last one.
  auto open = text.find('(');
  auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return std::nullopt;
  process_stat result;
  auto id = words_of(text.substr(0, open));
  auto words = words_of(text.substr(close + 1));
  if (id.size() != 1 || !to_number(id[0], result.pid) || words.size() < 22)
    return std::nullopt;
  result.name = text.substr(open + 1, close - open - 1);
  result.state = words[0][0];
  result.parent = number_or_zero<pid_t>(words[1]);
  result.group = number_or_zero<pid_t>(words[2]);
  result.session = number_or_zero<pid_t>(words[3]);
  result.cpu_ticks = number_or_zero<uint64_t>(words[11]) + number_or_zero<uint64_t>(words[12]);
  result.start_ticks = number_or_zero<uint64_t>(words[19]);
  result.resident_pages = number_or_zero<uint64_t>(words[21]);
  return result;
}

std::vector<mount> parse_mountinfo(std::string_view text) {
  std::vector<mount> result;
  for (auto line : lines_of(text)) {
    auto words = words_of(line);
    // A variable number of optional fields ends with a lone dash.
    auto fixed = static_cast<std::ptrdiff_t>(std::min<size_t>(words.size(), 6));
    auto dash = std::find(words.begin() + fixed, words.end(), "-");
    if (words.end() - dash < 3)
      continue;
    result.push_back({std::string{words[2]}, unescaped(words[3]), unescaped(words[4]), std::string{dash[1]},
                      unescaped(dash[2]), words.end() - dash > 3 ? std::string{dash[3]} : std::string{}});
  }
  return result;
}

std::optional<std::string> parse_cgroup_path(std::string_view text, std::string_view controller) {
  for (auto line : lines_of(text)) {
    auto first = line.find(':');
    auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos)
      continue;
    auto names = "," + std::string{line.substr(first + 1, second - first - 1)} + ",";
    if (controller.empty() ? names == ",," : names.find("," + std::string{controller} + ",") != std::string::npos)
      return std::string{line.substr(second + 1)};
  }
  return std::nullopt;
}

std::optional<double> parse_cpu_max(std::string_view text) {
  auto words = words_of(text);
  double quota = 0;
  double period = 100'000;
  if (words.empty() || !to_number(words[0], quota) || (words.size() > 1 && !to_number(words[1], period)))
    return std::nullopt;
  return quota > 0 && period > 0 ? std::optional{quota / period} : std::nullopt;
}

std::optional<uint64_t> parse_byte_limit(std::string_view text) {
  constexpr uint64_t no_limit = uint64_t{1} << 60; // version 1 says "none" with the largest multiple of a page
  auto words = words_of(text);
  uint64_t bytes = 0;
  if (words.empty() || !to_number(words[0], bytes) || bytes >= no_limit)
    return std::nullopt;
  return bytes;
}

std::optional<uint64_t> parse_keyed(std::string_view text, std::string_view key) {
  for (auto line : lines_of(text)) {
    if (!starts_with(line, key))
      continue;
    auto words = words_of(line);
    uint64_t x = 0;
    if (words.size() >= 2 && words[0] == key && to_number(words[1], x))
      return x;
  }
  return std::nullopt;
}

std::optional<std::string> read_file(const std::string& path, size_t limit) {
  owned_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file)
    return std::nullopt;
  std::string result;
  char chunk[16 * 1024];
  while (result.size() < limit) {
    auto n = ::read(file.get(), chunk, std::min(sizeof(chunk), limit - result.size()));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return std::nullopt;
    if (n == 0)
      break;
    result.append(chunk, static_cast<size_t>(n));
  }
  return result;
}

std::vector<pid_t> process_ids() {
  std::vector<pid_t> result;
  std::unique_ptr<DIR, int (*)(DIR*)> folder{::opendir("/proc"), ::closedir};
  if (!folder)
    return result;
  while (auto* entry = ::readdir(folder.get())) {
    pid_t pid = 0;
    if (to_number(std::string_view{entry->d_name}, pid) && result.size() < max_processes)
      result.push_back(pid);
  }
  return result;
}

std::optional<process_stat> read_process_stat(pid_t pid) {
  return read("/proc/" + std::to_string(pid) + "/stat", parse_process_stat);
}

} // namespace overwatch::procfs
