#include "runtime/backup/earlier_backup.hpp"

namespace overwatch::backup {

namespace {

/// Of many backups of other sources, only the newest are looked at.
constexpr size_t max_looked_at = 50;

} // namespace

earlier_backup::earlier_backup(const std::optional<manifest>& which, chunk_table& chunks) {
  if (!which)
    return;
  reader_.emplace(which->tree, [&chunks](const chunk_id& id) { return chunks.get(id); });
  ended_ = false;
  advance();
}

void earlier_backup::advance() {
  for (;;) {
    try {
      ended_ = !reader_->next(current_);
      return;
    } catch (const repository_damaged&) { // of these paths nothing is known: their files are read
    }
  }
}

const entry* earlier_backup::find(const std::string& path) {
  while (!ended_ && goes_before(current_.path, path))
    advance();
  return !ended_ && current_.path == path ? &current_ : nullptr;
}

std::optional<manifest> choose_earlier(const repository& where, const std::string& host,
                                       const std::vector<std::string>& sources, problem_list& problems) {
  auto ids = where.backups();
  std::optional<manifest> result;
  size_t looked_at = 0;
  for (auto id = ids.rbegin(); id != ids.rend() && looked_at < max_looked_at; ++id, ++looked_at) {
    try {
      auto x = where.read_backup(*id);
      if (x.host != host)
        continue;
      if (x.sources == sources)
        return x;
      if (!result)
        result = std::move(x);
    } catch (const repository_damaged& error) {
      problems.add(problem_kind::damaged, *id, error.what());
    }
  }
  return result;
}

} // namespace overwatch::backup
