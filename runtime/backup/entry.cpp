#include "runtime/backup/entry.hpp"

#include "runtime/snapshots/metadata.hpp"

#include <algorithm>

namespace overwatch::backup {

namespace {

/// The slash sorts before everything else, so that `/a/x` stands before `/a-b`.
unsigned rank(char c) { return c == '/' ? 0 : static_cast<uint8_t>(c); }

} // namespace

bool goes_before(std::string_view x, std::string_view y) {
  return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end(),
                                      [](char a, char b) { return rank(a) < rank(b); });
}

bool is_unchanged(const entry& before, const struct stat& st) {
  return before.settled && before.kind == captured_kind::file && S_ISREG(st.st_mode) && before.inode == st.st_ino &&
         before.changed == snapshots::changed_of(st) && before.metadata.modified == snapshots::modified_of(st) &&
         (before.database || before.size == static_cast<uint64_t>(st.st_size));
}

entry describe(const std::string& path, const struct stat& st) {
  snapshots::saved_entry seen;
  snapshots::describe(st, seen);
  entry result;
  result.path = path;
  result.kind = seen.kind;
  result.metadata = seen.metadata;
  result.size = seen.size;
  result.changed = seen.changed;
  result.inode = seen.inode;
  result.links = S_ISDIR(st.st_mode) ? 1 : st.st_nlink;
  result.special = seen.special;
  return result;
}

} // namespace overwatch::backup
