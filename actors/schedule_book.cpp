#include "actors/schedule_book.hpp"

#include "actors/document_name.hpp"
#include "actors/schedule_slots.hpp"

#include <algorithm>
#include <utility>

namespace overwatch {

struct schedule_book::entry {
  std::string name;
  bool stored = false; ///< false: it is being created
  schedule_record record;
  std::optional<slot_series> slots; ///< none: they cannot be understood
  bool last_task_unfinished = false;
  bool under_way = false;
  std::set<task_id> proposed;            ///< tasks of the change under way that have not ended already
  std::map<timestamp, task_id> kept_ids; ///< of slots whose change failed
  std::optional<timestamp> not_before;   ///< after a failure
  std::optional<timestamp> due;          ///< as in the index
};

namespace {

size_t slots_of_policy(missed_policy x) { return x == missed_policy::all ? max_missed_slots : 1; }

caf::expected<schedule_definition> checked(schedule_definition definition, timestamp now) {
  auto& task = definition.task;
  if (!task.spec || !task.payload)
    return make_error(ec::invalid, "is missing: give the task that is submitted at each slot", "/task");
  if (task.spec->deadline && *task.spec->deadline <= now)
    return make_error(ec::invalid, "is in the past", "/task/deadline");
  auto spec = std::make_shared<task_spec>(*task.spec);
  spec->id = {};
  spec->scheduled_at.reset();
  spec->created_at = now;
  task.spec = std::move(spec);
  return definition;
}

} // namespace

void refuse_task(schedule_change& change, task_id id, const std::string& why) {
  auto& tasks = change.tasks;
  tasks.erase(std::remove_if(tasks.begin(), tasks.end(), [&](const auto& x) { return x.spec->id == id; }), tasks.end());
  if (change.record)
    note_refusal(*change.record, id, why);
}

schedule_book::schedule_book(id_source ids) : ids_{std::move(ids)} {}
schedule_book::~schedule_book() = default;
schedule_book::schedule_book(schedule_book&&) noexcept = default;
schedule_book& schedule_book::operator=(schedule_book&&) noexcept = default;

// -- keeping the indexes -------------------------------------------------------

void schedule_book::unindex(entry& x) {
  if (x.due)
    due_.erase({*x.due, x.name});
  x.due.reset();
}

void schedule_book::index(entry& x) {
  unindex(x);
  const auto& record = x.record;
  if (!x.stored || x.under_way || !x.slots || record.definition.paused)
    return;
  x.due = record.next;
  if (!record.queued.empty() && !x.last_task_unfinished)
    x.due = record.queued.front();
  if (x.due && x.not_before)
    x.due = std::max(*x.due, *x.not_before);
  if (x.due)
    due_.emplace(*x.due, x.name);
}

void schedule_book::watch(entry& x, const task_id& id) {
  if (!id.is_nil())
    tasks_[id] = &x;
}

void schedule_book::forget_tasks(entry& x) {
  tasks_.erase(x.record.last_task);
  for (const auto& id : x.proposed)
    tasks_.erase(id);
  x.proposed.clear();
}

void schedule_book::adopt(entry& x, schedule_record record) {
  x.record = std::move(record);
  x.stored = true;
  x.under_way = false;
  x.not_before.reset();
  x.slots.reset();
  if (auto slots = slot_series::make(x.record.definition, x.record.created_at))
    x.slots = *slots;
  if (x.slots)
    set_next(x.record, *x.slots); // the zone's rules may be others than when it was stored
  if (x.last_task_unfinished)
    watch(x, x.record.last_task);
  index(x);
}

failure schedule_book::load(schedule_record record, bool last_task_unfinished) {
  auto& slot = entries_[record.name];
  if (!slot)
    slot = std::make_unique<entry>();
  auto& x = *slot;
  if (x.under_way)
    return {};
  forget_tasks(x);
  x.name = record.name;
  x.last_task_unfinished = last_task_unfinished && !record.last_task.is_nil();
  adopt(x, std::move(record));
  return x.slots ? failure{} : describe(slot_series::make(x.record.definition, x.record.created_at).error());
}

// -- what people ask for -------------------------------------------------------

caf::expected<schedule_book::entry*> schedule_book::idle(const std::string& name) {
  auto i = entries_.find(name);
  if (i == entries_.end())
    return make_error(ec::not_found, "there is no schedule \"" + name.substr(0, max_schedule_name_bytes) + '"');
  if (i->second->under_way)
    return make_error(ec::conflict, "schedule \"" + name + "\" is just being changed; try again");
  return i->second.get();
}

schedule_change schedule_book::begin(entry& x, schedule_change change) {
  unindex(x);
  x.under_way = true;
  for (const auto& task : change.tasks) {
    x.proposed.insert(task.spec->id);
    watch(x, task.spec->id);
  }
  return change;
}

caf::expected<schedule_change> schedule_book::put(const std::string& name, schedule_definition definition,
                                                  timestamp now) {
  if (auto fault = check_document_name(name, max_schedule_name_bytes))
    return make_error(fault);
  auto fit = checked(std::move(definition), now);
  if (!fit)
    return fit.error();
  auto present = entries_.find(name) != entries_.end();
  if (!present && entries_.size() >= max_schedules)
    return make_error(ec::invalid,
                      "there are " + std::to_string(max_schedules) + " schedules already; remove one first");
  schedule_record record;
  if (present) {
    auto found = idle(name);
    if (!found)
      return found.error();
    record = (*found)->record;
  } else {
    record.name = name;
    record.created_at = now;
  }
  record.definition = std::move(*fit);
  auto slots = slot_series::make(record.definition, record.created_at);
  if (!slots)
    return slots.error();
  record.handled = std::max(record.handled.value_or(now), now);
  set_next(record, *slots);
  if (record.definition.overlap != overlap_policy::queue)
    skip_queued(record);
  auto& x = entries_[name];
  if (!x)
    x = std::make_unique<entry>();
  x->name = name;
  return begin(*x, {name, {}, std::move(record)});
}

caf::expected<schedule_change> schedule_book::remove(const std::string& name) {
  auto found = idle(name);
  if (!found)
    return found.error();
  return begin(**found, {name, {}, std::nullopt});
}

caf::expected<schedule_change> schedule_book::pause(const std::string& name) {
  auto found = idle(name);
  if (!found)
    return found.error();
  auto record = (*found)->record;
  record.definition.paused = true;
  record.next.reset();
  return begin(**found, {name, {}, std::move(record)});
}

caf::expected<schedule_change> schedule_book::resume(const std::string& name, timestamp now) {
  auto found = idle(name);
  if (!found)
    return found.error();
  auto record = (*found)->record;
  if (std::exchange(record.definition.paused, false)) // else slots that are due now would be left out
    record.handled = std::max(record.handled.value_or(now), now);
  if ((*found)->slots)
    set_next(record, *(*found)->slots);
  return begin(**found, {name, {}, std::move(record)});
}

caf::expected<schedule_change> schedule_book::run_now(const std::string& name, timestamp now) {
  auto found = idle(name);
  if (!found)
    return found.error();
  auto record = (*found)->record;
  auto id = ids_(now);
  auto key = "schedule:" + name + ":hand-" + std::to_string(now.time_since_epoch().count());
  auto task = task_of_slot(record, now, id, now, std::move(key));
  note_slot(record, {now, slot_outcome::submitted, true, id, 1, {}});
  return begin(**found, {name, {std::move(task)}, std::move(record)});
}

// -- what time brings ----------------------------------------------------------

std::optional<timestamp> schedule_book::next_due() const {
  return due_.empty() ? std::nullopt : std::optional{due_.begin()->first};
}

std::vector<schedule_change> schedule_book::take_due(timestamp now, size_t limit) {
  std::vector<schedule_change> result;
  while (!due_.empty() && due_.begin()->first <= now && result.size() < limit) {
    auto& x = *entries_.find(due_.begin()->second)->second;
    result.push_back(begin(x, take(x, now)));
  }
  return result;
}

schedule_change schedule_book::take(entry& x, timestamp now) {
  schedule_change change{x.name, {}, x.record};
  auto& record = *change.record;
  const auto& definition = record.definition;
  auto unfinished = x.last_task_unfinished;
  auto submit = [&](timestamp slot) {
    auto kept = x.kept_ids.find(slot);
    auto id = kept == x.kept_ids.end() ? ids_(now) : kept->second;
    change.tasks.push_back(task_of_slot(record, slot, id, now, slot_key(x.name, slot)));
    note_submitted(record, slot, id);
    unfinished = true;
  };
  if (!record.queued.empty() && !unfinished) {
    auto slot = record.queued.front();
    record.queued.erase(record.queued.begin());
    submit(slot);
  }
  if (!record.next || *record.next > now)
    return change;
  auto due = x.slots->between(record.handled.value_or(record.created_at), now, slots_of_policy(definition.missed));
  if (due.last_of_older) {
    note_slot(record, {*due.last_of_older, slot_outcome::missed, false, {}, due.older, {}});
    record.handled = due.last_of_older;
  }
  for (size_t i = 0; i < std::min(due.newest.size(), max_tasks_per_change); ++i) {
    auto slot = due.newest[i];
    record.handled = slot;
    auto waits = definition.overlap == overlap_policy::queue && (unfinished || !record.queued.empty());
    if (definition.missed == missed_policy::skip && now - slot > slot_tolerance) {
      note_slot(record, {slot, slot_outcome::missed, false, {}, 1, {}});
    } else if (waits && record.queued.size() < max_queued_slots) {
      note_slot(record, {slot, slot_outcome::waiting, false, {}, 1, {}});
      record.queued.push_back(slot);
    } else if (waits) {
      note_slot(record,
                {slot, slot_outcome::skipped, false, {}, 1, std::to_string(max_queued_slots) + " slots wait already"});
    } else if (definition.overlap == overlap_policy::skip && unfinished) {
      note_slot(record, {slot, slot_outcome::skipped, false, {}, 1, {}});
    } else {
      submit(slot);
    }
  }
  set_next(record, *x.slots);
  return change;
}

bool schedule_book::busy(const std::string& name) const {
  auto i = entries_.find(name);
  return i != entries_.end() && i->second->under_way;
}

void schedule_book::committed(const schedule_change& change, const std::vector<command_result>& results) {
  auto i = entries_.find(change.name);
  if (i == entries_.end() || !i->second->under_way)
    return; // it was loaded again meanwhile
  auto& x = *i->second;
  auto before = x.record.last_task;
  auto unfinished = std::exchange(x.proposed, {});
  for (const auto& id : unfinished)
    tasks_.erase(id);
  if (!change.record) {
    forget_tasks(x);
    unindex(x);
    entries_.erase(i);
    return;
  }
  auto record = *change.record;
  for (size_t n = 0; n < std::min(change.tasks.size(), results.size()); ++n) {
    const auto& id = change.tasks[n].spec->id;
    const auto& result = results[n];
    if (result.error) {
      note_refusal(record, id, result.error.message);
      continue;
    }
    if (result.id != id || is_terminal(result.status))
      unfinished.erase(id);
    if (result.id != id && !is_terminal(result.status)) // the slot had its task already
      unfinished.insert(result.id);
    if (auto* slot = slot_of(record, id))
      slot->task = result.id;
    if (record.last_task == id)
      record.last_task = result.id;
  }
  if (record.last_task != before) {
    tasks_.erase(before);
    x.last_task_unfinished = unfinished.count(record.last_task) > 0;
  }
  x.kept_ids.clear();
  adopt(x, std::move(record));
}

void schedule_book::failed(const schedule_change& change, timestamp now) {
  auto i = entries_.find(change.name);
  if (i == entries_.end() || !i->second->under_way)
    return;
  auto& x = *i->second;
  for (const auto& id : std::exchange(x.proposed, {}))
    tasks_.erase(id);
  if (!x.stored) {
    entries_.erase(i);
    return;
  }
  x.under_way = false;
  x.kept_ids.clear();
  for (const auto& task : change.tasks)
    if (auto slot = *task.spec->scheduled_at; task.spec->unique_key == slot_key(x.name, slot)) // not one by hand
      x.kept_ids.emplace(slot, task.spec->id);
  x.not_before = now + schedule_retry_delay;
  index(x);
}

bool schedule_book::task_ended(const task_id& id) {
  auto i = tasks_.find(id);
  if (i == tasks_.end())
    return false;
  auto& x = *i->second;
  tasks_.erase(i);
  x.proposed.erase(id);
  if (x.record.last_task != id)
    return false;
  x.last_task_unfinished = false;
  index(x);
  return x.due && !x.record.queued.empty();
}

// -- reading -------------------------------------------------------------------

const schedule_record* schedule_book::find(const std::string& name) const {
  auto i = entries_.find(name);
  return i == entries_.end() || !i->second->stored ? nullptr : &i->second->record;
}

std::vector<schedule_record> schedule_book::list() const {
  std::vector<schedule_record> result;
  for (const auto& [name, x] : entries_)
    if (x->stored)
      result.push_back(x->record);
  return result;
}

caf::expected<std::vector<timestamp>> schedule_book::next_slots(const std::string& name, size_t count,
                                                                timestamp now) const {
  auto i = entries_.find(name);
  if (i == entries_.end() || !i->second->stored)
    return make_error(ec::not_found, "there is no schedule \"" + name.substr(0, max_schedule_name_bytes) + '"');
  const auto& x = *i->second;
  auto slots = slot_series::make(x.record.definition, x.record.created_at);
  if (!slots)
    return slots.error();
  std::vector<timestamp> result;
  auto after = x.record.definition.paused ? now : std::max(now, x.record.handled.value_or(now));
  for (auto slot = slots->next(after); slot && result.size() < count; slot = slots->next(*slot))
    result.push_back(*slot);
  return result;
}

} // namespace overwatch
