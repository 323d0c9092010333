#include "runtime/security/security_scan.hpp"

#include "messages/error_code.hpp"
#include "messages/task_id.hpp"
#include "runtime/handlers/json_text.hpp"
#include "runtime/handlers/low_priority.hpp"
#include "runtime/security/scan_result.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>

namespace overwatch::security {

namespace {

using std::chrono::steady_clock;

std::string directory_of(const settings& config) {
  return config.security.directory.empty() ? config.node.data_dir + "/node.security" : config.security.directory;
}

std::vector<const check*> chosen_checks(const scan_options& options) {
  std::vector<const check*> result;
  for (const auto& one : checks())
    if (options.checks.empty() ? one.by_default : options.checks.count(std::string{one.name}) > 0)
      result.push_back(&one);
  return result;
}

// The progress of each check becomes its share of the whole; a finer step than half a percent is not told.
class whole_progress {
public:
  whole_progress(const attempt_context& ctx, const std::vector<const check*>& chosen) : ctx_{ctx} {
    for (const auto* one : chosen)
      total_ += one->weight;
  }
  void begin(const check& one) {
    done_ += weight_;
    weight_ = one.weight;
    name_ = one.name;
    last_ = -1;
    tell(0, std::string{one.about});
  }
  void tell(double percent, const std::string& message) {
    auto whole = 98 * (done_ + weight_ * percent / 100) / std::max(total_, 1.0);
    auto now = steady_clock::now();
    if (last_ >= 0 && whole - last_ < 0.5 && now - told_ < std::chrono::seconds{1})
      return;
    last_ = whole;
    told_ = now;
    ctx_.progress(whole, name_ + ": " + message);
  }

private:
  const attempt_context& ctx_;
  std::string name_;
  double total_ = 0, done_ = 0, weight_ = 0, last_ = -1;
  steady_clock::time_point told_;
};

suppressions read_suppressions(const attempt_context& ctx) {
  suppressions result;
  std::string error;
  try {
    auto key = ctx.node().get_key(suppressions_key);
    if (key)
      error = parse_suppressions(key->value, result);
    else if (key.error() != ec::not_found)
      error = "suppressions cannot be read, so everything counts";
  } catch (const std::logic_error&) {
    // Without a node nothing is suppressed.
  }
  if (!error.empty())
    ctx.log(log_level::warning, error);
  return result;
}

scan_memory memory_of(const attempt_context& ctx, const findings& found, timestamp time) {
  scan_memory result{to_string(ctx.task().id), iso_time(time), found.checks(), {}};
  for (const auto& one : found.all())
    result.found.emplace(one.id, one.check);
  return result;
}

std::string summary_of(const scan_outcome& x) {
  auto counts = counts_of(x);
  auto text = "score " + std::to_string(score_of(counts[3], counts[2])) + ": " + std::to_string(counts[3]) + " high, " +
              std::to_string(counts[2]) + " medium, " + std::to_string(counts[1]) + " low, " +
              std::to_string(counts[0]) + " info";
  if (!x.compared_with.empty())
    text += "; " + std::to_string(x.difference.appeared.size()) + " new and " +
            std::to_string(x.difference.gone.size()) + " gone since the last scan";
  return text;
}

/// One scan, on the thread with low priority.
class scan_run {
public:
  scan_run(const attempt_context& ctx, const settings& config, scan_options options)
    : ctx_{ctx}, config_{config}, options_{std::move(options)}, directory_{directory_of(config)} {
    options_.exclude.insert(options_.exclude.end(), config.security.exclude.begin(), config.security.exclude.end());
  }

  outcome run() {
    make_directory(directory_);
    directory_ = std::filesystem::absolute(directory_).lexically_normal().string();
    std::optional<tree> root;
    try {
      root.emplace(options_.root);
    } catch (const std::system_error& error) {
      return outcome::failed_for_good("payload.root is \"" + options_.root + "\": it cannot be opened (" +
                                      error.code().message() + "); name a directory that this node may read");
    }
    look(*root);
    return tell();
  }

private:
  void look(const tree& root) {
    auto chosen = chosen_checks(options_);
    whole_progress progress{ctx_, chosen};
    scan_control control;
    control.stopping = [this] { return ctx_.stopping(); };
    control.stop_fd = ctx_.stop_fd();
    control.progress = [&](double percent, const std::string& message) { progress.tell(percent, message); };
    account_book accounts{root};
    scan s{root, accounts, options_, config_, control, time_, directory_, found_};
    for (const auto* one : chosen) {
      s.stop_if_told();
      progress.begin(*one);
      found_.begin(one->name);
      auto start = steady_clock::now();
      one->run(s);
      seconds_[std::string{one->name}] = std::chrono::duration<double>(steady_clock::now() - start).count();
    }
    found_.sort();
    counters_ = s.counters;
    baselines_ = s.baselines;
  }

  outcome tell() {
    scan_outcome x{found_, read_suppressions(ctx_), time_, counters_, baselines_, seconds_, {}, {}, {}, options_.root};
    auto memory = memory_of(ctx_, found_, time_);
    auto file = memory_file(directory_, options_);
    if (auto text = tree{directory_}.read("/" + file.substr(file.rfind('/') + 1), max_memory_bytes); text.error == 0)
      if (auto before = parse_memory(text.text)) {
        x.difference = compare(*before, memory);
        x.compared_with = before->task + " of " + before->time;
        // A check that could not look this time is compared with what was known before, once it can.
        for (const auto& [id, check] : before->found)
          if (before->checks.count(check) > 0 && memory.checks.count(check) == 0)
            memory.found.emplace(id, check);
        memory.checks.insert(before->checks.begin(), before->checks.end());
      }
    x.report = directory_ + "/report-" + memory.time + ".json";
    write_file(x.report, json_text(result_of(x, true)));
    write_file(file, to_json(memory));
    drop_old_reports(directory_, config_.security.max_reports);
    auto counts = counts_of(x);
    auto level = counts[3] + counts[2] > 0 ? log_level::warning : log_level::info;
    ctx_.log(level, summary_of(x));
    ctx_.progress(100, summary_of(x));
    return outcome::completed(json_text(result_of(x, false)));
  }

  static constexpr size_t max_memory_bytes = 64 * 1024 * 1024;

  const attempt_context& ctx_;
  const settings& config_;
  scan_options options_;
  std::string directory_;
  timestamp time_ = now();
  findings found_;
  scan_counters counters_;
  std::vector<baseline_summary> baselines_;
  std::map<std::string, double> seconds_;
};

} // namespace

const std::vector<check>& checks() {
  static const std::vector<check> all{
    {"accounts", "accounts and their passwords", check_accounts, 1, true},
    {"sshd", "settings of the ssh server", check_sshd, 1, true},
    {"sudo", "rules of sudo", check_sudo, 1, true},
    {"kernel", "kernel settings", check_kernel, 1, true},
    {"sockets", "listening sockets and their programs", check_sockets, 2, true},
    {"startup", "what cron and systemd start", check_startup, 3, true},
    {"node", "this node and its certificates", check_node, 1, true},
    {"packages", "known vulnerabilities of packages", check_packages, 10, true},
    {"files", "permissions of files, secrets, set-uid programs", check_files, 60, true},
    {"baseline", "content of configured trees", check_baseline, 30, true},
    {"lynis", "the remarks of lynis", check_lynis, 60, false},
  };
  return all;
}

outcome run_security_scan(const attempt_context& ctx, const settings& config) {
  scan_options options;
  if (auto error = parse_options(ctx.payload(), options); !error.empty())
    return outcome::failed_for_good(error);
  outcome result;
  try {
    run_at_low_priority([&] { result = scan_run{ctx, config, std::move(options)}.run(); });
  } catch (const scan_stopped&) {
    return outcome::failed("stopped before the scan was done");
  } catch (const std::system_error& error) {
    return outcome::failed(std::string{"reports and baselines cannot be written: "} + error.what() +
                           "; security.directory says where they are kept");
  }
  return result;
}

void add_security_scan(handler_registry& registry, const settings& config) {
  handler_options options;
  options.description =
    "Looks for weaknesses of this machine: permissions, accounts, ssh, sudo, sockets, kernel, packages, changed files.";
  options.slots = 1; // two scans would only be in each other's way, on the same disk and the same baselines
  registry.add(
    "security_scan", [config](const attempt_context& ctx) { return run_security_scan(ctx, config); }, options);
}

} // namespace overwatch::security
