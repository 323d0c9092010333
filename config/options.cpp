#include "config/options.hpp"

#include <algorithm>
#include <cctype>

namespace overwatch {

namespace {

constexpr int64_t minute = 60;
constexpr int64_t hour = 60 * minute;
constexpr int64_t day = 24 * hour;
constexpr int64_t year = 365 * day;

const value_rules any_text{};
value_rules between(int64_t minimum, int64_t maximum) { return {minimum, maximum, {}, false}; }
value_rules one_of(std::vector<std::string_view> allowed) { return {0, 0, std::move(allowed), false}; }

// name, unit, field, rules, variable of the first Overwatch, flag, live, meaning, cost
std::vector<option> node_and_network() {
  return {
    {"node.name", "", [](settings& s) -> value_ref { return &s.node.name; }, any_text, "", "--name", false,
     "the node's name in answers and logs; empty: the host's name", ""},
    {"node.data-dir", "", [](settings& s) -> value_ref { return &s.node.data_dir; }, any_text, "", "--data-dir", false,
     "directory of everything durable; created when missing; one node at a time", ""},
    {"node.drain-timeout", "", [](settings& s) -> value_ref { return &s.node.drain_timeout; }, between(0, hour), "", "",
     false, "how long running tasks may go on after SIGTERM; then they are stopped and queued again",
     "delays a stop by as much"},
    {"node.labels", "", [](settings& s) -> value_ref { return &s.node.labels; }, any_text, "", "", false,
     "what tasks can ask for with placement, as name = value", ""},
    {"http.address", "", [](settings& s) -> value_ref { return &s.http.address; }, any_text, "", "", false,
     "IP address to listen on; there is no authentication: anything but loopback shows the API to the network", ""},
    {"http.port", "", [](settings& s) -> value_ref { return &s.http.port; }, between(0, 65535), "", "", false,
     "TCP port of the API; 0: any free one", ""},
    {"http.threads", "connections", [](settings& s) -> value_ref { return &s.http.threads; }, between(4, 4096), "", "",
     false, "connections served at once; more wait", "a thread each, about 100 KiB"},
    {"http.max-long-requests", "connections", [](settings& s) -> value_ref { return &s.http.max_long_requests; },
     between(1, 4095), "", "", false,
     "of them, event streams and waits; more are refused with 503; unless set, three quarters of http.threads",
     "keeps as many threads from short requests"},
    {"http.max-body-mb", "MiB", [](settings& s) -> value_ref { return &s.http.max_body_mb; }, between(1, 1024), "", "",
     false, "largest request body; a larger one is refused with 413", "as much memory per request in flight"},
    {"http.request-timeout", "", [](settings& s) -> value_ref { return &s.http.request_timeout; }, between(1, hour), "",
     "", false, "how long a client may take to send a request, and the node to answer it", ""},
    {"caf.address", "", [](settings& s) -> value_ref { return &s.caf.address; }, any_text, "", "", false,
     "IP address for other nodes and programs that attach over CAF; anything but loopback needs cluster.certificate",
     ""},
    {"caf.port", "", [](settings& s) -> value_ref { return &s.caf.port; }, between(0, 65535), "", "", false,
     "TCP port for other nodes and programs that attach over CAF; 0: none", ""},
    {"cluster.nodes", "", [](settings& s) -> value_ref { return &s.cluster.nodes; }, any_text, "", "", false,
     "all nodes of the cluster, this one among them, as name=host:port; the first one founds it; none: a cluster of "
     "one",
     ""},
    {"cluster.partitions", "partitions", [](settings& s) -> value_ref { return &s.cluster.partitions; },
     between(1, 1024), "", "", false, "shards of a cluster that this node founds; they never change", "a log each"},
    {"cluster.peer-timeout", "", [](settings& s) -> value_ref { return &s.cluster.peer_timeout; }, between(2, minute),
     "", "", false, "a node that was not heard for so long is down", "shorter: a busy node may look dead"},
    {"cluster.adopt-timeout", "", [](settings& s) -> value_ref { return &s.cluster.adopt_timeout; }, between(2, hour),
     "", "", false, "attempts on a node that is away for so long are lost and start elsewhere",
     "shorter: more work is done twice after a short cut; longer: it waits as long"},
    {"cluster.lease", "", [](settings& s) -> value_ref { return &s.cluster.lease; }, between(1, hour), "", "", false,
     "a node that hears no leader for so long stops what must not run twice (exclusive names, concurrency keys, "
     "snapshot "
     "scopes); less than cluster.adopt-timeout of all nodes",
     ""},
    {"cluster.certificate", "", [](settings& s) -> value_ref { return &s.cluster.certificate; }, any_text, "", "",
     false, "certificate of this node (PEM): what comes over CAF must have one of cluster.ca, too; empty: no TLS", ""},
    {"cluster.key", "", [](settings& s) -> value_ref { return &s.cluster.key; }, any_text, "", "", false,
     "private key of cluster.certificate (PEM, without a passphrase)", ""},
    {"cluster.ca", "", [](settings& s) -> value_ref { return &s.cluster.ca; }, any_text, "", "", false,
     "certificate of the authority that all of the cluster have theirs from (PEM)", ""},
    {"scheduler.max-threads", "threads", [](settings& s) -> value_ref { return &s.scheduler.max_threads; },
     between(0, 1024), "", "", false, "threads that run actors; 0: one per two cores", ""},
    {"scheduler.policy", "", [](settings& s) -> value_ref { return &s.scheduler.policy; },
     one_of({"stealing", "sharing"}), "", "", false, "how actors are spread over the threads",
     "stealing burns some CPU while idle when there are several, sharing contends when busy"},
    {"log.level", "", [](settings& s) -> value_ref { return &s.log.level; },
     one_of({"trace", "debug", "info", "warning", "error"}), "OVERWATCH_LOG_LEVEL", "", false,
     "least severity that is logged", "debug and trace log each task several times"},
    {"log.file", "", [](settings& s) -> value_ref { return &s.log.file; }, any_text, "", "", false,
     "file to log to; empty: standard error", ""},
    {"log.format", "", [](settings& s) -> value_ref { return &s.log.format; }, one_of({"auto", "text", "json"}), "", "",
     false, "form of a line; auto: text on a terminal, otherwise JSON", ""},
    {"log.max-file-mb", "MiB", [](settings& s) -> value_ref { return &s.log.max_file_mb; }, between(1, 4096), "", "",
     false, "a log file of this size is rotated", "disk space, times log.max-files and one"},
    {"log.max-files", "files", [](settings& s) -> value_ref { return &s.log.max_files; }, between(1, 100), "", "",
     false, "rotated log files that are kept", "disk space"},
  };
}

std::vector<option> tasks_and_storage() {
  return {
    {"tasks.max-concurrent-tasks", "tasks", [](settings& s) -> value_ref { return &s.tasks.max_concurrent_tasks; },
     between(1, 65536), "OVERWATCH_MAX_CONCURRENT_TASKS", "--max-tasks", true, "tasks that run at once on this node",
     "a thread or process each, unless their handler does not block"},
    {"tasks.generation-interval", "", [](settings& s) -> value_ref { return &s.tasks.generation_interval; },
     between(0, year), "OVERWATCH_GENERATION_INTERVAL", "--generation-interval", true,
     "time between two rounds of generated tasks; 0: none", "two tasks a round"},
    {"tasks.ageing-step", "", [](settings& s) -> value_ref { return &s.tasks.ageing_step; }, between(0, year), "", "",
     false, "waiting this long raises a task below critical by one priority; 0: never", ""},
    {"tasks.max-lost", "attempts", [](settings& s) -> value_ref { return &s.tasks.max_lost; }, between(1, 100), "", "",
     false, "attempts lost in a row before a task fails as poison", "as many crashes of what the task kills"},
    {"tasks.ready-window", "tasks", [](settings& s) -> value_ref { return &s.tasks.ready_window; },
     between(16, 1'000'000), "", "", false, "queued tasks kept in memory per type and priority; the rest stays on disk",
     "about 1 KiB each"},
    {"tasks.max-in-flight-tasks", "tasks", [](settings& s) -> value_ref { return &s.tasks.max_in_flight_tasks; },
     between(1, 10'000'000), "", "", false, "submits that are not durable yet; above it they get 429", "memory"},
    {"tasks.max-in-flight-mb", "MiB", [](settings& s) -> value_ref { return &s.tasks.max_in_flight_mb; },
     between(1, 65536), "", "", false, "likewise, by size", "as much memory"},
    {"tasks.retention", "", [](settings& s) -> value_ref { return &s.tasks.retention; }, between(0, 10 * year), "", "",
     true, "finished tasks are deleted after this time; 0: never", "disk space"},
    {"tasks.task-types", "", [](settings& s) -> value_ref { return &s.tasks.task_types; }, value_rules{0, 0, {}, true},
     "", "", false, "types that are accepted although no handler here serves them", ""},
    {"tasks.slots", "", [](settings& s) -> value_ref { return &s.tasks.slots; }, value_rules{1, 65536, {}, true}, "",
     "", true, "attempts of one task type at once, per type; others have tasks.max-concurrent-tasks", ""},
    {"storage.cache-mb", "MiB", [](settings& s) -> value_ref { return &s.storage.cache_mb; }, between(8, 1'048'576), "",
     "", false, "block cache of the store", "as much memory"},
    {"storage.write-buffer-mb", "MiB", [](settings& s) -> value_ref { return &s.storage.write_buffer_mb; },
     between(8, 16'384), "", "", false, "changes collected in memory before they are written as sorted files",
     "as much memory"},
    {"storage.checkpoint-mb", "MiB", [](settings& s) -> value_ref { return &s.storage.checkpoint_mb; },
     between(1, 16'384), "", "", false, "log written between two checkpoints", "a restart after a crash reads as much"},
    {"storage.min-free-mb", "MiB", [](settings& s) -> value_ref { return &s.storage.min_free_mb; },
     between(1, 1'048'576), "", "", false, "new tasks are refused with 507 while the disk has less space",
     "disk space that stays unused"},
    {"storage.event-history", "events", [](settings& s) -> value_ref { return &s.storage.event_history; },
     between(16, 16'777'216), "", "", false, "recent events kept for readers that come back", "about 500 bytes each"},
  };
}

std::vector<option> control() {
  return {
    {"resources.cpus", "cores", [](settings& s) -> value_ref { return &s.resources.cpus; }, between(0, 65536), "", "",
     false, "cores of this node that the shares of tasks refer to; 0: what the machine and its control groups allow",
     ""},
    {"resources.memory-mb", "MiB", [](settings& s) -> value_ref { return &s.resources.memory_mb; },
     between(0, 1'073'741'824), "", "", false,
     "memory that running tasks may ask for together; 0: what the machine and its control groups allow", ""},
    {"resources.reserve-after", "", [](settings& s) -> value_ref { return &s.resources.reserve_after; },
     between(0, 86'400), "", "", false, "a task that waits this long for room gets the next that becomes free",
     "smaller tasks that ask for resources wait meanwhile"},
    {"workers.lease", "", [](settings& s) -> value_ref { return &s.workers.lease; }, between(1, hour), "", "", false,
     "an attached worker, or an attempt that it names in no heartbeat, is lost after this time",
     "a worker that died holds its tasks as long"},
    {"workers.max", "workers", [](settings& s) -> value_ref { return &s.workers.max; }, between(1, 100'000), "", "",
     false, "programs attached to this node as workers at once; more are refused with 429", "about 10 KiB each"},
    {"snapshots.roots", "", [](settings& s) -> value_ref { return &s.snapshots.roots; }, any_text, "", "", false,
     "directories under which the files of rollback snapshots may lie; none: no files are captured", ""},
    {"snapshots.directory", "", [](settings& s) -> value_ref { return &s.snapshots.directory; }, any_text, "", "",
     false, "where captured files are kept; empty: node.snapshots in the data directory",
     "on the file system of the roots, copies can share their blocks"},
    {"snapshots.max-mb", "MiB", [](settings& s) -> value_ref { return &s.snapshots.max_mb; }, between(1, 1'073'741'824),
     "", "", false, "size of what one snapshot captures; above it the task fails before it starts",
     "as much disk space"},
    {"snapshots.max-files", "files", [](settings& s) -> value_ref { return &s.snapshots.max_files; },
     between(1, 100'000'000), "", "", false, "files and directories of one snapshot", "about 200 bytes of memory each"},
    {"snapshots.restore-limit", "", [](settings& s) -> value_ref { return &s.snapshots.restore_limit; },
     between(1, 7 * day), "", "", false,
     "a rollback that needs the files of a node which is away waits for it so long; then it has failed", ""},
    {"rules.max-instructions", "instructions", [](settings& s) -> value_ref { return &s.rules.max_instructions; },
     between(1'000, 1'000'000'000), "", "", false, "steps that a chunk of a rule may take", "about 10 ns each"},
    {"rules.max-memory-mb", "MiB", [](settings& s) -> value_ref { return &s.rules.max_memory_mb; }, between(1, 1'024),
     "", "", false, "memory that a chunk of a rule may take", "as much memory, while one runs"},
    {"maintenance.roots", "", [](settings& s) -> value_ref { return &s.maintenance.roots; }, any_text, "", "", false,
     "directories under which clean-up and log rotation may work; none: they do nothing", ""},
    {"maintenance.actions", "", [](settings& s) -> value_ref { return &s.maintenance.actions; }, any_text, "", "",
     false, "what a maintenance task does when its payload names no actions; empty: all but trim", ""},
  };
}

std::vector<option> security() {
  return {
    {"security.directory", "", [](settings& s) -> value_ref { return &s.security.directory; }, any_text, "", "", false,
     "where reports and baselines of security scans are kept; empty: node.security in the data directory", ""},
    {"security.exclude", "", [](settings& s) -> value_ref { return &s.security.exclude; }, any_text, "", "", false,
     "paths, or patterns with * and ?, that no security scan looks at", ""},
    {"security.baseline", "", [](settings& s) -> value_ref { return &s.security.baseline; }, any_text, "", "", false,
     "trees whose content is compared with what it was when their baseline was taken; none: nothing is compared",
     "each scan reads them whole"},
    {"security.certificates", "", [](settings& s) -> value_ref { return &s.security.certificates; }, any_text, "", "",
     false, "files with certificates (PEM) whose end is watched", ""},
    {"security.stale-after", "", [](settings& s) -> value_ref { return &s.security.stale_after; },
     between(0, 10 * year), "", "", false, "an account of a person that nobody used for so long is stale; 0: never",
     ""},
    {"security.vulnerability-source", "", [](settings& s) -> value_ref { return &s.security.vulnerability_source; },
     any_text, "", "", false, "URL from which debsecan gets its data; empty: Debian's server", ""},
    {"security.max-reports", "reports", [](settings& s) -> value_ref { return &s.security.max_reports; },
     between(1, 10'000), "", "", false, "newest reports of security scans that are kept", "disk space"},
  };
}

std::vector<option> backups() {
  return {
    {"backup.roots", "", [](settings& s) -> value_ref { return &s.backup.roots; }, any_text, "", "", false,
     "directories that tasks may back up, keep backups in and restore to; none: only what backup.sources and "
     "backup.destination name",
     ""},
    {"backup.sources", "", [](settings& s) -> value_ref { return &s.backup.sources; }, any_text, "", "", false,
     "files, directories and globs of a data_backup that names none", ""},
    {"backup.exclude", "", [](settings& s) -> value_ref { return &s.backup.exclude; }, any_text, "", "", false,
     "patterns of what such a backup leaves out", ""},
    {"backup.destination", "", [](settings& s) -> value_ref { return &s.backup.destination; }, any_text, "", "", false,
     "directory where backups are kept unless a task names another one; made when missing, unlike the one above it",
     ""},
    {"backup.key-file", "", [](settings& s) -> value_ref { return &s.backup.key_file; }, any_text, "", "", false,
     "file with 32 random bytes or more; backups at backup.destination are encrypted with it; empty: they are not",
     "without this file nobody can restore"},
    {"backup.level", "", [](settings& s) -> value_ref { return &s.backup.level; }, between(1, 19), "", "", false,
     "compression (zstd)", "time"},
    {"backup.keep-last", "backups", [](settings& s) -> value_ref { return &s.backup.keep_last; }, between(0, 100'000),
     "", "", false, "newest backups that are kept after each backup; 0 here and below: all are kept", "disk space"},
    {"backup.keep-daily", "days", [](settings& s) -> value_ref { return &s.backup.keep_daily; }, between(0, 100'000),
     "", "", false, "days with a backup of which the newest is kept, too", "disk space"},
    {"backup.keep-weekly", "weeks", [](settings& s) -> value_ref { return &s.backup.keep_weekly; }, between(0, 100'000),
     "", "", false, "likewise, weeks", "disk space"},
    {"backup.keep-monthly", "months", [](settings& s) -> value_ref { return &s.backup.keep_monthly; },
     between(0, 100'000), "", "", false, "likewise, months", "disk space"},
    {"backup.postgresql", "", [](settings& s) -> value_ref { return &s.backup.postgresql; }, any_text, "", "", false,
     "PostgreSQL databases that such a backup dumps with pg_dump", ""},
  };
}

std::string derived(std::string_view name, char between, bool upper) {
  std::string result{name};
  for (auto& c : result)
    c = c == '.' || c == '-' ? between : upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
  return result;
}

} // namespace

const std::vector<option>& options() {
  static const auto table = [] {
    auto all = node_and_network();
    for (auto&& more : {tasks_and_storage(), control(), backups(), security()})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return table;
}

const std::vector<command_option>& command_options() {
  constexpr int64_t most = 4'294'967'295;
  static const std::vector<command_option> table{
    {"description", "", [](named_command& c) -> value_ref { return &c.description; }, any_text,
     "a sentence for people"},
    {"argv", "", [](named_command& c) -> value_ref { return &c.argv; }, any_text,
     "program and arguments; no shell looks at them. The program is an absolute path or looked up in PATH"},
    {"environment", "", [](named_command& c) -> value_ref { return &c.environment; }, any_text,
     "variables it gets beside PATH, HOME, LANG and OVERWATCH_*; nothing of the node's own environment"},
    {"directory", "", [](named_command& c) -> value_ref { return &c.directory; }, any_text,
     "working directory; empty: a new temporary one, removed afterwards"},
    {"user", "", [](named_command& c) -> value_ref { return &c.user; }, any_text,
     "run as this user; the node must be root then; empty: the node's own"},
    {"cpu-seconds", "s", [](named_command& c) -> value_ref { return &c.cpu_seconds; }, between(0, most),
     "CPU time; 0: no limit (likewise below)"},
    {"memory-mb", "MiB", [](named_command& c) -> value_ref { return &c.memory_mb; }, between(0, 16'777'216),
     "address space"},
    {"open-files", "files", [](named_command& c) -> value_ref { return &c.open_files; }, between(0, 1'048'576),
     "open files at once"},
    {"file-mb", "MiB", [](named_command& c) -> value_ref { return &c.file_mb; }, between(0, 16'777'216),
     "size of a file it writes"},
    {"processes", "processes", [](named_command& c) -> value_ref { return &c.processes; }, between(0, 1'048'576),
     "processes of its user at once"},
  };
  return table;
}

const option* find_option(std::string_view name) {
  auto& all = options();
  auto found = std::find_if(all.begin(), all.end(), [&](const option& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string environment_name(const option& which) { return "OVERWATCH_" + derived(which.name, '_', true); }

std::string flag_name(const option& which) {
  return which.short_flag.empty() ? "--" + derived(which.name, '-', false) : std::string{which.short_flag};
}

std::string option_text(const option& which, const settings& values) {
  auto copy = values;
  return value_text(which.field(copy));
}

std::string default_text(const option& which) { return option_text(which, settings{}); }

std::string type_text(const option& which) {
  settings defaults;
  auto text = describe_values(which.field(defaults), which.rules);
  return which.unit.empty() ? text : text + " (" + std::string{which.unit} + ")";
}

std::string set_option(const option& which, settings& values, std::string_view text) {
  return assign_text(which.field(values), which.rules, text);
}

std::vector<std::string> restart_only_options() {
  std::vector<std::string> result;
  for (auto& one : options())
    if (!one.live)
      result.emplace_back(one.name);
  return result;
}

} // namespace overwatch
