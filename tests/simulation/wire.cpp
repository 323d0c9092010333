#include "tests/simulation/wire.hpp"

#include "tests/simulation/host.hpp"

#include <functional>
#include <string_view>

namespace overwatch::simulation {

void wire::add(host& x) {
  hosts_[x.id()] = &x;
  names_[x.id()] = x.node();
}

void wire::remove(host_id id) {
  hosts_.erase(id);
  for (auto& [ends, x] : connections_)
    if (x.number != 0 && (ends.first == id || ends.second == id)) {
      auto peer = ends.first == id ? ends.second : ends.first;
      x.from.clear();
      // The machine still answers for its dead process, if it is reached.
      time_.after(random_.between(milliseconds{1}, faults.delay), [this, id, peer] {
        if (!is_cut(names_.at(peer), names_.at(id)) && !is_cut(names_.at(id), names_.at(peer)))
          tear(id, peer);
      });
    }
}

host* wire::living(host_id id) const {
  auto i = hosts_.find(id);
  return i == hosts_.end() ? nullptr : i->second;
}

host* wire::living(const std::string& node) const {
  for (const auto& [id, x] : hosts_)
    if (x->node() == node)
      return x;
  return nullptr;
}

bool wire::connect(host_id from, host_id to) {
  if (!living(from) || !living(to) || is_cut(names_[from], names_[to]) || is_cut(names_[to], names_[from]))
    return false;
  auto& x = connections_[key(from, to)];
  if (x.number == 0)
    x = {++newest_connection_, {}};
  return true;
}

void wire::send(host_id from, host_id to, frame x) {
  auto i = connections_.find(key(from, to));
  if (i == connections_.end() || i->second.number == 0 || !living(from) || !living(to))
    return;
  ++sent_;
  if (x.loose && happens(faults.loss_one_in))
    return;
  auto& way = i->second.from[from];
  if (is_cut(names_[from], names_[to]) || !way.held.empty())
    way.held.push_back(std::move(x));
  else
    transmit(i->second, from, to, std::move(x));
}

void wire::transmit(connection& through, host_id from, host_id to, frame x) {
  auto& way = through.from[from];
  auto copies = x.loose && happens(faults.duplicate_one_in) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    auto when = std::max(way.last_arrival, time_.now() + random_.between(milliseconds{1}, faults.delay));
    if (x.loose && happens(faults.slow_one_in))
      when += random_.between(milliseconds{0}, faults.slow_delay);
    else
      way.last_arrival = when;
    time_.at(when, [this, number = through.number, from, to, x] { arrive(number, from, to, x); });
  }
}

void wire::arrive(uint64_t number, host_id from, host_id to, const frame& x) {
  auto i = connections_.find(key(from, to));
  auto* there = living(to);
  if (i == connections_.end() || i->second.number != number || !there)
    return;
  add_to_digest(std::hash<std::string_view>{}({x.content.data(), x.content.size()}));
  add_to_digest(x.receiver << 32 ^ x.sender ^ uint64_t{from} << 48 ^ uint64_t{to} << 56);
  there->deliver(from, x);
}

void wire::break_connections(const std::string& a, const std::string& b) {
  std::vector<pair> found;
  for (const auto& [ends, x] : connections_) {
    const auto& first = names_[ends.first];
    const auto& second = names_[ends.second];
    if (x.number != 0 && ((first == a && second == b) || (first == b && second == a)))
      found.push_back(ends);
  }
  for (const auto& ends : found)
    tear(ends.first, ends.second);
}

void wire::tear(host_id a, host_id b) {
  auto i = connections_.find(key(a, b));
  if (i == connections_.end() || i->second.number == 0)
    return;
  i->second = {};
  for (auto [end, other] : {pair{a, b}, pair{b, a}})
    if (auto* x = living(end))
      x->lost(other);
}

void wire::heal() {
  cuts_.clear();
  for (auto& [ends, x] : connections_) // of those that died unseen
    if (!living(ends.first) || !living(ends.second))
      time_.after(milliseconds{1}, [this, ends = ends] { tear(ends.first, ends.second); });
  for (auto& [ends, x] : connections_)
    for (auto& [from, way] : x.from) {
      auto to = ends.first == from ? ends.second : ends.first;
      for (auto& held : std::exchange(way.held, {}))
        transmit(x, from, to, std::move(held));
    }
}

} // namespace overwatch::simulation
