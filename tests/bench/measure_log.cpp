#include "tests/bench/bench.hpp"

#include "actors/journal.hpp"
#include "actors/log_driver.hpp"
#include "runtime/replication/make_raft_log.hpp"
#include "runtime/replication/single_log.hpp"
#include "runtime/storage/rocks_store.hpp"
#include "tests/support/process/scratch_directory.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

#include <stdexcept>

namespace overwatch::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr partition_id partition = 0;
constexpr member_id alone = 1;
constexpr std::chrono::milliseconds warm_up{500};
constexpr std::chrono::seconds patience{60};
constexpr unsigned turns = 2; ///< of each log, in alternation: the machine changes its mood

/// What is proposed, and how many entries are on their way.
struct log_load {
  size_t tasks_in_entry;
  size_t in_flight;
};

struct system_config : caf::actor_system_config {
  system_config() { add_messages(*this); }
};

command_batch make_entry(size_t tasks) {
  auto spec = std::make_shared<task_spec>();
  spec->name = "bench";
  spec->task_type = "noop";
  auto payload = std::make_shared<const std::string>(payload_bytes, 'x');
  command_batch result;
  result.time = now();
  for (size_t i = 0; i < tasks; ++i)
    result.commands.push_back(submit_command{{spec, payload}, false});
  return result;
}

log_time time_now() { return std::chrono::duration_cast<log_time>(clock::now().time_since_epoch()); }

/// Entries per second that a log on the real journal and store appends and commits.
double entries_per_second(const log_maker& make_log, const log_load& load, std::chrono::milliseconds duration) {
  support::scratch_directory directory;
  auto opened = open_rocks_store(directory.path() + "/data", {});
  if (!opened)
    throw std::runtime_error{"cannot open a store: " + describe(opened.error()).message};
  auto& db = **opened;
  system_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  auto journal_handle = system.spawn<caf::detached>(journal, &db, journal_options{});
  self->send(journal_handle, caf::join_atom_v, partition, caf::actor_cast<caf::strong_actor_ptr>(self));

  uint64_t proposed = 0;
  uint64_t committed = 0;
  log_driver_hooks hooks;
  hooks.write = [&](journal_write x) { self->send(journal_handle, std::move(x)); };
  hooks.apply = [&](committed_entry& x) { committed += x.proposal > 0 ? 1 : 0; };
  hooks.send = [](log_message&&) {};
  hooks.send_snapshot = [](member_id) {};
  hooks.install = hooks.leadership_gained = hooks.leadership_lost = hooks.group_changed = [] {};
  log_setup setup{partition, alone, {{alone, {}, true}}, make_entry_reader(db, partition)};
  log_driver driver{partition, make_log(std::move(setup)), hooks};
  driver.start(db, 0, time_now());

  auto entry = make_entry(load.tasks_in_entry);
  auto propose = [&] {
    auto batch = entry;
    if (!driver.propose(++proposed, batch))
      throw std::runtime_error{"the log takes no entries"};
  };
  auto wait = [&] {
    self->receive([&](const journal_done& x) { driver.written(x.log_write); }, [](const checkpoint_done&) {},
                  [](const disk_report&) {},
                  caf::after(patience) >> [] { throw std::runtime_error{"the journal does not answer"}; });
  };
  auto run_until = [&](clock::time_point end) {
    while (clock::now() < end) {
      check_interrupted();
      while (proposed - committed < load.in_flight)
        propose();
      wait();
      driver.tick(time_now());
    }
  };
  run_until(clock::now() + warm_up);
  auto start = clock::now();
  auto before = committed;
  run_until(start + duration);
  auto result = static_cast<double>(committed - before) / std::chrono::duration<double>(clock::now() - start).count();
  while (committed < proposed)
    wait();
  self->send_exit(journal_handle, caf::exit_reason::user_shutdown);
  self->wait_for(journal_handle); // it uses the store
  return result;
}

void compare(const std::string& key, const log_load& load, const bench_options& options, report& results) {
  auto make_single = [](log_setup) -> std::unique_ptr<replicated_log> { return std::make_unique<single_log>(); };
  auto each = std::chrono::milliseconds{options.duration} / turns;
  double alone_per_s = 0;
  double raft_per_s = 0;
  for (unsigned i = 0; i < turns; ++i) {
    alone_per_s += entries_per_second(make_single, load, each) / turns;
    raft_per_s += entries_per_second(make_raft_log, load, each) / turns;
  }
  results.set(key + "single_per_s", alone_per_s);
  results.set(key + "raft_per_s", raft_per_s);
}

} // namespace

void measure_log(const bench_options& options, report& results) {
  compare("log_lone_", {1, 1}, options, results);
  compare("log_small_", {1, 64}, options, results);
  compare("log_large_", {100, 4}, options, results);
}

} // namespace overwatch::bench
