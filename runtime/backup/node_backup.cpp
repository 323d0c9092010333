#include "runtime/backup/node_backup.hpp"

#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "messages/codec.hpp"
#include "runtime/backup/backup_request.hpp"
#include "runtime/backup/backup_results.hpp"
#include "runtime/backup/failure.hpp"
#include "runtime/backup/retention.hpp"
#include "runtime/handlers/json_text.hpp"
#include "runtime/handlers/low_priority.hpp"
#include "runtime/storage/rocks_store.hpp"
#include "runtime/storage/store_backup.hpp"

#include <boost/json.hpp>

#include <climits>
#include <unistd.h>

#include <algorithm>

namespace overwatch {

namespace {

using namespace backup;
namespace json = boost::json;

constexpr uint32_t max_kept = 100'000;
constexpr size_t max_listed = 1000; // backups in a result

// A node that is further behind its leaders for so long does not catch up; another one is a better source.
constexpr std::chrono::seconds catch_up_limit{60};
constexpr milliseconds catch_up_interval{50};

std::string own_name(const settings& config) {
  if (!config.node.name.empty())
    return config.node.name;
  char name[HOST_NAME_MAX + 1] = {};
  ::gethostname(name, sizeof(name) - 1);
  return name;
}

struct node_request {
  std::string action = "create";
  std::string destination;
  std::optional<uint32_t> backup;
  keep_rules keep;
  bool verify = true;
  bool dry_run = false;
};

/// What is used when neither payload nor place say something else: beside the repository of files.
std::string usual_place(const settings& config) {
  return config.backup.destination.empty() ? std::string{} : config.backup.destination + "-node";
}

std::string read_keep(const json::value& value, keep_rules& keep) {
  constexpr const char* wrong = "payload.keep must be an object with last, daily, weekly, monthly: whole numbers";
  if (!value.is_object())
    return wrong;
  keep = {};
  for (const auto& [name, count] : value.get_object()) {
    auto* place = name == "last"      ? &keep.last
                  : name == "daily"   ? &keep.daily
                  : name == "weekly"  ? &keep.weekly
                  : name == "monthly" ? &keep.monthly
                                      : nullptr;
    if (place == nullptr || !count.is_int64() || count.get_int64() < 0 || count.get_int64() > max_kept)
      return wrong;
    *place = static_cast<uint32_t>(count.get_int64());
  }
  return {};
}

std::string read_field(std::string_view key, const json::value& value, node_request& x) {
  if (key == "source")
    return {};
  if (key == "keep")
    return read_keep(value, x.keep);
  if (key == "verify" || key == "dry_run") {
    if (!value.is_bool())
      return "payload." + std::string{key} + " must be true or false";
    (key == "verify" ? x.verify : x.dry_run) = value.get_bool();
    return {};
  }
  const auto* text = value.if_string();
  if (key == "backup" && text != nullptr && !text->empty() && text->size() <= 9 &&
      std::string_view{*text}.find_first_not_of("0123456789") == std::string_view::npos) {
    x.backup = static_cast<uint32_t>(std::stoul(std::string{*text}));
    return {};
  }
  if (key == "destination" && text != nullptr && !text->empty() && text->front() == '/') {
    x.destination = *text;
    return {};
  }
  if (key == "action" && text != nullptr) {
    x.action = *text;
    if (x.action == "restore")
      return "a node's store is restored while no node runs on it: overwatch restore --from DIR --data-dir DIR";
    if (x.action == "create" || x.action == "list" || x.action == "verify" || x.action == "prune")
      return {};
  }
  return "payload." + std::string{key} +
         " is unknown or wrong; with source \"node\" there are action (create, list, verify or prune), destination (an "
         "absolute path), backup (a number, as text), keep, verify and dry_run";
}

std::string parse(std::string_view payload, const settings& config, node_request& x) {
  json::object fields;
  if (auto error = parse_payload(payload, fields); !error.empty())
    return error;
  x.destination = usual_place(config);
  for (const auto& [key, value] : fields)
    if (auto error = read_field(key, value, x); !error.empty())
      return error;
  if (x.destination.empty())
    return "payload.destination is missing, and backup.destination is not configured";
  if (x.destination == usual_place(config) && fields.count("keep") == 0)
    x.keep = {config.backup.keep_last, config.backup.keep_daily, config.backup.keep_weekly, config.backup.keep_monthly};
  return {};
}

json::object to_json(const store_backup& x) {
  return {{"backup", std::to_string(x.id)},
          {"started", iso_time(x.time)},
          {"host", x.node},
          {"sources", json::array{"store"}},
          {"files", x.files},
          {"bytes", x.bytes},
          {"new_bytes", x.new_bytes},
          {"stored_bytes", x.new_bytes},
          {"new_files", x.new_files}};
}

/// Ends an attempt; thrown by what cannot go on.
struct unfinished {
  outcome result;
};

class node_backup_attempt {
public:
  node_backup_attempt(const attempt_context& ctx, const settings& config, rocks_store& store, node_request request)
    : ctx_{ctx}, config_{config}, store_{store}, request_{std::move(request)} {}

  outcome run() {
    place_guard guard{config_};
    auto path = place_guard::resolve(request_.destination, "payload.destination");
    std::vector<std::string> configured;
    if (auto usual = usual_place(config_); !usual.empty())
      configured.push_back(place_guard::resolve(usual, "backup.destination"));
    guard.check(path, "payload.destination", configured);
    request_.destination = path;
    result_ = {{"action", request_.action}, {"source", "node"}, {"destination", path}};
    if (request_.action == "create")
      return create();
    if (request_.action == "list")
      return list();
    if (request_.action == "verify")
      return verify();
    auto summary = prune();
    return finish(summary);
  }

private:
  backup_watch watch(double from, double to, const char* what) const {
    return {[this] { return ctx_.stopping(); },
            [this, from, to, what](double share) { ctx_.progress(from + (to - from) * share, what); }};
  }

  template <class T>
  T require(caf::expected<T> x) const {
    if (x)
      return std::move(*x);
    auto reason = describe(x.error());
    if (ctx_.stopping())
      throw unfinished{outcome::failed("stopped before it was done")};
    throw unfinished{reason.code == ec::invalid || reason.code == ec::not_found
                       ? outcome::failed_for_good(reason.message)
                       : outcome::failed(reason.message)};
  }

  // What this node's store has of a partition: the state is written a little behind the log.
  uint64_t stored_position(partition_id partition) const {
    partition_totals totals;
    auto stored = store_.get(key_space::state, keys::meta(partition));
    return stored && decode(*stored, totals) ? totals.applied : 0;
  }

  // The leaders may be elsewhere: what they have acknowledged has to be in the store that is copied.
  void wait_for_acknowledged() const {
    auto positions = require(ctx_.node().acknowledged());
    auto end = std::chrono::steady_clock::now() + catch_up_limit;
    for (partition_id partition = 0; partition < positions.size(); ++partition)
      while (stored_position(partition) < positions[partition]) {
        if (ctx_.wait_for(catch_up_interval))
          throw unfinished{outcome::failed("stopped before it was done")};
        if (std::chrono::steady_clock::now() >= end)
          throw unfinished{outcome::failed("this node is behind the leader of partition " + std::to_string(partition) +
                                           " and did not catch up within " + std::to_string(catch_up_limit.count()) +
                                           " s: take the backup of another node (placement), or when it has")};
      }
  }

  outcome create() {
    ctx_.progress(0, "asking the leaders what was acknowledged");
    wait_for_acknowledged();
    auto copied = request_.verify ? 60.0 : 95.0;
    auto made =
      require(create_store_backup(store_, request_.destination, own_name(config_), watch(1, copied, "copying")));
    for (auto& [name, value] : to_json(made))
      result_[name] = value;
    auto summary = "backup " + std::to_string(made.id) + " of the node's store: " + size_text(made.bytes) +
                   ", of which " + size_text(made.new_bytes) + " are new";
    if (request_.verify) {
      auto verified = require(verify_store_backups(request_.destination, made.id, watch(copied, 95, "reading back")));
      result_["verified"] = true;
      if (auto damage = verified.front().damage; !damage.empty()) {
        remove_store_backups(request_.destination, {made.id});
        return outcome::failed("backup " + std::to_string(made.id) +
                               " was damaged when it was read back, and is removed: " + damage +
                               ". If it shares a damaged file with earlier ones, verify says which: remove them, "
                               "or take another destination");
      }
      summary += "; read back, every checksum holds";
    }
    if (request_.keep.any())
      summary += "; " + prune();
    return finish(summary);
  }

  outcome list() {
    auto all = require(list_store_backups(request_.destination));
    json::array shown;
    for (auto i = all.rbegin(); i != all.rend() && shown.size() < max_listed; ++i)
      shown.push_back(to_json(*i));
    result_["backups"] = std::move(shown);
    return finish(std::to_string(all.size()) + " backups of a node's store");
  }

  outcome verify() {
    auto all = require(verify_store_backups(request_.destination, request_.backup, watch(1, 99, "reading back")));
    json::array damaged;
    for (const auto& x : all)
      if (!x.damage.empty())
        damaged.push_back({{"kind", "damaged"}, {"path", "backup " + std::to_string(x.id)}, {"reason", x.damage}});
    result_["backups"] = all.size();
    result_["damaged_backups"] = damaged.size();
    result_["whole"] = damaged.empty();
    auto summary = damaged.empty()
                     ? "all " + std::to_string(all.size()) + " backups are good: every checksum holds"
                     : std::to_string(damaged.size()) + " of " + std::to_string(all.size()) + " backups are damaged";
    result_["problems"] = json::object{{"total", damaged.size()}, {"first", damaged}};
    if (damaged.empty())
      return finish(summary);
    result_["summary"] = summary;
    auto failed = outcome::failed(summary, json_text(result_));
    failed.retryable = false;
    return failed;
  }

  std::string prune() {
    auto all = require(list_store_backups(request_.destination));
    std::vector<timestamp> times;
    for (const auto& x : all)
      times.push_back(x.time);
    auto kept = kept_by(request_.keep, times);
    std::set<uint32_t> gone;
    for (size_t i = 0; i < all.size(); ++i)
      if (!kept[i])
        gone.insert(all[i].id);
    uint64_t freed = 0;
    if (!gone.empty() && !request_.dry_run)
      freed = require(remove_store_backups(request_.destination, gone));
    json::array ids;
    for (auto id : gone)
      ids.emplace_back(std::to_string(id));
    result_["dry_run"] = request_.dry_run;
    result_["pruned"] = json::object{{"removed_backups", gone.size()},
                                     {"kept_backups", all.size() - gone.size()},
                                     {"removed", ids},
                                     {"freed_bytes", freed}};
    return std::to_string(gone.size()) +
           (request_.dry_run ? " old backups would be removed" : " old backups removed, ") +
           (request_.dry_run ? "" : size_text(freed) + " freed");
  }

  outcome finish(const std::string& summary) {
    result_["summary"] = summary;
    ctx_.log(log_level::info, summary);
    ctx_.progress(100, summary);
    return outcome::completed(json_text(result_));
  }

  const attempt_context& ctx_;
  const settings& config_;
  rocks_store& store_;
  node_request request_;
  json::object result_;
};

} // namespace

bool is_node_backup(std::string_view payload) {
  json::object fields;
  if (!parse_payload(payload, fields).empty())
    return false;
  const auto* source = fields.if_contains("source");
  return source != nullptr && source->is_string() && source->get_string() == "node";
}

outcome run_node_backup(const attempt_context& ctx, const settings& config, rocks_store& store) {
  node_request request;
  if (auto error = parse(ctx.payload(), config, request); !error.empty())
    return outcome::failed_for_good(error);
  outcome result;
  run_at_low_priority([&] {
    try {
      result = node_backup_attempt{ctx, config, store, std::move(request)}.run();
    } catch (const unfinished& x) {
      result = x.result;
    } catch (const backup_failed& error) {
      result = error.retryable() ? outcome::failed(error.what()) : outcome::failed_for_good(error.what());
    }
  });
  return result;
}

} // namespace overwatch
