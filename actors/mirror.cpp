#include "actors/mirror.hpp"

#include "actors/partition_state.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>

namespace overwatch {

namespace {

caf::error not_everywhere(const std::vector<partition_id>& partitions) {
  std::string list;
  for (auto x : partitions)
    list += (list.empty() ? "" : ", ") + std::to_string(x);
  auto several = partitions.size() > 1;
  return make_error(ec::unavailable, std::string{"it is stored, but partition"} + (several ? "s " : " ") + list
                                       + (several ? " do" : " does") + " not have it yet: nothing has to be done, it "
                                         "follows by itself once a majority of the nodes there is in touch");
}

} // namespace

void mirror_state::set_up(pointer self, mirror_options options, replica_actor replica, partition_gateway_actor router) {
  self_ = self;
  options_ = std::move(options);
  replica_ = std::move(replica);
  router_ = std::move(router);
  for (uint32_t i = 0; i < options_.partitions; ++i)
    if (i != control_partition)
      targets_[static_cast<partition_id>(i)];
  self_->send(replica_, caf::subscribe_atom::value, caf::actor_cast<caf::strong_actor_ptr>(self_));
  load();
}

// -- what there is -------------------------------------------------------------

// Entries come in order with the answer: those before it are in it, those behind it are news.
void mirror_state::load() {
  if (std::exchange(loading_, true))
    return;
  self_->request(replica_, options_.request_timeout, control_state_request{})
    .then(
      [this](control_state& x) { adopt(x); },
      [this](const caf::error&) {
        loading_ = false;
        arm();
      });
}

void mirror_state::adopt(control_state& x) {
  loaded_ = true;
  mark_ = x.mark;
  for (auto& one : x.values)
    set(std::move(one), mark_.position);
  for (auto& one : waiting_)
    one.position = mark_.position;
  send_news();
}

void mirror_state::set(mirrored_value&& x, uint64_t position) {
  auto& known = values_[{x.kind, std::move(x.name)}];
  if (known.changed > 0 && known.text == x.value)
    return;
  any_removed_ = any_removed_ || !x.value;
  known = {std::move(x.value), position};
  mark_.position = position;
}

void mirror_state::applied(const applied_entry& entry) {
  if (!loaded_ || entry.index <= mark_.position)
    return;
  for (const auto& change : entry.documents)
    if (auto value = mirrored_of(change.kind, change.name, change.value.get()))
      set(std::move(*value), entry.index);
  for (const auto& [key, value] : entry.settings)
    set({mirrored_kind::setting, key, value.empty() ? std::nullopt : std::optional{value}}, entry.index);
  send_news();
}

// -- the other partitions ------------------------------------------------------

void mirror_state::send_news() {
  for (auto& [partition, to] : targets_)
    send_news(partition, to);
}

void mirror_state::send_news(partition_id partition, target& to) {
  if (!loaded_ || to.asked || has(to, mark_.position))
    return;
  mirror_request request{partition, {mark_, to.told_all ? std::optional{to.has} : std::nullopt, {}}};
  for (const auto& [key, x] : values_)
    if (to.told_all ? x.changed > to.has : x.text.has_value())
      request.news.values.push_back({key.first, key.second, x.text});
  to.asked = true;
  self_->request(router_, options_.request_timeout, std::move(request))
    .then(
      [this, partition, &to, position = mark_.position](const mirror_reply& reply) {
        to.asked = false;
        to.told_all = reply.complete;
        to.has = position;
        answer_waiting();
        send_news(partition, to);
      },
      [this, &to](const caf::error&) {
        to.asked = false;
        arm();
      });
}

std::vector<partition_id> mirror_state::without(uint64_t position) const {
  std::vector<partition_id> result;
  for (const auto& [partition, to] : targets_)
    if (!has(to, position))
      result.push_back(partition);
  return result;
}

// -- who waits -----------------------------------------------------------------

caf::result<uint64_t> mirror_state::settle() {
  if (waiting_.size() >= options_.max_settles)
    return make_error(ec::overloaded,
                      "too many changes are on their way to the other partitions; try again in a second");
  auto promise = self_->make_response_promise<uint64_t>();
  auto until = self_->clock().now() + options_.settle_limit;
  // Its answer comes behind all entries that were applied before: then the mark is not older than what is asked for.
  self_->request(replica_, options_.settle_limit, group_request{})
    .then(
      [this, promise, until](const group_status&) {
        waiting_.push_back({loaded_ ? std::optional{mark_.position} : std::nullopt, until, promise});
        answer_waiting();
        arm();
      },
      [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

void mirror_state::answer_waiting() {
  auto everywhere = mark_.position;
  for (const auto& [partition, to] : targets_)
    everywhere = std::min(everywhere, to.told_all ? to.has : 0);
  auto done = std::stable_partition(waiting_.begin(), waiting_.end(),
                                    [&](const auto& x) { return !x.position || *x.position > everywhere; });
  for (auto i = done; i != waiting_.end(); ++i)
    i->promise.deliver(everywhere);
  waiting_.erase(done, waiting_.end());
  if (everywhere < mark_.position || !std::exchange(any_removed_, false))
    return;
  for (auto i = values_.begin(); i != values_.end();) // nobody has to be told any more
    i = i->second.text ? std::next(i) : values_.erase(i);
}

void mirror_state::tick() {
  armed_ = false;
  if (!loaded_)
    load();
  send_news();
  auto now = self_->clock().now();
  auto late = std::stable_partition(waiting_.begin(), waiting_.end(), [&](const auto& x) { return x.until > now; });
  for (auto i = late; i != waiting_.end(); ++i)
    i->promise.deliver(not_everywhere(without(i->position.value_or(mark_.position))));
  waiting_.erase(late, waiting_.end());
  if (!waiting_.empty() || !loaded_ || !without(mark_.position).empty())
    arm();
}

void mirror_state::arm() {
  if (!std::exchange(armed_, true))
    self_->delayed_send(self_, options_.retry_interval, caf::tick_atom::value);
}

// -- the actor -----------------------------------------------------------------

mirror_actor::behavior_type mirror(mirror_state::pointer self, mirror_options options, replica_actor replica,
                                   partition_gateway_actor router) {
  self->state.set_up(self, std::move(options), std::move(replica), std::move(router));
  return {
    [=](const settle_request&) { return self->state.settle(); },
    [=](const applied_ptr& x) { self->state.applied(*x); },
    [=](caf::tick_atom) { self->state.tick(); },
  };
}

} // namespace overwatch
