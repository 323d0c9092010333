#include "runtime/node.hpp"

#include "config/cluster_nodes.hpp"
#include "config/log.hpp"
#include "config/options.hpp"
#include "http/server.hpp"
#include "http/task_document.hpp"
#include "runtime/backup/data_backup.hpp"
#include "runtime/cluster/caf_connector.hpp"
#include "runtime/cluster/caf_network.hpp"
#include "runtime/gateway_services.hpp"
#include "runtime/handlers/builtin.hpp"
#include "runtime/handlers/capacity.hpp"
#include "runtime/handlers/host_sampler.hpp"
#include "runtime/maintenance/maintenance.hpp"
#include "runtime/random_seed.hpp"
#include "runtime/replication/make_raft_log.hpp"
#include "runtime/root.hpp"
#include "runtime/rules/default_rules.hpp"
#include "runtime/rules/lua_rules.hpp"
#include "runtime/security/security_scan.hpp"
#include "runtime/snapshots/snapshot_store.hpp"
#include "runtime/storage/rocks_store.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <malloc.h>
#include <pthread.h>
#include <thread>
#include <unistd.h>

namespace overwatch {

namespace {

// Exit status of a node whose components keep failing (EX_SOFTWARE): the init system starts it again.
constexpr int failed_status = 70;

// How long the threads of a node may take to end after everything is stored.
constexpr auto farewell = std::chrono::seconds{5};

// Hundreds of threads serve connections; an arena for each pair of them would hold memory that nobody uses.
constexpr int malloc_arenas = 4;

// Of several threads, one without work looks for some at the others: every 50 us, so many times, and every 10 ms then. CAF's
// own 500 times are most of what a node costs that only talks to its peers now and then.
constexpr size_t moderate_polls = 40;

// A thread that is alone has nobody to take work from, and is woken by what comes. To look for it all the same was most of
// what an idle node cost, and a third of what a lone submit cost.
constexpr auto sleep_alone = std::chrono::minutes{1};

struct system_config : caf::actor_system_config {
  explicit system_config(const settings& config) {
    set("scheduler.policy", caf::atom_from_string(config.scheduler.policy));
    // A message that wakes no other thread is cheaper than one that does: half the cores run actors, the others
    // serve connections, the journal and handlers. CAF's own default is four threads at least.
    auto threads = config.scheduler.max_threads > 0 ? config.scheduler.max_threads
                                                    : std::thread::hardware_concurrency() / 2;
    set("scheduler.max-threads", static_cast<size_t>(std::max(1U, threads)));
    set("work-stealing.moderate-poll-attempts", threads > 1 ? moderate_polls : size_t{0});
    if (threads <= 1)
      set("work-stealing.relaxed-sleep-duration", caf::timespan{sleep_alone});
    load_caf_network(*this, config);
  }
};

std::set<std::string> known_types(const settings& config, const handler_registry& handlers) {
  std::set<std::string> types{"system_health", "performance_check", "data_backup", "maintenance",
                              "security_scan", "obd2_diagnostic",   "user_task"};
  types.insert(config.tasks.task_types.begin(), config.tasks.task_types.end());
  for (const auto& [task_type, entry] : handlers.entries())
    types.insert(task_type);
  return types;
}

gateway_options make_gateway_options(const settings& config, const root_options& root) {
  gateway_options x;
  x.status.node = root.node;
  x.status.instance = root.instance;
  x.status.version = OVERWATCH_VERSION;
  x.status.started_at = now();
  x.status.data_dir = config.node.data_dir;
  x.task_types = root.task_types;
  x.max_concurrent_tasks = config.tasks.max_concurrent_tasks;
  x.max_tasks_in_flight = config.tasks.max_in_flight_tasks;
  x.max_bytes_in_flight = static_cast<size_t>(config.tasks.max_in_flight_mb) << 20;
  // Before HTTP's own: the gateway knows why something takes long (a full disk), the edge does not.
  x.request_timeout = milliseconds{config.http.request_timeout} * 9 / 10;
  x.seed = random_seed();
  x.settings = {{"max_concurrent_tasks", std::to_string(config.tasks.max_concurrent_tasks)},
                {"generation_interval", std::to_string(config.tasks.generation_interval.count())},
                {"retention", std::to_string(config.tasks.retention.count())}};
  for (const auto& [task_type, slots] : config.tasks.slots)
    x.settings["slots." + task_type] = std::to_string(slots);
  x.snapshot_roots = config.snapshots.roots;
  return x;
}

std::shared_ptr<file_snapshots> make_snapshots(const settings& config) {
  snapshot_store_options x;
  x.directory = config.snapshots.directory.empty() ? config.node.data_dir + "/node.snapshots" : config.snapshots.directory;
  x.roots = config.snapshots.roots;
  x.limits.max_bytes = static_cast<uint64_t>(config.snapshots.max_mb) << 20;
  x.limits.max_entries = config.snapshots.max_files;
  return std::make_shared<snapshot_store>(std::move(x));
}

std::shared_ptr<rule_judge> make_judge(const settings& config) {
  sandbox_limits limits;
  limits.instructions = config.rules.max_instructions;
  limits.memory_bytes = static_cast<size_t>(config.rules.max_memory_mb) << 20;
  return make_lua_judge(limits);
}

caf::expected<root_options> make_root_options(const settings& config, const handler_registry& own, rocks_store& db) {
  auto identity = open_identity(db, config.cluster.nodes.empty(), config.cluster.partitions, random_seed);
  if (!identity)
    return identity.error();
  if (auto refusal = check_name(db, *identity, node_name(config)))
    return refusal;
  root_options x;
  x.config = config;
  x.node = node_name(config);
  x.instance = to_string(task_id_generator{random_seed()}.next(now(), 0));
  x.db = &db;
  x.files = make_snapshots(config);
  add_builtin_handlers(x.handlers, config);
  security::add_security_scan(x.handlers, config);
  add_backup_handler(x.handlers, config, &db);
  add_maintenance_handler(x.handlers, config, {&db, x.files});
  for (const auto& [task_type, entry] : own.entries())
    x.handlers.add(task_type, entry.run, entry.options);
  x.native_rules = own.rules();
  x.task_types = known_types(config, x.handlers);
  auto capacity = learn_capacity(config.resources.cpus, config.resources.memory_mb);
  x.cpus = capacity.cpus;
  x.memory_mb = capacity.memory_mb;
  x.sample = make_host_sampler(config.node.data_dir);
  x.judge = make_judge(config);
  x.default_rules = default_rules();
  x.parse_task = task_of_json;
  x.make_log = make_raft_log;
  x.identity = *identity;
  x.labels = config.node.labels;
  if (config.caf.port > 0)
    x.address = own_address(config);
  x.give_up = [](const std::string& reason) {
    log_line(severity::error, "root", "giving up: " + reason);
    stop_logging();
    std::_Exit(failed_status);
  };
  return x;
}

http_options make_http_options(const settings& config) {
  http_options x;
  x.address = config.http.address;
  x.port = config.http.port;
  x.threads = config.http.threads;
  x.max_long_requests = config.http.max_long_requests;
  x.max_body_bytes = static_cast<size_t>(config.http.max_body_mb) << 20;
  x.request_timeout = config.http.request_timeout;
  x.version = OVERWATCH_VERSION;
  for (const auto& name : restart_only_options())
    x.restart_settings[name] = option_text(*find_option(name), config);
  x.log = [](log_level level, const std::string& message) {
    auto severity = level == log_level::error     ? severity::error
                    : level == log_level::warning ? severity::warning
                    : level == log_level::info    ? severity::info
                                                  : severity::debug;
    log_line(severity, "http", message);
  };
  return x;
}

int fail(const failure& fault) {
  std::cerr << "overwatch: " << fault.message << '\n';
  stop_logging();
  return 1;
}

// The signals that end a node. Blocked in all threads, taken by wait_for_end.
sigset_t end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

void wait_for_end() {
  auto signals = end_signals();
  int received = 0;
  sigwait(&signals, &received);
  log_line(severity::info, "node", "stopping: running tasks may end, the rest goes back to the queue",
           {{"signal", received}});
}

// Threads that hang (a handler that ignores everything) must not keep a process whose work is stored.
void leave_for_sure(int status) {
  std::thread{[status] {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock{mutex};
    never.wait_for(lock, farewell, [] { return false; });
    std::_Exit(status);
  }}.detach();
}

void stop(caf::actor_system& system, const root_actor& root, const settings& config) {
  caf::scoped_actor self{system};
  auto limit = std::chrono::duration_cast<milliseconds>(config.node.drain_timeout);
  self->request(root, limit + std::chrono::seconds{120}, drain_request{limit})
    .receive(
      [](const stop_reply& reply) {
        log_line(severity::info, "node", "stopped", {{"finished", reply.finished}, {"requeued", reply.requeued}});
      },
      [&](const caf::error& error) {
        log_line(severity::error, "node", "could not stop in order; what was acknowledged is stored all the same",
                 {{"reason", system.render(error)}});
      });
}

} // namespace

int run_node(const load_result& loaded, bool daemon, const handler_registry& own) {
  const auto& config = loaded.values;
  ::mallopt(M_ARENA_MAX, malloc_arenas);
  auto signals = end_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  start_logging(config);
  for (const auto& warning : loaded.warnings)
    log_line(severity::warning, "config", warning.to_string());
  auto db = open_rocks_store(config.node.data_dir, {config.storage.cache_mb, config.storage.write_buffer_mb});
  if (!db)
    return fail(describe(db.error()));
  auto system = std::make_unique<system_config>(config);
  caf::actor_system actors{*system};
  auto made = make_root_options(config, own, **db);
  if (!made)
    return fail(describe(made.error()));
  auto& options = *made;
  if (config.caf.port > 0) {
    connector_options dialling;
    dialling.tls = has_certificate(config);
    options.connector = actors.spawn(caf_connector, dialling);
    options.announce = [&actors](const membership_actor& membership) { announce(actors, membership); };
  }
  options.gateway = make_gateway_options(config, options);
  auto own_gateway = actors.spawn(gateway, options.gateway);
  router_options routing;
  routing.node = options.node;
  routing.request_timeout = milliseconds{config.http.request_timeout} * 19 / 20; // between HTTP's and the gateway's
  routing.seed = random_seed();
  auto front = actors.spawn(router, routing);
  auto public_front = caf::actor_cast<gateway_actor>(front);
  options.services = make_gateway_services(actors, public_front, config.http.request_timeout);
  auto top = actors.spawn(root, std::move(options), own_gateway, front);
  std::unique_ptr<http_server> server;
  failure fault;
  if (auto started = http_server::start(actors, public_front, make_http_options(config)))
    server = std::move(*started);
  else
    fault = describe(started.error());
  if (!fault && config.caf.port > 0)
    if (auto port = publish_front(public_front, config); !port)
      fault = describe(port.error());
  if (!fault) {
    log_line(severity::info, "node", "listening",
             {{"http", "http://" + config.http.address + ":" + std::to_string(server->port())},
              {"data_dir", config.node.data_dir},
              {"pid", ::getpid()}});
    if (daemon)
      log_line(severity::info, "node", "running in the background");
    wait_for_end();
  }
  stop(actors, top, config);
  if (server)
    server->stop();
  withdraw_membership(actors);
  caf::anon_send_exit(front, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(own_gateway, caf::exit_reason::user_shutdown);
  auto status = fault ? fail(fault) : 0;
  leave_for_sure(status);
  server.reset();
  actors.await_all_actors_done();
  stop_logging();
  return status;
}

} // namespace overwatch
