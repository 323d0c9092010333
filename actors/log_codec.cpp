#include "actors/log_codec.hpp"

#include "messages/codec.hpp"

#include <algorithm>

namespace overwatch {

namespace {

bool is_kind(uint64_t x) {
  return x >= static_cast<uint64_t>(entry_kind::command) && x <= static_cast<uint64_t>(entry_kind::configuration);
}

} // namespace

std::string encode_entry(const log_append& x) {
  std::string bytes;
  bytes.reserve(x.bytes.size() + 12);
  encoder f{bytes};
  if (x.kind != entry_kind::command) {
    f.put_size(0);
    f.put_size(static_cast<uint64_t>(x.kind));
  }
  f.put_size(x.term);
  bytes += x.bytes;
  return bytes;
}

bool decode_entry(std::string_view bytes, log_append& x) {
  decoder f{bytes};
  x.kind = entry_kind::command;
  x.term = f.get_size();
  if (f.ok() && x.term == 0) {
    auto kind = f.get_size();
    x.term = f.get_size();
    if (!is_kind(kind))
      return false;
    x.kind = static_cast<entry_kind>(kind);
  }
  if (!f.ok() || x.term == 0)
    return false;
  x.bytes = f.rest();
  return true;
}

std::string encode_members(const std::vector<log_member>& members) {
  std::string bytes;
  encoder f{bytes};
  f.put_size(members.size());
  for (const auto& x : members)
    f(x.id, x.address, x.voter);
  return bytes;
}

bool decode_members(std::string_view bytes, std::vector<log_member>& members) {
  decoder f{bytes};
  auto count = f.get_size();
  members.clear();
  if (!f.ok() || count > max_members)
    return false;
  for (uint64_t i = 0; i < count; ++i) {
    log_member x;
    if (f.rest().empty() || !f(x.id, x.address, x.voter) || x.id == 0 || x.address.size() > max_member_address)
      return false;
    if (std::any_of(members.begin(), members.end(), [&](const auto& other) { return other.id == x.id; }))
      return false;
    members.push_back(std::move(x));
  }
  return encode_members(members) == bytes; // a decoder forgives a missing end
}

std::string encode_snapshot(const log_snapshot& x) {
  std::string bytes;
  encoder{bytes}(x.index, x.term, x.configuration.index, encode_members(x.configuration.members));
  return bytes;
}

bool decode_snapshot(std::string_view bytes, log_snapshot& x) {
  decoder f{bytes};
  std::string members;
  return f(x.index, x.term, x.configuration.index, members) && x.index > 0 && x.term > 0 &&
         x.configuration.index <= x.index && decode_members(members, x.configuration.members) &&
         encode_snapshot(x) == bytes;
}

std::string encode_hard_state(const log_hard_state& x) {
  std::string bytes;
  encoder{bytes}(x.term, x.vote);
  return bytes;
}

bool decode_hard_state(std::string_view bytes, log_hard_state& x) {
  decoder f{bytes};
  return f(x.term, x.vote) && encode_hard_state(x) == bytes;
}

} // namespace overwatch
