#include "tests/bench/report.hpp"

#include <boost/json.hpp>

#include <cmath>
#include <cstdio>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace overwatch::bench {

namespace {

struct row {
  std::string_view key;
  std::string_view label;
  std::string_view limit; // key of the machine's limit it leans on; empty: none
  double limit_factor;    // times that limit
  std::string_view aim;
  std::string_view peer; // the best other system, and the best one that executes tasks durably
  int digits = 0;
};

/// Every key there is, in the order of the table.
const std::vector<row>& rows() {
  static const std::vector<row> all{
    {"fsync_per_s", "appends of 4 KiB with fdatasync /s", "", 1, "", ""},
    {"fsync_p50_us", "  p50 us", "", 1, "", ""},
    {"fsync_p99_us", "  p99 us", "", 1, "", ""},
    {"rocksdb_sync_batch_per_s", "RocksDB records/s, synced batches of 100", "", 1, "", ""},
    {"http_hello_per_s", "hello requests/s of this server", "", 1, "", ""},
    {"http_single_per_s", "HTTP submits/s, one per request", "http_hello_per_s", 1, "16,000",
     "15,900 Redis Streams, 7,600 BullMQ"},
    {"http_single_p50_us", "  p50 us", "", 1, "", ""},
    {"http_single_p99_us", "  p99 us", "", 1, "", ""},
    {"http_single_running_per_s", "  while the node also runs them", "http_hello_per_s", 1, "", ""},
    {"http_batch_per_s", "HTTP submits/s, batches of 500", "rocksdb_sync_batch_per_s", 1, "100,000",
     "71,000 Redis Streams, 59,500 Sidekiq"},
    {"http_batch_p50_us", "  p50 us of a batch", "", 1, "", ""},
    {"http_batch_p99_us", "  p99 us of a batch", "", 1, "", ""},
    {"caf_batch_per_s", "CAF submits/s, batches of 500", "rocksdb_sync_batch_per_s", 1, "100,000", ""},
    {"end_to_end_per_s", "tasks/s, submit to durable outcome", "rocksdb_sync_batch_per_s", 1, "50,000",
     "16,600 Redis Streams, 4,600 bee-queue"},
    {"start_p50_us", "us from submit to start, idle, p50", "fsync_p50_us", 2, "below 2 fsyncs",
     "700 Redis Streams, 1,800 Sidekiq"},
    {"start_p99_us", "  p99 us", "fsync_p99_us", 2, "", ""},
    {"submit_p50_us", "us until a lone submit is acknowledged, p50", "fsync_p50_us", 1, "", ""},
    {"outcome_p50_us", "us from submit to outcome as a client sees it, p50", "fsync_p50_us", 3, "", ""},
    {"outcome_p99_us", "  p99 us", "fsync_p99_us", 3, "", ""},
    {"rss_empty_mb", "MB resident, nothing queued", "", 1, "", "", 1},
    {"rss_100k_mb", "  100,000 queued", "", 1, "", "", 1},
    {"rss_deep_mb", "  the deep queue", "", 1, "", "", 1},
    {"bytes_per_queued_task_100k", "bytes of memory per queued task, 100,000", "", 1, "", ""},
    {"bytes_per_queued_task", "  the deep queue", "", 1, "107 (10 M in 1 GB)", ""},
    {"deep_tasks", "tasks in the deep queue", "", 1, "", ""},
    {"deep_submit_per_s", "HTTP submits/s, batches, the last tenth of the deep queue", "rocksdb_sync_batch_per_s", 1,
     "", ""},
    {"shallow_per_s", "tasks/s, submitting and running, 10,000 queued", "rocksdb_sync_batch_per_s", 1, "", ""},
    {"deep_per_s", "  the same with the deep queue", "rocksdb_sync_batch_per_s", 1, "", ""},
    {"deep_ratio", "  deep over 10,000 queued", "", 1, "", "", 2},
    {"drained_per_s", "tasks/s, draining the deep queue", "rocksdb_sync_batch_per_s", 1, "",
     "89,000 Redis Streams, 10,700 graphile-worker"},
    {"decisions_few_per_s", "tasks/s through the deciding actors, 1,000 waiting", "rocksdb_sync_batch_per_s", 1,
     "", ""},
    {"decisions_some_per_s", "  the same with 100,000", "rocksdb_sync_batch_per_s", 1, "", ""},
    {"decisions_many_per_s", "  the same with the deep queue", "rocksdb_sync_batch_per_s", 1, "", ""},
    {"decisions_ratio_some", "  100,000 over 1,000", "", 1, "", "", 2},
    {"decisions_ratio_many", "  deep over 1,000", "", 1, "", "", 2},
    {"gate_open_ms", "ms until the opening of a gate is durable, 100,000 tasks wait for it", "", 1, "", "", 1},
    {"gate_released_s", "  s until all of them are in the queue", "", 1, "", "", 2},
    {"backup_mb", "MB of the tree that is backed up", "", 1, "", ""},
    {"backup_first_s", "s for its first backup", "", 1, "", "", 2},
    {"backup_tar_first_s", "  tar and zstd", "", 1, "", "", 2},
    {"backup_restic_first_s", "  restic", "", 1, "", "", 2},
    {"backup_borg_first_s", "  borg", "", 1, "", "", 2},
    {"backup_again_s", "s after few changes", "", 1, "", "", 2},
    {"backup_tar_again_s", "  tar and zstd", "", 1, "", "", 2},
    {"backup_restic_again_s", "  restic", "", 1, "", "", 2},
    {"backup_borg_again_s", "  borg", "", 1, "", "", 2},
    {"backup_verify_s", "s to verify", "", 1, "", "", 2},
    {"backup_tar_verify_s", "  tar and zstd", "", 1, "", "", 2},
    {"backup_restic_verify_s", "  restic", "", 1, "", "", 2},
    {"backup_borg_verify_s", "  borg", "", 1, "", "", 2},
    {"backup_restore_s", "s to restore", "", 1, "", "", 2},
    {"backup_tar_restore_s", "  tar and zstd", "", 1, "", "", 2},
    {"backup_restic_restore_s", "  restic", "", 1, "", "", 2},
    {"backup_borg_restore_s", "  borg", "", 1, "", "", 2},
    {"snapshot_mb", "MB in a tree of large, medium and small files", "", 1, "", ""},
    {"snapshot_capture_s", "  s to capture it, durably", "", 1, "", "", 2},
    {"snapshot_capture_per_cp", "    over cp -a and sync", "", 1, "1", "", 2},
    {"snapshot_capture_per_tar", "    over tar c and sync", "", 1, "1", "", 2},
    {"snapshot_unchanged_s", "  s to restore it when nothing changed", "", 1, "", "", 2},
    {"snapshot_damaged_s", "  s when 1 of 100 small files did", "", 1, "", "", 2},
    {"snapshot_restore_s", "  s when everything is gone", "", 1, "", "", 2},
    {"snapshot_restore_per_cp", "    over cp -a and sync", "", 1, "1", "", 2},
    {"snapshot_restore_per_tar", "    over tar x and sync", "", 1, "1", "", 2},
    {"snapshot_drop_s", "  s to drop it", "", 1, "", "", 2},
    {"scan_files", "files in a tree that is scanned for weaknesses", "", 1, "", ""},
    {"scan_per_s", "  files/s", "", 1, "", ""},
    {"scan_find_per_s", "  files/s of find with the same tests", "", 1, "", ""},
    {"scan_per_find", "    scan over find", "", 1, "1", "", 2},
    {"log_lone_single_per_s", "log without Raft: entries/s, one task each, 1 in flight", "fsync_per_s", 1, "", ""},
    {"log_lone_raft_per_s", "  with Raft, one node", "log_lone_single_per_s", 1, "80%", ""},
    {"log_small_single_per_s", "log without Raft: entries/s, one task each, 64 in flight", "", 1, "", ""},
    {"log_small_raft_per_s", "  with Raft, one node", "log_small_single_per_s", 1, "80%", ""},
    {"log_large_single_per_s", "log without Raft: entries/s, 100 tasks each, 4 in flight", "", 1, "", ""},
    {"log_large_raft_per_s", "  with Raft, one node", "log_large_single_per_s", 1, "80%", ""},
    {"nodes1_submit_p50_us", "1 node: us until a lone submit is acknowledged, p50", "fsync_p50_us", 1, "", ""},
    {"nodes1_single_per_s", "  submits/s, one per request", "", 1, "", ""},
    {"nodes1_single_p50_us", "    p50 us", "", 1, "", ""},
    {"nodes1_single_p99_us", "    p99 us", "", 1, "", ""},
    {"nodes1_single_running_per_s", "    while the nodes also run them", "", 1, "", ""},
    {"nodes1_batch_per_s", "  submits/s, batches of 500", "rocksdb_sync_batch_per_s", 1, "", ""},
    {"nodes1_end_to_end_per_s", "  tasks/s, submit to durable outcome", "rocksdb_sync_batch_per_s", 1, "", ""},
    {"nodes3_submit_p50_us", "3 nodes: us until a lone submit is acknowledged, p50", "nodes1_submit_p50_us", 1, "",
     ""},
    {"nodes3_follower_submit_p50_us", "  through a node that does not lead", "nodes3_submit_p50_us", 1, "", ""},
    {"nodes3_single_per_s", "  submits/s, one per request", "nodes1_single_per_s", 1, "", ""},
    {"nodes3_single_p50_us", "    p50 us", "", 1, "", ""},
    {"nodes3_single_p99_us", "    p99 us", "", 1, "", ""},
    {"nodes3_follower_single_per_s", "    through a node that does not lead", "nodes3_single_per_s", 1, "", ""},
    {"nodes3_single_running_per_s", "    while the nodes also run them", "nodes1_single_running_per_s", 1, "", ""},
    {"nodes3_batch_per_s", "  submits/s, batches of 500", "nodes1_batch_per_s", 1, "", ""},
    {"nodes3_end_to_end_per_s", "  tasks/s, submit to durable outcome", "nodes1_end_to_end_per_s", 1, "20,000", ""},
    {"partitions1_end_to_end_per_s", "3 nodes, 1 partition: tasks/s, batches of 500", "", 1, "", ""},
    {"partitions1_single_per_s", "  tasks/s, one per request", "", 1, "", ""},
    {"partitions8_end_to_end_per_s", "3 nodes, 8 partitions: tasks/s, batches of 500", "partitions1_end_to_end_per_s",
     1, "", ""},
    {"partitions8_single_per_s", "  tasks/s, one per request", "partitions1_single_per_s", 1, "", ""},
    {"partitions64_end_to_end_per_s", "3 nodes, 64 partitions: tasks/s, batches of 500", "partitions1_end_to_end_per_s",
     1, "", ""},
    {"partitions64_single_per_s", "  tasks/s, one per request", "partitions1_single_per_s", 1, "", ""},
    {"catch_up_tasks", "tasks in the queue when a node loses its disk", "", 1, "", ""},
    {"catch_up_mb", "  MB of data when it has them again", "", 1, "", ""},
    {"catch_up_s", "  s from its start until it has all and a vote", "", 1, "", "", 2},
    {"catch_up_tasks_per_s", "  tasks/s", "", 1, "", ""},
    {"catch_up_cp_s", "  s of cp -a of its data and sync", "", 1, "", "", 2},
    {"catch_up_per_cp", "    catching up over cp", "", 1, "", "", 1},
    {"fail_over_rounds", "leaders of three nodes killed with -9", "", 1, "", ""},
    {"fail_over_p50_ms", "  ms until the next submit is acknowledged, p50", "", 1, "2,000", ""},
    {"fail_over_max_ms", "  longest", "", 1, "2,000", ""},
    {"idle1_percent", "3 idle nodes, 1 partition: % of a core, the busiest node", "", 1, "", "", 2},
    {"idle1_first_percent", "  in the first minute after the start", "", 1, "", "", 2},
    {"idle1_mb", "  MB resident, the largest node", "", 1, "", "", 1},
    {"idle8_percent", "3 idle nodes, 8 partitions: % of a core, the busiest node", "", 1, "", "", 2},
    {"idle8_first_percent", "  in the first minute after the start", "", 1, "", "", 2},
    {"idle8_mb", "  MB resident, the largest node", "idle1_mb", 1, "", "", 1},
    {"idle64_percent", "3 idle nodes, 64 partitions: % of a core, the busiest node", "", 1, "1", "", 2},
    {"idle64_first_percent", "  in the first minute after the start", "", 1, "", "", 2},
    {"idle64_mb", "  MB resident, the largest node", "idle1_mb", 1, "", "", 1},
    {"kill_rounds", "rounds of kill -9 under load", "", 1, "", ""},
    {"kill_acknowledged", "  acknowledged tasks", "", 1, "", ""},
    {"kill_missing", "  of them missing after the restart", "", 1, "0", ""},
    {"kill_doubled", "  outcomes beyond one per task", "", 1, "0", ""},
    {"kill_restart_p50_ms", "  ms until the node served again, p50", "", 1, "", ""},
  };
  return all;
}

struct peer {
  std::string_view name, single, bulk, drained, end_to_end, start_ms;
};

constexpr peer peers[]{
  {"BullMQ", "7,600", "14,400", "5,000", "3,000", "2.8"},
  {"bee-queue", "6,900", "16,900", "6,700", "4,600", "1.9"},
  {"graphile-worker", "1,100", "32,400", "10,700", "490", "5.5"},
  {"Sidekiq", "2,250", "59,500", "6,200", "1,300", "1.8"},
  {"Restate", "970", "-", "-", "500", "5.8"},
  {"Redis Streams (only a log)", "15,900", "71,000", "89,000", "16,600", "0.7"},
};

std::string format(double value, int digits) {
  if (digits > 0) {
    char text[64];
    snprintf(text, sizeof(text), "%.*f", digits, value);
    return text;
  }
  auto text = std::to_string(std::llround(value));
  for (int i = static_cast<int>(text.size()) - 3; i > 0; i -= 3)
    text.insert(static_cast<size_t>(i), ",");
  return text;
}

/// With three digits after the point where there is something to show.
std::string plain_number(double value) {
  if (value == std::round(value))
    return std::to_string(std::llround(value));
  char text[64];
  snprintf(text, sizeof(text), "%.3f", value);
  return text;
}

std::string share_of(double value, double limit) {
  return limit > 0 ? std::to_string(std::llround(100 * value / limit)) + "%" : std::string{};
}

} // namespace

void report::set(const std::string& key, double value) {
  for (const auto& x : rows())
    if (x.key == key) {
      values_[key] = value;
      return;
    }
  throw std::logic_error{"the report has no row for " + key};
}

std::optional<double> report::get(const std::string& key) const {
  auto found = values_.find(key);
  return found == values_.end() ? std::nullopt : std::optional<double>{found->second};
}

void report::print_table(std::ostream& out, const machine& on) const {
  out << "overwatch " << version_ << " on " << on.cores << " cores (" << on.processor << "), " << on.memory_mb
      << " MiB, " << on.disk << ", " << on.kernel << "\n"
      << "The load generator runs beside the node on the same cores. Every submit and outcome is durable (fsync).\n\n";
  auto line = [&](std::string_view a, std::string_view b, std::string_view c, std::string_view d, std::string_view e) {
    std::ostringstream text;
    text << std::left << std::setw(58) << a << std::right << std::setw(12) << b << "  " << std::left << std::setw(40)
         << c << std::setw(20) << d << e;
    auto padded = text.str();
    out << padded.substr(0, padded.find_last_not_of(' ') + 1) << "\n";
  };
  line("result", "value", "share of this machine's limit", "aim", "best peers, measured elsewhere on such a machine");
  for (const auto& x : rows()) {
    auto value = get(std::string{x.key});
    if (!value)
      continue;
    std::string share;
    if (auto limit = get(std::string{x.limit}))
      share = share_of(*value, *limit * x.limit_factor) + " of " +
              (x.limit_factor == 1 ? "" : format(x.limit_factor, 0) + " x ") + std::string{x.limit};
    line(x.label, format(*value, x.digits), share, x.aim, x.peer);
  }
  print_peers(out);
}

void report::print_peers(std::ostream& out) const {
  bool comparable = false;
  auto own = [&](const std::string& key, double factor = 1, int digits = 0) {
    auto value = get(key);
    comparable |= value.has_value();
    return value ? format(*value * factor, digits) : std::string{"-"};
  };
  std::string values[]{own("http_single_per_s"), own("http_batch_per_s"), own("drained_per_s"), own("end_to_end_per_s"),
                       own("start_p50_us", 0.001, 2)};
  if (!comparable)
    return;
  auto line = [&](const peer& x) {
    out << std::left << std::setw(30) << x.name << std::right << std::setw(12) << x.single << std::setw(12) << x.bulk
        << std::setw(12) << x.drained << std::setw(12) << x.end_to_end << std::setw(14) << x.start_ms << "\n";
  };
  out << "\nThe peers were measured elsewhere on such a machine: 16 in flight, fsync on every acknowledgement.\n";
  line({"tasks/s", "one by one", "bulk", "drained", "end to end", "start p50 ms"});
  line({"Overwatch, here", values[0], values[1], values[2], values[3], values[4]});
  for (const auto& x : peers)
    line(x);
}

void report::print_json(std::ostream& out, const machine& on) const {
  boost::json::object about{{"processor", on.processor},
                            {"cores", on.cores},
                            {"memory_mb", on.memory_mb},
                            {"disk", on.disk},
                            {"kernel", on.kernel}};
  out << "{\"version\":" << boost::json::serialize(boost::json::value(version_))
      << ",\"machine\":" << boost::json::serialize(about);
  for (const auto& x : rows())
    if (auto value = get(std::string{x.key}))
      out << ",\"" << x.key << "\":" << plain_number(*value); // Boost.JSON would write 4.2E3
  out << "}\n";
}

} // namespace overwatch::bench
