#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "actors/task_codec.hpp"
#include "messages/codec.hpp"

/// How the state of a partition comes from the store, and what others may ask of it.
namespace overwatch {

namespace {

constexpr size_t behind_reason = 1 + 8 + 16; // of a `b` key: NUL, rank, id

// Ids at the end of the keys that begin with `prefix`.
std::vector<task_id> ids_with(const store_reader& base, const std::string& prefix) {
  std::vector<task_id> result;
  for (auto i = base.scan(key_space::state, prefix, keys::after_prefix(prefix)); i->valid(); i->next())
    result.push_back(keys::id_of(i->key()));
  return result;
}

} // namespace

// -- from the store ------------------------------------------------------------

partition_state::partition_state(const store_reader& base, partition_id partition, uint32_t partitions)
  : base_{base}, partition_{partition},
    partitions_{partitions}, unique_{base, keys::expiring(partition, keys::expiring_kind::unique_key)},
    cached_{base, keys::expiring(partition, keys::expiring_kind::cached_result)},
    rates_{base, keys::expiring(partition, keys::expiring_kind::rate)},
    remote_results_{base, keys::prefix(partition, 'h')}, documents_{base, partition} {
  if (auto record = base_.get(key_space::state, keys::meta(partition_)))
    invariant(decode(*record, totals_), "the stored totals of a partition are readable");
  for (const auto& x : totals_.counts)
    counts_[x.task_type][static_cast<size_t>(x.status)][static_cast<size_t>(x.importance)] = x.count;
  totals_.counts.clear();
  auto first = keys::setting(partition_, {});
  for (auto i = base_.scan(key_space::state, first, keys::after_prefix(first)); i->valid(); i->next())
    settings_.emplace(i->key().substr(first.size()), i->value());
  applied_entry unused;
  for (const auto& [key, row] : documents_.all())
    if (key.first == document_kind::gate)
      learn_gate(key.second, row.value.get(), unused);
  for (const auto& id : ids_with(base_, keys::prefix(partition_, 'y')))
    workflow_of(id);
  read_running();
  read_flows();
  read_parked();
}

// What runs, and what is being rolled back, holds its names, keys and scopes.
void partition_state::read_running() {
  for (const auto& [task_type, table] : counts_)
    for (const auto& id : ids_with(base_, keys::index_prefix(partition_, task_type, task_status::running))) {
      auto task = load(id);
      invariant(task.has_value(), "a task that has an index entry is stored");
      auto names = *task->spec;
      names.rate = {}; // its token was taken when it started
      hold(names);
      tasks_.emplace(id, std::move(*task));
    }
  for (const auto& id : ids_with(base_, keys::prefix(partition_, 'x')))
    if (auto task = load(id))
      scopes_.hold(scopes_of(task->spec->snapshot));
}

std::string partition_state::flow_prefix(const std::string& task_type, size_t importance) const {
  auto prefix = keys::prefix(partition_, 'n') + task_type;
  prefix.push_back('\0');
  prefix.push_back(static_cast<char>(importance));
  return prefix;
}

void partition_state::read_flows() {
  auto first = keys::prefix(partition_, 'n');
  for (auto i = base_.scan(key_space::state, first, keys::after_prefix(first)); i->valid(); i->next()) {
    auto rest = i->key().substr(first.size());
    auto end = rest.find('\0');
    task_spec of;
    of.task_type = std::string{rest.substr(0, end)};
    of.importance = static_cast<priority>(rest[end + 1]);
    auto& flow = flow_of(of);
    auto place = keys::read_u64(i->value());
    if (rest.size() == end + 2)
      flow.virtual_time = place;
    else
      flow.newest[std::string{rest.substr(end + 3)}].place = place;
  }
}

void partition_state::read_parked() {
  auto first = keys::prefix(partition_, 'b');
  for (auto i = base_.scan(key_space::state, first, keys::after_prefix(first)); i->valid(); i->next()) {
    auto rest = i->key().substr(first.size());
    ++parked_[std::string{rest.substr(0, rest.size() - behind_reason)}];
  }
  first = keys::prefix(partition_, 'd');
  for (auto i = base_.scan(key_space::state, first, keys::after_prefix(first)); i->valid(); i->next()) {
    auto parent = keys::read_id(i->key().substr(first.size()));
    children_[parent].push_back(keys::id_of(i->key()));
    if (is_remote(parent))
      remote_parents_.insert(parent);
  }
}

// -- questions -----------------------------------------------------------------

std::optional<partition_state::entry> partition_state::load(const task_id& id) const {
  auto spec = std::make_shared<task_spec>();
  auto payload = std::make_shared<std::string>();
  entry result;
  if (id.partition() != partition_) // of another partition: what this node's store has of it may be old
    return std::nullopt;
  if (!read_task(base_, id, *spec, result.state, payload.get()))
    return std::nullopt;
  result.spec = std::move(spec);
  result.payload = std::move(payload);
  result.spec_stored = !is_terminal(result.state.status);
  result.stored = stored_as(result.spec, result.state);
  return result;
}

std::shared_ptr<const std::string> partition_state::result_of(const entry& x) const {
  if (x.result || !x.stored.spec)
    return x.result;
  return std::make_shared<const std::string>(
    base_.get(key_space::state, keys::result(x.spec->id)).value_or(std::string{}));
}

std::optional<task_record> partition_state::find(const task_id& id) const {
  auto record_of = [&](const entry& x) {
    auto result = result_of(x);
    return task_record{*x.spec, x.state, *x.payload, result ? *result : std::string{}};
  };
  if (auto i = tasks_.find(id); i != tasks_.end())
    return i->second.removed ? std::nullopt : std::optional{record_of(i->second)};
  if (auto stored = load(id))
    return record_of(*stored);
  return std::nullopt;
}

bool partition_state::set_progress(const task_id& id, const fencing_token& fence, double percent,
                                   const std::string& message) {
  auto i = tasks_.find(id);
  if (i == tasks_.end() || i->second.state.status != task_status::running || i->second.state.fence != fence)
    return false;
  i->second.state.percent = percent;
  i->second.state.message = message;
  return true;
}

stats_reply partition_state::stats() const {
  stats_reply reply;
  for (const auto& [task_type, table] : counts_)
    for (size_t status = 0; status < table.size(); ++status)
      for (size_t importance = 0; importance < table[status].size(); ++importance)
        if (auto n = table[status][importance])
          reply.counts.push_back({task_type, static_cast<task_status>(status), static_cast<priority>(importance), n});
  reply.submitted = totals_.submitted;
  reply.completed = totals_.completed;
  reply.failed = totals_.failed;
  reply.cancelled = totals_.cancelled;
  reply.attempts = totals_.attempts;
  reply.retries = totals_.retries;
  for (size_t kind = 0; kind < totals_.violations.size(); ++kind)
    if (totals_.violations[kind])
      reply.violations.emplace(violation_names[kind], totals_.violations[kind]);
  reply.execution_seconds = totals_.execution_seconds;
  reply.applied = totals_.applied;
  return reply;
}

bool partition_state::is_dead_flow(std::string_view key, std::string_view value) const {
  auto rest = key.substr(3);
  auto end = rest.find('\0');
  auto flows = flows_.find(rest.substr(0, end));
  return rest.size() > end + 2 && flows != flows_.end()
         && keys::read_u64(value) <= flows->second[static_cast<size_t>(rest[end + 1])].virtual_time;
}

void partition_state::skip(uint64_t index) {
  invariant(index == totals_.applied + 1, "log entries are passed one after the other");
  totals_.applied = index;
  changed_ = true;
}

uint64_t partition_state::begin_reading() {
  readings_[++newest_reading_];
  return newest_reading_;
}

void partition_state::keep(uint64_t reading, const task_id& id, std::shared_ptr<const task_spec> spec,
                           std::shared_ptr<const std::string> payload, task_state state) {
  if (readings_.at(reading).count(id) > 0)
    return;
  entry x;
  x.stored = stored_as(spec, state);
  x.spec_stored = true;
  x.spec = std::move(spec);
  x.payload = std::move(payload);
  x.state = std::move(state);
  tasks_.emplace(id, std::move(x)); // what is there already is newer
}

uint64_t partition_state::digest() const {
  uint64_t hash = 1469598103934665603ULL; // FNV-1a
  auto mix = [&](std::string_view bytes) {
    for (auto c : bytes)
      hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211ULL;
  };
  auto first = keys::prefix(partition_, '\0');
  auto last = keys::prefix(partition_, '\x7F');
  for (auto i = base_.scan(key_space::state, first, last); i->valid(); i->next()) {
    auto kind = i->key()[2];
    // A spec comes with its state: whether it has a key of its own depends on when it was flushed. Likewise when a
    // flow without tasks is forgotten.
    if (kind == 's' || (kind == 'n' && is_dead_flow(i->key(), i->value())))
      continue;
    mix(i->key());
    if (kind != 't') {
      mix(i->value());
      continue;
    }
    task_spec spec;
    task_state state;
    std::string payload;
    invariant(read_task(base_, keys::id_of(i->key()), spec, state, &payload), "a task that has a state has a spec");
    mix(encode_task(state, spec, payload));
  }
  return hash;
}

} // namespace overwatch
