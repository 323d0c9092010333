#include "runtime/cli/backup_view.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <ostream>

namespace overwatch::cli {

namespace {

namespace json = boost::json;

constexpr size_t problems_shown = 20;

std::string bytes_of(const json::value& value, std::string_view name) {
  return format_bytes(number_of(value, name).value_or(0));
}

std::string flaws_of(const json::value& backup) {
  std::string result;
  for (const char* name : {"unreadable", "vanished", "changed"})
    if (const auto count = count_of(backup, name); count > 0)
      result += (result.empty() ? "" : ", ") + std::to_string(count) + " " + name;
  return is_true(backup, "damaged") ? "damaged" : result;
}

std::string sources_of(const json::value& backup) {
  auto result = text_of(backup, "host") + ":";
  for (const auto& source : list_of(backup, "sources"))
    result += " " + text_of(source);
  return result;
}

void print_backups(const console& console, const json::value& result) {
  table rows{{{"BACKUP", false, true},
              {"STARTED (UTC)", false, true},
              {"TOOK", true, true},
              {"FILES", true, true},
              {"SIZE", true, true},
              {"STORED", true, true},
              {"SOURCES"},
              {"FLAWS"}}};
  for (const auto& backup : list_of(result, "backups"))
    rows.add({text_of(backup, "backup"),
              short_time(text_of(backup, "started")),
              is_true(backup, "damaged") ? "" : format_duration(number_of(backup, "duration_s").value_or(0)),
              text_of(backup, "files"),
              bytes_of(backup, "bytes"),
              bytes_of(backup, "stored_bytes"),
              sources_of(backup),
              {flaws_of(backup), is_true(backup, "damaged") ? colour::red : colour::yellow}});
  if (rows.empty())
    console.out << "no backups\n";
  else
    rows.print(console);
}

void print_entries(const console& console, const json::value& result) {
  table rows{{{"MODE", false, true},
              {"OWNER", true, true},
              {"GROUP", true, true},
              {"SIZE", true, true},
              {"MODIFIED (UTC)", false, true},
              {"KIND", false, true},
              {"PATH"}}};
  for (const auto& x : list_of(result, "entries"))
    rows.add({text_of(x, "mode"), text_of(x, "owner"), text_of(x, "group"), bytes_of(x, "size"),
              short_time(text_of(x, "modified")), text_of(x, "kind"), text_of(x, "path")});
  rows.print(console);
}

void add_counts(fact_list& facts, const json::value& result, const std::string& action) {
  const auto add = [&](const char* name, const char* field) {
    if (find_field(result, field) != nullptr)
      facts.add(name, format_count(count_of(result, field)));
  };
  const auto add_bytes = [&](const char* name, const char* field) {
    if (find_field(result, field) != nullptr)
      facts.add(name, bytes_of(result, field));
  };
  add("files", "files");
  add("unchanged files", "unchanged_files");
  add("directories", "directories");
  add("links and others", "others");
  add_bytes(action == "verify" ? "read" : "size", "bytes");
  add_bytes("read", "read_bytes");
  add_bytes("new content", "new_bytes");
  add_bytes("stored for it", "stored_bytes");
  add("there already", "already_there");
  add("packs", "packs");
  add("chunks", "chunks");
  add("backups", "backups");
  for (const char* what : {"chunks", "files", "packs", "backups"})
    if (const auto count = count_of(result, std::string{"damaged_"} + what); count > 0)
      facts.add(std::string{"damaged "} + what, format_count(count), colour::red);
  if (const auto* pruned = find_field(result, "pruned")) {
    facts.add("removed backups", format_count(count_of(*pruned, "removed_backups")));
    facts.add("kept backups", format_count(count_of(*pruned, "kept_backups")));
    facts.add("removed packs", format_count(count_of(*pruned, "removed_packs")));
    facts.add("freed", bytes_of(*pruned, "freed_bytes"));
  }
}

void print_problems(const console& console, const json::value& result) {
  const auto* problems = find_field(result, "problems");
  if (problems == nullptr)
    return;
  table rows{{{"PROBLEM", false, true}, {"PATH"}, {"REASON"}}};
  size_t shown = 0;
  for (const auto& x : list_of(*problems, "first")) {
    const auto kind = text_of(x, "kind");
    if (++shown <= problems_shown)
      rows.add({{kind, kind == "note"      ? colour::dim
                       : kind == "damaged" ? colour::red
                                           : colour::yellow},
                text_of(x, "path"),
                text_of(x, "reason")});
  }
  if (rows.empty())
    return;
  console.out << '\n';
  rows.print(console);
  const auto total = count_of(*problems, "total");
  const auto report = text_of(*problems, "report");
  if (total > std::min(shown, problems_shown))
    console.out << "and " << format_count(total - std::min(shown, problems_shown)) << " more"
                << (report.empty() ? "" : "; all of them: ") << printable(report) << '\n';
}

} // namespace

bool print_backup(const console& console, const json::value& result) {
  const auto action = text_of(result, "action");
  if (action.empty())
    return false;
  if (action == "list") {
    if (find_field(result, "entries") != nullptr)
      print_entries(console, result);
    else
      print_backups(console, result);
    console.out << printable(text_of(result, "summary")) << '\n';
  } else {
    fact_list facts;
    facts.add("result", text_of(result, "summary"),
              find_field(result, "whole") != nullptr && !is_true(result, "whole") ? colour::red : colour::plain);
    facts.add("repository", text_of(result, "destination"));
    facts.add("backup", text_of(result, "backup"));
    facts.add("target", text_of(result, "target"));
    add_counts(facts, result, action);
    facts.print(console);
  }
  print_problems(console, result);
  return true;
}

} // namespace overwatch::cli
