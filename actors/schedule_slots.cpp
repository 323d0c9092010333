#include "actors/schedule_slots.hpp"

#include <algorithm>
#include <utility>

namespace overwatch {

std::string slot_key(const std::string& schedule, timestamp slot) {
  return "schedule:" + schedule + ':' + std::to_string(slot.time_since_epoch().count());
}

void note_slot(schedule_record& record, schedule_slot slot) {
  auto& history = record.history;
  auto gathers = slot.how == slot_outcome::missed || slot.how == slot_outcome::skipped;
  if (gathers && !history.empty() && history.front().how == slot.how && history.front().note == slot.note) {
    history.front().time = slot.time;
    history.front().count += slot.count;
    return;
  }
  history.insert(history.begin(), std::move(slot));
  history.resize(std::min(history.size(), max_schedule_history));
}

schedule_slot* slot_of(schedule_record& record, const task_id& id) {
  auto i = std::find_if(record.history.begin(), record.history.end(), [&](const auto& x) { return x.task == id; });
  return i == record.history.end() ? nullptr : &*i;
}

void note_refusal(schedule_record& record, task_id id, const std::string& why) {
  if (auto* slot = slot_of(record, id)) {
    slot->how = slot_outcome::refused;
    slot->note = why;
    slot->task = {};
  }
  if (record.last_task == id)
    record.last_task = {};
}

void note_submitted(schedule_record& record, timestamp slot, const task_id& id) {
  auto waited = [&](const auto& x) { return x.time == slot && x.how == slot_outcome::waiting; };
  auto i = std::find_if(record.history.begin(), record.history.end(), waited);
  if (i == record.history.end()) {
    note_slot(record, {slot, slot_outcome::submitted, false, id, 1, {}});
  } else {
    i->how = slot_outcome::submitted;
    i->task = id;
  }
  record.last_task = id;
}

submission task_of_slot(const schedule_record& record, timestamp slot, const task_id& id, timestamp now,
                        std::string unique_key) {
  const auto& pattern = record.definition.task;
  auto spec = std::make_shared<task_spec>(*pattern.spec);
  spec->id = id;
  spec->scheduled_at = slot;
  if (spec->deadline)
    spec->deadline = now + (*spec->deadline - pattern.spec->created_at);
  spec->created_at = now;
  spec->unique_key = std::move(unique_key);
  spec->origin = {origin_kind::schedule, record.name};
  return {std::move(spec), pattern.payload};
}

void set_next(schedule_record& record, const slot_series& slots) {
  record.next = record.definition.paused ? std::nullopt : slots.next(record.handled.value_or(record.created_at));
}

void skip_queued(schedule_record& record) {
  for (auto slot : std::exchange(record.queued, {}))
    for (auto& x : record.history)
      if (x.time == slot && x.how == slot_outcome::waiting)
        x.how = slot_outcome::skipped;
}

} // namespace overwatch
