// A program that opens a store, writes, says on standard output what it holds for durable (a line with a number
// each), and waits to be killed. A process of its own, because RocksDB's threads do not survive a fork.
//
//     dying_writer DIRECTORY endless_entries FIRST   entries from FIRST on, with sync, and checkpoints
//     dying_writer DIRECTORY few_entries             short entries with sync, and one checkpoint
//     dying_writer DIRECTORY backups TARGET          some entries, then a backup, and so on
//     dying_writer DIRECTORY checkpoint              one change of the state, without sync, and a checkpoint

#include "runtime/storage/store_backup.hpp"
#include "tests/storage/temporary_directory.hpp"
#include "tests/storage/written_entries.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

using namespace overwatch;
using namespace overwatch::test;

namespace {

void require(store::write_result result) {
  if (result != store::write_result::done)
    ::_exit(2);
}

void say(int number) {
  auto line = std::to_string(number) + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0)
    ::_exit(3);
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3)
    return 1;
  auto x = open_small(argv[1]);
  std::string mode = argv[2];
  if (mode == "endless_entries" && argc == 4) {
    for (int i = std::atoi(argv[3]);; ++i) {
      require(x->write(entry(i), true));
      say(i);
      if ((i + 1) % entries_per_checkpoint == 0)
        require(x->checkpoint());
    }
  } else if (mode == "backups" && argc == 4) {
    for (int i = 0;; ++i) {
      require(x->write(entry(i), true));
      if (i % entries_per_checkpoint != 0)
        continue;
      say(i);
      // Said while the backup is copied, so that the kill meets it there.
      if (!create_store_backup(*x, argv[3], "a node", {nullptr, [i](double) { say(i); }}))
        return 4;
    }
  } else if (mode == "few_entries") {
    for (int i = 0; i < few_entries; ++i) {
      require(x->write(short_entry(i), true));
      if (i == few_entries / 2)
        require(x->checkpoint());
    }
  } else if (mode == "checkpoint") {
    write_batch batch;
    batch.put(key_space::state, "s", "kept");
    require(x->write(batch, false));
    require(x->checkpoint());
  } else {
    return 1;
  }
  say(0);
  for (;;)
    ::pause();
}
