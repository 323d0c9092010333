// A program that opens a store, writes, says on standard output what it holds for durable (a line with a number
// each), and waits to be killed. A process of its own, because RocksDB's threads do not survive a fork.
//
//     dying_writer DIRECTORY endless_entries FIRST   entries from FIRST on, with sync, and checkpoints
//     dying_writer DIRECTORY few_entries             short entries with sync, and one checkpoint
//     dying_writer DIRECTORY backups TARGET          some entries, then a backup, and so on
//     dying_writer DIRECTORY replacement NUMBER      gives a range a new content, then writes to it
//     dying_writer DIRECTORY open                    only opens and closes it
//     dying_writer DIRECTORY checkpoint              one change of the state, without sync, and a checkpoint

#include "runtime/storage/store_backup.hpp"
#include "tests/storage/temporary_directory.hpp"
#include "tests/storage/written_entries.hpp"

#include <csignal>
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

void replace_range(rocks_store& x, int number) {
  write_batch before;
  before.put(key_space::log, "old " + std::to_string(number), "an entry");
  before.put(key_space::log, "begun", std::to_string(number));
  before.put(key_space::state, "m/before", std::to_string(number)); // in memory only
  require(x.write(before, true));
  auto fresh = x.replace({replaced_range});
  for (const auto& [key, value] : generation(number))
    require(fresh->add(key_space::state, key, value));
  ::raise(SIGUSR1);
  require(fresh->close());
  require(fresh->finish(with_generation(number)));
  fresh.reset();
  write_batch after;
  after.put(key_space::log, "after", std::to_string(number));
  after.put(key_space::state, "m/after", std::to_string(number));
  require(x.write(after, true));
  require(x.checkpoint());
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 3)
    return 1;
  std::string mode = argv[2];
  if (mode == "open")
    ::raise(SIGUSR1);
  auto x = open_small(argv[1]);
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
  } else if (mode == "replacement" && argc == 4) {
    replace_range(*x, std::atoi(argv[3]));
    return 0;
  } else if (mode == "open") {
    return 0;
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
