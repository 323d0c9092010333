#include "actors/task_reader.hpp"

#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "actors/task_codec.hpp"
#include "actors/task_filter.hpp"
#include "messages/codec.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace overwatch {

namespace {

using reader_pointer = task_reader_actor::stateful_pointer<task_reader_state>;
using steady = std::chrono::steady_clock;

bool read_record(const store_reader& db, const task_id& id, task_record& record) {
  return read_task(db, id, record.spec, record.state, nullptr);
}

// -- lists ---------------------------------------------------------------------

// Task ids from newest to oldest, merged over the ranges that can hold what the filter wants.
class newest_first {
public:
  void add(std::unique_ptr<store_cursor> range) {
    if (range->valid())
      ranges_.push_back(std::move(range));
  }

  std::optional<task_id> next() {
    store_cursor* newest = nullptr;
    for (auto& range : ranges_)
      if (range->valid() && (!newest || keys::id_of(newest->key()) < keys::id_of(range->key())))
        newest = range.get();
    if (!newest)
      return std::nullopt;
    auto id = keys::id_of(newest->key());
    newest->next();
    return id;
  }

private:
  std::vector<std::unique_ptr<store_cursor>> ranges_;
};

// Every task type that has an entry in the index: one seek each.
std::vector<std::string> indexed_types(const store_reader& db, partition_id partition) {
  std::vector<std::string> result;
  auto first = keys::prefix(partition, 'i');
  auto prefix_bytes = first.size();
  auto cursor = db.scan(key_space::state, first, keys::after_prefix(first));
  while (cursor->valid()) {
    auto rest = cursor->key().substr(prefix_bytes);
    result.emplace_back(rest.substr(0, rest.find('\0')));
    auto past = keys::prefix(partition, 'i') + result.back();
    past.push_back('\1'); // behind every status of this type
    cursor->seek(past);
  }
  return result;
}

// The bounds of ids that the filter and the cursor leave.
std::pair<task_id, task_id> id_range(const list_request& x) {
  task_id first;
  task_id last{~0ULL, ~0ULL};
  if (x.filter.created_from)
    first = first_task_id_at(*x.filter.created_from - std::chrono::milliseconds{1});
  if (x.filter.created_to)
    last = first_task_id_at(*x.filter.created_to + std::chrono::milliseconds{2});
  if (x.before && *x.before < last)
    last = *x.before;
  return {first, last};
}

newest_first open_ranges(const store_reader& db, const list_request& x, partition_id partition) {
  auto [first, last] = id_range(x);
  newest_first result;
  auto add = [&](const std::string& prefix) {
    auto from = prefix;
    auto to = prefix;
    keys::append_id(from, first);
    keys::append_id(to, last);
    result.add(db.scan(key_space::state, from, to, true));
  };
  if (x.filter.statuses.empty() && x.filter.task_types.empty()) {
    add(keys::prefix(partition, 't'));
    return result;
  }
  auto types = x.filter.task_types.empty() ? indexed_types(db, partition) : x.filter.task_types;
  std::sort(types.begin(), types.end());
  types.erase(std::unique(types.begin(), types.end()), types.end());
  for (const auto& task_type : types)
    for (size_t i = 0; i < task_status_names.size(); ++i) {
      auto status = static_cast<task_status>(i);
      const auto& wanted = x.filter.statuses;
      if (wanted.empty() || std::find(wanted.begin(), wanted.end(), status) != wanted.end())
        add(keys::index_prefix(partition, task_type, status));
    }
  return result;
}

task_page list(const store_reader& db, const list_request& x, const task_reader_options& options) {
  task_page page;
  auto ranges = open_ranges(db, x, options.partition);
  auto stop_at = steady::now() + options.list_limit;
  constexpr size_t tasks_between_looks = 256;
  size_t seen = 0;
  while (auto id = ranges.next()) {
    if (page.tasks.size() == x.limit)
      return page; // there is more: `next` is set
    if (++seen % tasks_between_looks == 0 && steady::now() > stop_at) {
      page.cut_short = true;
      return page;
    }
    task_record record;
    page.next = *id;
    if (read_record(db, *id, record) && matches(x.filter, record.spec, record.state.status))
      page.tasks.push_back(std::move(record));
  }
  page.next.reset();
  return page;
}

// -- logs ----------------------------------------------------------------------

log_page read_log(const store_reader& db, const log_request& x) {
  log_page page;
  auto first = keys::log_lines_of(x.id);
  for (auto i = db.scan(key_space::series, first, keys::after_prefix(first)); i->valid(); i->next()) {
    log_entry line;
    invariant(decode(i->value(), line), "a stored log line is readable");
    if (line.sequence > x.after)
      page.entries.push_back(std::move(line));
  }
  auto& lines = page.entries;
  std::sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
  auto limit = std::min<size_t>(x.limit, keys::log_slots);
  if (lines.size() > limit)
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(limit));
  return page;
}

// -- pages for the scheduler ---------------------------------------------------

// The values of sorted keys that lie close together: a walk is several times cheaper than a look-up for each.
std::vector<std::optional<std::string>> read_near(const store_reader& db, const std::vector<std::string>& sorted) {
  constexpr int steps_before_a_seek = 16;
  std::vector<std::optional<std::string>> values(sorted.size());
  if (sorted.empty())
    return values;
  auto cursor = db.scan(key_space::state, sorted.front(), sorted.back() + '\0');
  for (size_t i = 0; i < sorted.size() && cursor->valid(); ++i) {
    for (int step = 0; cursor->valid() && cursor->key() < sorted[i]; ++step)
      if (step < steps_before_a_seek)
        cursor->next();
      else
        cursor->seek(sorted[i]);
    if (cursor->valid() && cursor->key() == sorted[i])
      values[i] = std::string{cursor->value()};
  }
  return values;
}

// Reads the tasks of a page; one that has enough bytes ends there. Tasks queued one after the other have ids one after
// the other, mostly.
void load_tasks(const store_reader& db, ready_page& page, size_t page_bytes) {
  std::vector<std::string> spec_keys;
  std::vector<std::string> state_keys;
  std::vector<size_t> by_id(page.items.size());
  std::iota(by_id.begin(), by_id.end(), size_t{0});
  std::sort(by_id.begin(), by_id.end(), [&](size_t x, size_t y) { return page.items[x].id < page.items[y].id; });
  for (auto i : by_id) {
    spec_keys.push_back(keys::spec(page.items[i].id));
    state_keys.push_back(keys::state(page.items[i].id));
  }
  auto specs = read_near(db, spec_keys);
  auto states = read_near(db, state_keys);
  std::vector<size_t> place(by_id.size()); // of an item in the lists above
  for (size_t i = 0; i < by_id.size(); ++i)
    place[by_id[i]] = i;
  size_t bytes = 0;
  std::vector<ready_page::item> found;
  found.reserve(page.items.size());
  for (size_t i = 0; i < page.items.size(); ++i) {
    if (bytes >= page_bytes) {
      page.exhausted = false;
      break;
    }
    const auto& spec_record = specs[place[i]];
    const auto& state_record = states[place[i]];
    if (!spec_record || !state_record)
      continue; // it ended while we read
    auto spec = std::make_shared<task_spec>();
    auto payload = std::make_shared<std::string>();
    decode_spec(*spec_record, *spec, payload.get());
    decode_state(*state_record, page.items[i].state);
    bytes += spec_record->size();
    page.items[i].task = {std::move(spec), std::move(payload)};
    found.push_back(std::move(page.items[i]));
  }
  page.items = std::move(found);
}

ready_page read_ready(const store_reader& db, const ready_request& x, const task_reader_options& options) {
  ready_page page;
  page.task_type = x.task_type;
  page.resources = x.resources;
  page.importance = x.importance;
  auto prefix = x.resources ? keys::resource_ready_prefix(options.partition, x.task_type, x.importance)
                            : keys::ready_prefix(options.partition, x.task_type, x.importance);
  auto first = prefix;
  if (x.after) {
    keys::append_u64(first, x.after->first);
    keys::append_id(first, x.after->second);
    first.push_back('\0'); // just behind it
  }
  auto cursor = db.scan(key_space::state, first, keys::after_prefix(prefix));
  for (; cursor->valid() && page.items.size() < x.limit; cursor->next())
    page.items.push_back({keys::order_of(cursor->key()), keys::id_of(cursor->key()), {}, {}});
  page.exhausted = !cursor->valid();
  load_tasks(db, page, options.page_bytes);
  return page;
}

parked_page read_parked(const store_reader& db, const parked_request& x, partition_id partition) {
  parked_page page;
  page.reason = x.reason;
  auto prefix = keys::parked_prefix(partition, x.reason);
  auto first = prefix;
  if (x.after) {
    keys::append_u64(first, x.after->first);
    keys::append_id(first, x.after->second);
    first.push_back('\0');
  }
  auto cursor = db.scan(key_space::state, first, keys::after_prefix(prefix));
  for (; cursor->valid() && page.tasks.size() < x.limit; cursor->next())
    page.tasks.emplace_back(keys::order_of(cursor->key()), keys::id_of(cursor->key()));
  page.exhausted = !cursor->valid();
  return page;
}

workflow_page list_workflows(const store_reader& db, const list_workflows_request& x, partition_id partition) {
  workflow_page page;
  auto prefix = keys::prefix(partition, 'v');
  auto last = x.before ? keys::workflow(*x.before) : keys::after_prefix(prefix);
  auto cursor = db.scan(key_space::state, prefix, last, true);
  for (; cursor->valid() && page.workflows.size() < x.limit; cursor->next()) {
    workflow_state one;
    invariant(decode(cursor->value(), one), "a stored workflow is readable");
    one.record.tasks.clear();
    page.workflows.push_back(std::move(one.record));
  }
  if (cursor->valid() && !page.workflows.empty())
    page.next = page.workflows.back().id;
  return page;
}

timer_page read_timers(const store_reader& db, const timer_request& x, partition_id partition) {
  timer_page page;
  auto prefix = keys::prefix(partition, 'w');
  auto first = x.after ? *x.after + '\0' : prefix;
  auto cursor = db.scan(key_space::state, first, keys::after_prefix(prefix));
  for (; cursor->valid() && page.keys.size() < x.limit; cursor->next())
    page.keys.emplace_back(cursor->key());
  page.exhausted = !cursor->valid();
  return page;
}

running_page read_running(const store_reader& db, partition_id partition) {
  running_page page;
  auto add_all = [&](const std::string& first) {
    for (auto i = db.scan(key_space::state, first, keys::after_prefix(first)); i->valid(); i->next()) {
      task_record record;
      if (read_record(db, keys::id_of(i->key()), record))
        page.tasks.push_back({{std::make_shared<task_spec>(std::move(record.spec)), nullptr}, std::move(record.state)});
    }
  };
  for (const auto& task_type : indexed_types(db, partition))
    add_all(keys::index_prefix(partition, task_type, task_status::running));
  add_all(keys::prefix(partition, 'x'));
  return page;
}

id_page read_finished(const store_reader& db, const finished_request& x, partition_id partition) {
  id_page page;
  auto first = keys::prefix(partition, 'f');
  auto last = keys::finished_at(partition, x.before);
  for (auto i = db.scan(key_space::state, first, last); i->valid() && page.ids.size() < x.limit; i->next())
    page.ids.push_back(keys::id_of(i->key()));
  return page;
}

// Until when a value of this kind counts; none: its task decides.
std::optional<timestamp> end_of(keys::expiring_kind kind, std::string_view value) {
  auto read = [&](auto x) {
    invariant(decode(value, x), "a stored value is readable");
    return x;
  };
  switch (kind) {
    case keys::expiring_kind::unique_key:
      return read(unique_holder{}).until;
    case keys::expiring_kind::cached_result:
      return read(cached_result{}).until;
    case keys::expiring_kind::rate:
      break;
  }
  return read(rate_bucket{}).full_at;
}

expired_page read_expired(const store_reader& db, const expired_request& x, partition_id partition) {
  using keys::expiring_kind;
  expired_page page;
  uint32_t looked = 0;
  for (auto kind : {expiring_kind::cached_result, expiring_kind::rate, expiring_kind::unique_key}) { // as they sort
    auto prefix = keys::expiring(partition, kind);
    auto last = keys::after_prefix(prefix);
    for (auto i = db.scan(key_space::state, std::max(prefix, x.after), last); i->valid(); i->next()) {
      if (looked++ == x.limit) {
        page.next = i->key();
        return page;
      }
      if (auto until = end_of(kind, i->value()); until && *until <= x.before)
        page.names.emplace_back(kind, i->key().substr(prefix.size()));
    }
  }
  return page;
}

} // namespace

task_reader_actor::behavior_type task_reader(reader_pointer self, const store_reader* db, task_reader_options options) {
  self->state.db = db;
  self->state.options = options;
  return {
    [=](const list_request& x) { return list(*db, x, self->state.options); },
    [=](const log_request& x) { return read_log(*db, x); },
    [=](const ready_request& x) { return read_ready(*db, x, self->state.options); },
    [=](const timer_request& x) { return read_timers(*db, x, self->state.options.partition); },
    [=](const parked_request& x) { return read_parked(*db, x, self->state.options.partition); },
    [=](const running_request&) { return read_running(*db, self->state.options.partition); },
    [=](const finished_request& x) { return read_finished(*db, x, self->state.options.partition); },
    [=](const expired_request& x) { return read_expired(*db, x, self->state.options.partition); },
    [=](const list_workflows_request& x) { return list_workflows(*db, x, self->state.options.partition); },
  };
}

} // namespace overwatch
