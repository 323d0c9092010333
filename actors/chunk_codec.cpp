#include "actors/chunk_codec.hpp"

#include "actors/keys.hpp"
#include "actors/partition_state.hpp"
#include "messages/codec.hpp"

#include <zlib.h>

namespace overwatch {

namespace {

bool take_bytes(std::string_view& from, std::string_view& x) {
  decoder f{from};
  auto size = f.get_size();
  if (!f.ok() || size > f.rest().size())
    return false;
  x = f.rest().substr(0, size);
  from = f.rest().substr(size);
  return true;
}

uint32_t continue_checksum(uint32_t sum, std::string_view bytes) {
  return static_cast<uint32_t>(crc32_z(sum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

} // namespace

void append_row(std::string& bytes, std::string_view key, std::string_view value) {
  encoder f{bytes};
  f.put_size(key.size());
  bytes += key;
  f.put_size(value.size());
  bytes += value;
}

bool take_row(std::string_view& bytes, std::string_view& key, std::string_view& value) {
  return take_bytes(bytes, key) && take_bytes(bytes, value);
}

uint32_t checksum_of(const state_chunk& x) {
  std::string head;
  encoder{head}(x.transfer, x.number, x.end);
  return continue_checksum(continue_checksum(0, head), x.bytes);
}

key_range state_of(partition_id partition) {
  key_range range;
  keys::append_u16(range.first, partition);
  range.last = keys::after_prefix(range.first);
  return range;
}

std::optional<uint64_t> position_of(std::string_view meta) {
  partition_totals totals;
  if (!decode(meta, totals))
    return std::nullopt;
  return totals.applied;
}

} // namespace overwatch
