#pragma once

#include "actors/slot_series.hpp"
#include "messages/schedule.hpp"

namespace overwatch {

/// What a slot leaves in the record of its schedule, and the task that it makes.

/// The unique key of a slot's task.
std::string slot_key(const std::string& schedule, timestamp slot);

/// The task of `slot`. Its deadline is as far from `now` as the one of the template was when the schedule was put.
submission task_of_slot(const schedule_record& record, timestamp slot, const task_id& id, timestamp now,
                        std::string unique_key);

/// Adds to the history. What is left out again and again is one entry: it shall not drive the rest out.
void note_slot(schedule_record& record, schedule_slot slot);

/// Also of a slot that waited.
void note_submitted(schedule_record& record, timestamp slot, const task_id& id);

/// The task was not accepted.
void note_refusal(schedule_record& record, task_id id, const std::string& why);

/// The slots that wait shall not any more.
void skip_queued(schedule_record& record);

/// The entry that has this task, or null.
schedule_slot* slot_of(schedule_record& record, const task_id& id);

/// Sets `next` after what is handled; none while it is paused.
void set_next(schedule_record& record, const slot_series& slots);

} // namespace overwatch
