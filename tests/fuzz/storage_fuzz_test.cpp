// Small files of the data directory, and of backups of it.

#include "runtime/storage/backup_record.hpp"
#include "runtime/storage/damage.hpp"
#include "runtime/storage/staged_files.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace overwatch::fuzz {

TEST(StorageFuzzTest, PlansOfReplacements) {
  staged_plan x;
  x.files = {{key_space::log, "1.sst"}, {key_space::state, "2.sst"}};
  x.with_it.put(key_space::log, "key", "value");
  x.with_it.erase_range(key_space::log, "a", "b");
  damage(
    "a plan", {encode_plan(x)},
    [](const std::string& bytes) {
      staged_plan y;
      return decode_plan(bytes, y);
    },
    2); // it has a checksum
}

TEST(StorageFuzzTest, RecordsOfBackups) {
  backup_record x;
  x.backup.id = 3;
  x.backup.node = "a node";
  x.store_format = 1;
  x.files = {{"node.log", 10, 77}};
  damage("a record of a backup", {to_text(x)},
         [](const std::string& bytes) { return parse_record(bytes).has_value(); }, 2);
}

TEST(StorageFuzzTest, LastBlocksOfLogs) {
  std::string block{"\x10\x20\x30\x40\x05\x00\x01hello\x00\x00\x00\x00\x40\x00\x01", 19};
  mutation damaged{1};
  for (int i = 0; i < rounds; ++i)
    has_damaged_tail(damaged({block, block + block, std::string(300, '\0')}));
}

} // namespace overwatch::fuzz
