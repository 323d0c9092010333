#include "actors/scheduler.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

/// The part of the scheduler that looks ahead: pages of what waits, times that come, and what is old.
namespace overwatch {

namespace {

constexpr auto page_timeout = std::chrono::seconds{60};
constexpr auto page_pause = std::chrono::seconds{1}; // after one that did not come
constexpr size_t timers_per_entry = 1'000;
constexpr uint32_t removals_per_page = 10'000; // every 10 s: 1,000 tasks/s of a partition
constexpr uint32_t looks_per_page = 2'000;

// Timers follow the wall clock, delayed messages do not: a clock that was set is noticed within this time.
constexpr auto clock_check = std::chrono::microseconds{std::chrono::seconds{5}};

} // namespace

void scheduler_state::load_pages() {
  if (!leads_)
    return;
  auto ask_again = [this] { self_->delayed_send(self_, page_pause, caf::flush_atom::value); };
  for (const auto& wanted : ready_.wanted_pages())
    self_->request(replica_, page_timeout, wanted)
      .then(
        [this, role = role_](const ready_page& page) {
          if (role != role_)
            return; // asked for by an earlier leadership
          ready_.add_page(page);
          schedule_send();
        },
        [this, ask_again, role = role_, wanted](const caf::error&) {
          if (role == role_)
            ready_.page_failed(wanted);
          ask_again();
        });
  for (const auto& wanted : parked_.wanted_pages())
    self_->request(replica_, page_timeout, wanted)
      .then(
        [this, role = role_](const parked_page& page) {
          if (role != role_)
            return;
          parked_.add_page(page);
          let_go();
          load_pages();
        },
        [this, ask_again, role = role_, reason = wanted.reason](const caf::error&) {
          if (role == role_)
            parked_.page_failed(reason);
          ask_again();
        });
  if (timers_.pages().wants_page()) {
    timer_request wanted{timers_.pages().page_start(), static_cast<uint32_t>(timers_.pages().page_size())};
    self_->request(replica_, page_timeout, wanted)
      .then(
        [this, role = role_](const timer_page& page) {
          if (role != role_)
            return;
          timers_.pages().add_page(page.keys, page.exhausted, page.applied);
          arm_timer();
          load_pages(); // it may have come too early for a timer that was added meanwhile
        },
        [this, ask_again, role = role_](const caf::error&) {
          if (role == role_)
            timers_.pages().page_failed();
          ask_again();
        });
  }
}

void scheduler_state::arm_timer() {
  auto next = timers_.next();
  if (!rates_by_time_.empty() && (!next || rates_by_time_.begin()->first < *next))
    next = rates_by_time_.begin()->first;
  if (!next || (armed_ && *armed_ <= *next))
    return;
  armed_ = next;
  auto wait = std::clamp(*next - options_.clock(), std::chrono::microseconds{0}, clock_check);
  self_->delayed_send(self_, wait, caf::tick_atom::value, ++timer_generation_);
}

void scheduler_state::timers_due(uint64_t generation) {
  if (generation != timer_generation_ || !leads_)
    return; // an earlier one was armed since
  armed_.reset();
  for (const auto& due : timers_.take_due(options_.clock(), timers_per_entry)) {
    if (due.kind == keys::timer_kind::eligible)
      add(promote_command{due.id});
    else if (!running_.count(due.id) && !starting_.count(due.id)) // else its pool watches the deadline
      miss_deadline(due.id);
  }
  let_go();
  arm_timer();
  schedule_send();
}

void scheduler_state::miss_deadline(const task_id& id) {
  self_->request(replica_, page_timeout, get_request{id})
    .then(
      [this, id](const task_record& record) {
        auto pools = pools_of_type_.find(record.spec.task_type);
        auto served = record.state.fence.attempt > 0 || (pools != pools_of_type_.end() && !pools->second.empty());
        add(served
              ? violate_command{id, violation::timeout, "its deadline passed before an attempt could end it"}
              : violate_command{id, violation::rejected, "its deadline passed and no worker ever served its type"});
        schedule_send();
      },
      [](const caf::error&) {}); // deleted meanwhile
}

void scheduler_state::expire_later() {
  if (leads_ && !std::exchange(expiry_armed_, true))
    self_->delayed_send(self_, expiry_wait_, caf::idle_atom::value);
}

// Until one finds something, the looks become rare: a partition in which nothing happens is not read all the time.
void scheduler_state::remove_expired() {
  expiry_armed_ = false;
  expire_later();
  expiry_wait_ = std::min(2 * expiry_wait_, options_.retention_idle_interval);
  if (!leads_ || leaving_)
    return;
  remove_finished();
  forget_expired();
}

void scheduler_state::remove_finished() {
  if (retention_.count() <= 0 || std::exchange(removing_, true))
    return;
  finished_request wanted{options_.clock() - retention_, removals_per_page};
  self_->request(replica_, page_timeout, wanted)
    .then(
      [this, role = role_](const id_page& page) {
        if (role != role_)
          return;
        removing_ = false;
        if (!page.ids.empty())
          expiry_wait_ = options_.retention_interval;
        for (const auto& id : page.ids)
          add(remove_command{id});
        schedule_send();
      },
      [this, role = role_](const caf::error&) { removing_ = removing_ && role != role_; });
}

// A look at some of what has a time to end, from where the last one ended. It goes on at once while much is found.
void scheduler_state::forget_expired() {
  if (std::exchange(forgetting_, true))
    return;
  self_->request(replica_, page_timeout, expired_request{options_.clock(), look_on_at_, looks_per_page})
    .then(
      [this, role = role_](const expired_page& page) {
        if (role != role_)
          return;
        forgetting_ = false;
        look_on_at_ = page.next;
        if (!page.names.empty() || !page.next.empty())
          expiry_wait_ = options_.retention_interval;
        for (const auto& [kind, name] : page.names)
          add(forget_command{kind, name});
        schedule_send();
        if (page.names.size() > looks_per_page / 4)
          forget_expired();
      },
      [this, role = role_](const caf::error&) { forgetting_ = forgetting_ && role != role_; });
}

} // namespace overwatch
