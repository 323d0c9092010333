#include "runtime/backup/sqlite_copy.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string_view>

namespace overwatch::backup {

namespace {

constexpr std::string_view header{"SQLite format 3\0", 16};
constexpr int step_pages = 1024;
constexpr int busy_ms = 200;       // a cancel is noticed between two of them
constexpr int max_busy_steps = 50; // in a row: somebody holds the database for ten seconds
constexpr int max_restarts = 3;    // a write of another process begins the copy again; then it is done in one step

struct closer {
  void operator()(sqlite3* x) const { sqlite3_close(x); }
};
using database = std::unique_ptr<sqlite3, closer>;

std::string open(const std::string& path, int flags, database& result) {
  sqlite3* raw = nullptr;
  auto code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOFOLLOW, nullptr);
  result.reset(raw);
  if (code != SQLITE_OK)
    return sqlite3_errmsg(raw);
  sqlite3_busy_timeout(raw, busy_ms);
  return {};
}

} // namespace

bool is_sqlite_database(int file) {
  std::array<char, header.size()> begin{};
  return ::pread(file, begin.data(), begin.size(), 0) == static_cast<ssize_t>(begin.size()) &&
         std::string_view{begin.data(), begin.size()} == header;
}

bool is_sqlite_companion(const std::string& path, std::string& database) {
  for (std::string_view ending : {"-wal", "-shm", "-journal"}) {
    if (path.size() <= ending.size() || path.compare(path.size() - ending.size(), ending.size(), ending) != 0)
      continue;
    database = path.substr(0, path.size() - ending.size());
    return true;
  }
  return false;
}

std::string copy_sqlite_database(const std::string& from, const std::string& to, const stop_check& stop) {
  database source;
  database target;
  if (auto error = open(from, SQLITE_OPEN_READONLY, source); !error.empty())
    return error;
  if (auto error = open(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, target); !error.empty())
    return error;
  // The copy is read once and removed: nothing of it has to survive a crash.
  sqlite3_exec(target.get(), "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF", nullptr, nullptr, nullptr);
  auto* backup = sqlite3_backup_init(target.get(), "main", source.get(), "main");
  if (backup == nullptr)
    return sqlite3_errmsg(target.get());
  std::unique_ptr<sqlite3_backup, int (*)(sqlite3_backup*)> guard{backup, &sqlite3_backup_finish};
  int busy = 0;
  int restarts = 0;
  int left_before = 0;
  for (;;) {
    check_stopped(stop);
    auto code = sqlite3_backup_step(backup, restarts < max_restarts ? step_pages : -1);
    if (code == SQLITE_DONE)
      break;
    auto is_busy = code == SQLITE_BUSY || code == SQLITE_LOCKED;
    if (code != SQLITE_OK && !is_busy)
      return sqlite3_errstr(code);
    busy = is_busy ? busy + 1 : 0;
    if (busy > max_busy_steps)
      return "another program keeps it locked";
    auto left = sqlite3_backup_remaining(backup);
    if (!is_busy && left_before != 0 && left >= left_before)
      ++restarts;
    left_before = left;
  }
  auto code = sqlite3_backup_finish(guard.release());
  return code == SQLITE_OK ? std::string{} : sqlite3_errstr(code);
}

} // namespace overwatch::backup
