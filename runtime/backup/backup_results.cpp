#include "runtime/backup/backup_results.hpp"

#include "runtime/handlers/json_text.hpp"
#include "runtime/handlers/output_lines.hpp"

#include <cstdio>

namespace overwatch::backup {

namespace {

namespace json = boost::json;

constexpr size_t path_bytes = 4096;
constexpr size_t reason_bytes = 500;
constexpr size_t removed_shown = 100;

json::array texts(const std::vector<std::string>& all) {
  json::array result;
  for (const auto& x : all)
    result.emplace_back(printable_path(x));
  return result;
}

double seconds_between(timestamp from, timestamp to) {
  return rounded(std::chrono::duration<double>(to - from).count(), 3);
}

} // namespace

std::string printable_path(const std::string& path) { return valid_utf8(path, path_bytes); }

std::string size_text(uint64_t bytes) {
  auto size = static_cast<double>(bytes);
  const char* unit = "bytes";
  for (const auto* larger : {"kB", "MB", "GB", "TB"})
    if (size >= 1000) {
      size /= 1000;
      unit = larger;
    }
  char text[48];
  std::snprintf(text, sizeof(text), bytes < 1000 ? "%.0f %s" : "%.1f %s", size, unit);
  return text;
}

json::object to_json(const problem_list& x) {
  json::object result;
  for (size_t i = 0; i < problem_kind_names.size(); ++i)
    if (auto count = x.count(static_cast<problem_kind>(i)); count > 0)
      result[problem_kind_names[i]] = count;
  json::array first;
  for (const auto& one : x.first())
    first.push_back({{"kind", name_of(one.kind)},
                     {"path", printable_path(one.path)},
                     {"reason", valid_utf8(one.reason, reason_bytes)}});
  result["total"] = x.total();
  result["first"] = std::move(first);
  if (!x.report().empty())
    result["report"] = printable_path(x.report());
  return result;
}

json::object to_json(const prune_result& x) {
  std::vector<std::string> shown{x.removed.begin(),
                                 x.removed.begin() + static_cast<ptrdiff_t>(std::min(x.removed.size(), removed_shown))};
  return {{"removed_backups", x.removed.size()},
          {"removed", texts(shown)},
          {"kept_backups", x.kept},
          {"removed_packs", x.removed_packs},
          {"rewritten_packs", x.rewritten_packs},
          {"freed_bytes", x.freed_bytes},
          {"garbage_bytes", x.garbage_bytes}};
}

void add(json::object& result, const manifest& x) {
  const auto& c = x.counts;
  result["backup"] = x.id;
  result["host"] = x.host;
  result["sources"] = texts(x.sources);
  if (!x.excludes.empty())
    result["exclude"] = texts(x.excludes);
  result["started"] = iso_time(x.started);
  result["finished"] = iso_time(x.finished);
  result["duration_s"] = seconds_between(x.started, x.finished);
  result["files"] = c.files;
  result["directories"] = c.directories;
  result["others"] = c.others;
  result["bytes"] = c.bytes;
  result["unchanged_files"] = c.unchanged;
  result["read_bytes"] = c.read_bytes;
  result["new_chunks"] = c.new_chunks;
  result["new_bytes"] = c.new_bytes;
  result["stored_bytes"] = c.stored_bytes;
  result["unreadable"] = c.unreadable;
  result["vanished"] = c.vanished;
  result["changed"] = c.changed;
}

void add(json::object& result, const verify_counts& x) {
  result["whole"] = x.whole();
  result["packs"] = x.packs;
  result["chunks"] = x.chunks;
  result["bytes"] = x.bytes;
  result["backups"] = x.backups;
  result["files"] = x.files;
  result["damaged_chunks"] = x.damaged_chunks;
  result["damaged_files"] = x.damaged_files;
  result["damaged_packs"] = x.damaged_packs;
  result["damaged_backups"] = x.damaged_backups;
}

void add(json::object& result, const restore_counts& x) {
  result["files"] = x.files;
  result["directories"] = x.directories;
  result["others"] = x.others;
  result["bytes"] = x.bytes;
  result["already_there"] = x.there;
}

std::string summary_of(const manifest& x) {
  const auto& c = x.counts;
  std::string flaws;
  auto note = [&](uint64_t count, const char* what) {
    if (count > 0)
      flaws += (flaws.empty() ? " with " : ", ") + std::to_string(count) + " " + what;
  };
  note(c.unreadable, "unreadable");
  note(c.vanished, "vanished");
  note(c.changed, "changed while they were read");
  return "backup " + x.id + " completed" + flaws + ": " + std::to_string(c.files) + " files, " + size_text(c.bytes) +
         ", of which " + size_text(c.new_bytes) + " were new and take " + size_text(c.stored_bytes);
}

std::string summary_of(const verify_counts& x) {
  auto read = std::to_string(x.packs) + " packs, " + std::to_string(x.chunks) + " chunks, " + size_text(x.bytes) +
              " read; " + std::to_string(x.backups) + " backups, " + std::to_string(x.files) + " files checked";
  if (x.whole())
    return "whole: " + read;
  return "DAMAGED: " + std::to_string(x.damaged_chunks) + " chunks, " + std::to_string(x.damaged_files) + " files, " +
         std::to_string(x.damaged_packs) + " packs, " + std::to_string(x.damaged_backups) + " backups (" + read +
         "); verify with mend: true saves what is whole";
}

std::string summary_of(const restore_counts& x, const problem_list& problems) {
  auto result = "restored " + std::to_string(x.files) + " files, " + size_text(x.bytes) + ", " +
                std::to_string(x.directories) + " directories, " + std::to_string(x.others) + " others";
  if (x.there > 0)
    result += "; " + std::to_string(x.there) + " were there already";
  if (auto kept = problems.count(problem_kind::kept); kept > 0)
    result += "; " + std::to_string(kept) + " were not replaced (overwrite is not set)";
  if (auto failed = problems.count(problem_kind::damaged) + problems.count(problem_kind::failed); failed > 0)
    result += "; " + std::to_string(failed) + " FAILED";
  return result;
}

std::string summary_of(const prune_result& x, bool dry_run) {
  return std::string{dry_run ? "would remove " : "removed "} + std::to_string(x.removed.size()) + " backups and " +
         std::to_string(x.removed_packs) + " packs (" + std::to_string(x.rewritten_packs) +
         " of them written again), " + (dry_run ? "would free " : "freed ") + size_text(x.freed_bytes) + "; " +
         std::to_string(x.kept) + " backups are kept";
}

} // namespace overwatch::backup
