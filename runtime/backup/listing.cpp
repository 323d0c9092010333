#include "runtime/backup/listing.hpp"

#include "runtime/backup/backup_results.hpp"
#include "runtime/backup/chunk_table.hpp"
#include "runtime/backup/selection.hpp"
#include "runtime/backup/tree_stream.hpp"
#include "runtime/handlers/json_text.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>

namespace overwatch::backup {

namespace {

namespace json = boost::json;

timestamp time_of(const file_time& x) {
  return timestamp{std::chrono::seconds{x.seconds} + std::chrono::microseconds{x.nanoseconds / 1000}};
}

std::string octal(uint32_t mode) {
  char text[16];
  std::snprintf(text, sizeof(text), "%04o", mode);
  return text;
}

uint64_t stored_bytes(const repository& which, uint64_t& packs) {
  uint64_t result = 0;
  for (const auto& name : names_in(which.packs(), which.packs_path())) {
    struct stat st {};
    if (::fstatat(which.packs(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    result += static_cast<uint64_t>(st.st_size);
    ++packs;
  }
  return result;
}

} // namespace

std::string list_backups(const repository& which, size_t limit, problem_list& problems, json::object& result) {
  auto ids = which.backups();
  json::array list;
  for (auto id = ids.rbegin(); id != ids.rend() && list.size() < limit; ++id) {
    try {
      auto x = which.read_backup(*id);
      json::object one;
      add(one, x);
      list.push_back(std::move(one));
    } catch (const repository_damaged& error) {
      problems.add(problem_kind::damaged, *id, error.what());
      list.push_back({{"backup", *id}, {"damaged", true}});
    }
  }
  uint64_t packs = 0;
  auto bytes = stored_bytes(which, packs);
  result["total"] = ids.size();
  result["packs"] = packs;
  result["repository_bytes"] = bytes;
  result["free_bytes"] = which.free_bytes();
  result["encrypted"] = which.secret().sealed();
  result["backups"] = std::move(list);
  return std::to_string(ids.size()) + " backups in " + std::to_string(packs) + " packs, " + size_text(bytes);
}

std::string list_entries(const repository& which, const std::string& id, const std::vector<std::string>& paths,
                         size_t limit, const stop_check& stop, json::object& result) {
  auto x = which.read_backup(id);
  chunk_table known{which.packs(), which.packs_path(), which.secret(), stop};
  tree_reader list{x.tree, [&](const chunk_id& block) { return known.get(block); }};
  pattern_list wanted{paths};
  json::array entries;
  uint64_t total = 0;
  for (entry found; list.next(found);) {
    check_stopped(stop);
    if (!paths.empty() && !wanted.matches_at_or_above(found.path))
      continue;
    if (++total > limit)
      continue;
    entries.push_back({{"path", printable_path(found.path)},
                       {"kind", name_of(found.kind)},
                       {"size", found.size},
                       {"mode", octal(found.metadata.mode)},
                       {"owner", found.metadata.owner},
                       {"group", found.metadata.group},
                       {"modified", iso_time(time_of(found.metadata.modified))}});
  }
  result["backup"] = x.id;
  result["total"] = total;
  result["entries"] = std::move(entries);
  return std::to_string(total) + " entries in backup " + x.id;
}

} // namespace overwatch::backup
