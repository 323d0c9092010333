#include "messages/task_id.hpp"

namespace overwatch {

namespace {

constexpr char digits[] = "0123456789abcdef";

int digit_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

constexpr bool is_dash(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

uint64_t unix_milliseconds(timestamp time) {
  auto count = std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
  return count < 0 ? 0 : static_cast<uint64_t>(count) & 0xFFFFFFFFFFFFULL;
}

// The sequence has 12 bits; together with the milliseconds it is one counter.
constexpr unsigned sequence_bits = 12;

task_id assemble(uint64_t counter, uint64_t low_bits) {
  auto ms = counter >> sequence_bits;
  auto sequence = counter & 0xFFF;
  return {ms << 16 | 0x7000 | sequence, 0x8000000000000000ULL | (low_bits & 0x3FFFFFFFFFFFFFFFULL)};
}

} // namespace

std::string to_string(const task_id& id) {
  std::string text(36, '-');
  size_t nibble = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_dash(i))
      continue;
    auto word = nibble < 16 ? id.high : id.low;
    text[i] = digits[(word >> (60 - 4 * (nibble % 16))) & 0xF];
    ++nibble;
  }
  return text;
}

std::optional<task_id> parse_task_id(std::string_view text) {
  if (text.size() != 36)
    return std::nullopt;
  task_id id;
  size_t nibble = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_dash(i)) {
      if (text[i] != '-')
        return std::nullopt;
      continue;
    }
    auto value = digit_value(text[i]);
    if (value < 0)
      return std::nullopt;
    auto& word = nibble < 16 ? id.high : id.low;
    word = word << 4 | static_cast<uint64_t>(value);
    ++nibble;
  }
  return id;
}

task_id first_task_id_at(timestamp time) {
  return assemble(unix_milliseconds(time) << sequence_bits, 0);
}

task_id task_id_generator::next(timestamp time, partition_id partition) {
  auto counter = unix_milliseconds(time) << sequence_bits;
  last_ = counter > last_ ? counter : last_ + 1;
  auto low = static_cast<uint64_t>(partition) << 46 | (random_() & 0x3FFFFFFFFFFFULL);
  return assemble(last_, low);
}

} // namespace overwatch
