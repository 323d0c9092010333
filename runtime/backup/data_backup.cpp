#include "runtime/backup/data_backup.hpp"

#include "runtime/backup/backup_request.hpp"
#include "runtime/backup/backup_results.hpp"
#include "runtime/backup/failure.hpp"
#include "runtime/backup/listing.hpp"
#include "runtime/backup/node_backup.hpp"
#include "runtime/backup/postgres_dump.hpp"
#include "runtime/backup/restore.hpp"
#include "runtime/backup/verify.hpp"
#include "runtime/handlers/json_text.hpp"
#include "runtime/handlers/low_priority.hpp"

#include <unistd.h>

#include <climits>

namespace overwatch {

namespace {

using namespace backup;
namespace json = boost::json;

constexpr std::chrono::milliseconds report_interval{200};

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  ::gethostname(name, sizeof(name) - 1);
  return name;
}

/// One attempt on one repository.
class backup_attempt {
public:
  backup_attempt(const attempt_context& ctx, const settings& config, backup_request request)
    : ctx_{ctx}, config_{config}, request_{std::move(request)}, guard_{config} {
    if (!config.backup.destination.empty())
      configured_.push_back(place_guard::resolve(config.backup.destination, "backup.destination"));
  }

  outcome run() {
    auto writes = request_.what == action::create || request_.what == action::prune ||
                  (request_.what == action::verify && request_.mend);
    repository_access access;
    access.path = place_guard::resolve(request_.destination, "payload.destination");
    guard_.check(access.path, "payload.destination", configured_);
    if (!request_.key_file.empty())
      access.secret = read_key_file(request_.key_file);
    access.create = request_.what == action::create;
    access.exclusive = writes;
    access.unlocked = request_.what == action::list && request_.backup.empty();
    access.purpose = std::string{name_of(request_.what)} + " (task " + to_string(ctx_.task().id) + ", process " +
                     std::to_string(::getpid()) + " on " + host_name() + ", since " + iso_time(now()) + ")";
    repository opened{access};
    problem_list problems{opened, new_backup_id(now()) + "-" + std::string{name_of(request_.what)} + ".txt"};
    switch (request_.what) {
    case action::create:
      return create(opened, problems);
    case action::list:
      return list(opened, problems);
    case action::verify:
      return verify(opened, problems);
    case action::restore:
      return restore(opened, problems);
    default:
      return prune(opened, problems);
    }
  }

private:
  /// `amounts`: what is done is bytes.
  progress_report progress(double from, double to, bool amounts = true) const {
    auto reported = std::make_shared<std::chrono::steady_clock::time_point>();
    return [this, reported, from, to, amounts](uint64_t done, uint64_t planned, const std::string& what) {
      auto time = std::chrono::steady_clock::now();
      if (time - *reported < report_interval)
        return;
      *reported = time;
      auto share = planned == 0 ? 0.0 : static_cast<double>(done) / static_cast<double>(planned);
      auto text = amounts && done > 0 ? size_text(done) + " of " + size_text(planned) + ": " : std::string{};
      ctx_.progress(from + (to - from) * share, text + printable_path(what));
    };
  }

  stop_check stop() const {
    return [this] { return ctx_.stopping(); };
  }

  /// What was seen of the operation, in a line of the log and as the result.
  outcome finish(json::object&& result, const std::string& summary, const problem_list& problems, bool good) const {
    result["summary"] = summary;
    result["problems"] = to_json(problems);
    auto spotless = problems.total() == problems.count(problem_kind::note);
    ctx_.log(!good ? log_level::error : spotless ? log_level::info : log_level::warning, summary);
    ctx_.progress(100, summary);
    if (good)
      return outcome::completed(json_text(result));
    auto failed = outcome::failed(summary, json_text(result));
    failed.retryable = false;
    return failed;
  }

  json::object result_on(const repository& where) const {
    return {{"action", name_of(request_.what)}, {"destination", printable_path(where.path())}};
  }

  outcome create(const repository& to, problem_list& problems) {
    create_options options;
    options.sources = request_.sources;
    options.excludes = request_.exclude;
    options.dumps = postgres_dumps(request_.postgresql, ctx_.stop_fd());
    options.host = host_name();
    options.level = static_cast<int>(request_.level);
    options.one_file_system = request_.one_file_system;
    options.sqlite = request_.sqlite;
    options.check_space = request_.check_space;
    options.progress = progress(1, request_.keep.any() ? 90 : 99);
    options.stop = stop();
    if (!request_.configured_sources)
      options.check_source = [this](const std::string& path) { guard_.check(path, "payload.sources"); };
    auto made = create_backup(to, options, problems);
    auto result = result_on(to);
    add(result, made);
    auto summary = summary_of(made);
    if (request_.keep.any()) {
      auto pruned = prune_repository(to, pruning(), problems);
      result["pruned"] = to_json(pruned);
      if (!pruned.removed.empty())
        summary += "; " + std::to_string(pruned.removed.size()) + " old backups removed";
    }
    return finish(std::move(result), summary, problems, true);
  }

  prune_options pruning() const {
    prune_options options;
    options.keep = request_.keep;
    options.remove = request_.remove;
    options.dry_run = request_.dry_run;
    options.level = static_cast<int>(request_.level);
    options.progress = progress(request_.what == action::prune ? 1 : 90, 99, false);
    options.stop = stop();
    return options;
  }

  outcome list(const repository& which, problem_list& problems) {
    auto result = result_on(which);
    auto summary = request_.backup.empty()
                     ? list_backups(which, request_.limit, problems, result)
                     : list_entries(which, request_.backup, request_.paths, request_.limit, stop(), result);
    return finish(std::move(result), summary, problems, true);
  }

  outcome verify(const repository& which, problem_list& problems) {
    auto checked = verify_repository(which, progress(1, 99), stop(), problems);
    auto result = result_on(which);
    add(result, checked);
    auto summary = summary_of(checked);
    if (request_.mend && !checked.packs_to_mend.empty()) {
      auto mended = mend_repository(which, checked.packs_to_mend, static_cast<int>(request_.level), stop());
      result["mended"] = json::object{{"packs", mended.packs}, {"chunks", mended.chunks}};
      summary += "; " + std::to_string(mended.chunks) + " chunks saved from " + std::to_string(mended.packs) +
                 " damaged packs: run a backup now, it stores again what it finds missing";
    }
    return finish(std::move(result), summary, problems, checked.whole());
  }

  outcome restore(const repository& from, problem_list& problems) {
    restore_options options;
    options.target = place_guard::resolve(request_.target, "payload.target");
    guard_.check(options.target, "payload.target");
    options.paths = request_.paths;
    options.overwrite = request_.overwrite;
    options.progress = progress(1, 99);
    options.stop = stop();
    auto which = from.read_backup(request_.backup);
    auto counts = restore_backup(from, which, options, problems);
    auto result = result_on(from);
    result["backup"] = which.id;
    result["target"] = printable_path(options.target);
    add(result, counts);
    auto failed = problems.count(problem_kind::damaged) + problems.count(problem_kind::failed);
    return finish(std::move(result), summary_of(counts, problems), problems, failed == 0);
  }

  outcome prune(const repository& which, problem_list& problems) {
    auto pruned = prune_repository(which, pruning(), problems);
    auto result = result_on(which);
    result["dry_run"] = request_.dry_run;
    result["pruned"] = to_json(pruned);
    return finish(std::move(result), summary_of(pruned, request_.dry_run), problems, true);
  }

  const attempt_context& ctx_;
  const settings& config_;
  backup_request request_;
  place_guard guard_;
  std::vector<std::string> configured_;
};

} // namespace

outcome run_data_backup(const attempt_context& ctx, const settings& config) {
  backup_request request;
  if (auto error = parse_request(ctx.payload(), config, request); !error.empty())
    return outcome::failed_for_good(error);
  outcome result;
  run_at_low_priority([&] {
    try {
      result = backup_attempt{ctx, config, std::move(request)}.run();
    } catch (const stopped&) {
      result = outcome::failed("stopped before it was done; what is stored already is used by the next run");
    } catch (const backup_failed& error) {
      result = error.retryable() ? outcome::failed(error.what()) : outcome::failed_for_good(error.what());
    }
  });
  return result;
}

void add_backup_handler(handler_registry& registry, const settings& config, rocks_store* store) {
  registry.add("data_backup",
               [config, store](const attempt_context& ctx) {
                 return store != nullptr && is_node_backup(ctx.payload()) ? run_node_backup(ctx, config, *store)
                                                                          : run_data_backup(ctx, config);
               },
               {"Backs up files and databases into a repository of chunks; lists, verifies, restores and prunes it."});
}

} // namespace overwatch
