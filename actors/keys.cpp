#include "actors/keys.hpp"

namespace overwatch::keys {

namespace {

constexpr size_t id_bytes = 16;

uint64_t sortable(timestamp time) {
  return static_cast<uint64_t>(time.time_since_epoch().count());
}

std::string with_id(partition_id partition, char kind, const task_id& id) {
  auto key = prefix(partition, kind);
  append_id(key, id);
  return key;
}

std::string with_text(partition_id partition, char kind, std::string_view text) {
  auto key = prefix(partition, kind);
  key += text;
  return key;
}

} // namespace

void append_u16(std::string& key, uint16_t x) {
  key.push_back(static_cast<char>(x >> 8));
  key.push_back(static_cast<char>(x));
}

void append_u64(std::string& key, uint64_t x) {
  for (int shift = 56; shift >= 0; shift -= 8)
    key.push_back(static_cast<char>(x >> shift));
}

void append_id(std::string& key, const task_id& id) {
  append_u64(key, id.high);
  append_u64(key, id.low);
}

uint64_t read_u64(std::string_view bytes) {
  uint64_t x = 0;
  for (size_t i = 0; i < 8; ++i)
    x = x << 8 | static_cast<uint8_t>(bytes[i]);
  return x;
}

task_id read_id(std::string_view bytes) {
  return {read_u64(bytes), read_u64(bytes.substr(8))};
}

std::string prefix(partition_id partition, char kind) {
  std::string key;
  key.reserve(64);
  append_u16(key, partition);
  key.push_back(kind);
  return key;
}

std::string after_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<uint8_t>(prefix.back()) == 0xFF)
    prefix.pop_back();
  if (!prefix.empty())
    prefix.back() = static_cast<char>(static_cast<uint8_t>(prefix.back()) + 1);
  return prefix;
}

std::string node_identity() { return prefix(node_partition, 'n'); }

std::string log_entry(partition_id partition, uint64_t index) {
  auto key = prefix(partition, 'e');
  append_u64(key, index);
  return key;
}

std::string end_of_log(partition_id partition) { return after_prefix(prefix(partition, 'e')); }
std::string hard_state(partition_id partition) { return prefix(partition, 'h'); }
std::string log_snapshot(partition_id partition) { return prefix(partition, 's'); }
std::string meta(partition_id partition) { return prefix(partition, 'm'); }
std::string spec(const task_id& id) { return with_id(id.partition(), 's', id); }
std::string state(const task_id& id) { return with_id(id.partition(), 't', id); }
std::string result(const task_id& id) { return with_id(id.partition(), 'r', id); }

std::string index_prefix(partition_id partition, std::string_view task_type, task_status status) {
  auto key = with_text(partition, 'i', task_type);
  key.push_back('\0');
  key.push_back(static_cast<char>(status));
  return key;
}

std::string index(const task_id& id, std::string_view task_type, task_status status) {
  auto key = index_prefix(id.partition(), task_type, status);
  append_id(key, id);
  return key;
}

std::string ready_prefix(partition_id partition, std::string_view task_type, priority importance) {
  auto key = with_text(partition, 'q', task_type);
  key.push_back('\0');
  key.push_back(static_cast<char>(importance));
  return key;
}

std::string ready(const task_id& id, std::string_view task_type, priority importance, uint64_t order) {
  auto key = ready_prefix(id.partition(), task_type, importance);
  append_u64(key, order);
  append_id(key, id);
  return key;
}

std::string timer_at(partition_id partition, timestamp time) {
  auto key = prefix(partition, 'w');
  append_u64(key, sortable(time));
  return key;
}

std::string timer(const task_id& id, timestamp time, timer_kind kind) {
  auto key = timer_at(id.partition(), time);
  key.push_back(static_cast<char>(kind));
  append_id(key, id);
  return key;
}

std::string finished_at(partition_id partition, timestamp time) {
  auto key = prefix(partition, 'f');
  append_u64(key, sortable(time));
  return key;
}

std::string finished(const task_id& id, timestamp time) {
  auto key = finished_at(id.partition(), time);
  append_id(key, id);
  return key;
}

std::string expiring(partition_id partition, expiring_kind kind, std::string_view name) {
  return with_text(partition, static_cast<char>(kind), name);
}

std::string setting(partition_id partition, std::string_view name) { return with_text(partition, 'o', name); }

std::string resource_ready_prefix(partition_id partition, std::string_view task_type, priority importance) {
  auto key = ready_prefix(partition, task_type, importance);
  key[2] = 'Q';
  return key;
}

std::string resource_ready(const task_id& id, std::string_view task_type, priority importance, uint64_t order) {
  auto key = ready(id, task_type, importance, order);
  key[2] = 'Q';
  return key;
}

std::string parked_prefix(partition_id partition, std::string_view reason) {
  auto key = with_text(partition, 'b', reason);
  key.push_back('\0');
  return key;
}

std::string parked(const task_id& id, std::string_view reason, uint64_t rank) {
  auto key = parked_prefix(id.partition(), reason);
  append_u64(key, rank);
  append_id(key, id);
  return key;
}

std::string children_of(partition_id partition, const task_id& parent) { return with_id(partition, 'd', parent); }

std::string child(const task_id& parent, const task_id& child) {
  auto key = children_of(child.partition(), parent);
  append_id(key, child);
  return key;
}

std::string captured(const task_id& id) { return with_id(id.partition(), 'p', id); }
std::string rolling_back(const task_id& id) { return with_id(id.partition(), 'x', id); }
std::string workflow(const task_id& id) { return with_id(id.partition(), 'v', id); }
std::string unfinished_workflow(const task_id& id) { return with_id(id.partition(), 'y', id); }

std::string document(partition_id partition, char kind, std::string_view name) {
  auto key = prefix(partition, 'j');
  key.push_back(kind);
  key += name;
  return key;
}

std::string log_lines_of(const task_id& id) {
  std::string key{'l'};
  append_id(key, id);
  return key;
}

std::string log_lines_of(const task_id& id, uint32_t attempt) {
  auto key = log_lines_of(id);
  append_u16(key, static_cast<uint16_t>(attempt >> 16));
  append_u16(key, static_cast<uint16_t>(attempt));
  return key;
}

std::string log_line(const task_id& id, uint32_t attempt, uint64_t sequence) {
  auto key = log_lines_of(id, attempt);
  key.push_back(static_cast<char>(sequence % log_slots));
  return key;
}

task_id id_of(std::string_view key) { return read_id(key.substr(key.size() - id_bytes)); }

uint64_t order_of(std::string_view ready_key) {
  return read_u64(ready_key.substr(ready_key.size() - id_bytes - 8));
}

std::pair<timestamp, timer_kind> timer_of(std::string_view timer_key) {
  auto time = read_u64(timer_key.substr(3));
  return {timestamp{std::chrono::microseconds{static_cast<int64_t>(time)}}, static_cast<timer_kind>(timer_key[11])};
}

} // namespace overwatch::keys
