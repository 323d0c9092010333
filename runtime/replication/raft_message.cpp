#include "runtime/replication/raft_message.hpp"

#include "actors/log_codec.hpp"
#include "messages/codec.hpp"

#include <algorithm>

namespace overwatch {

namespace {

// Of indexes and terms; so sums of them do not overflow.
constexpr uint64_t max_number = 1ULL << 62;

// A position is an entry, or the begin of the log.
bool is_position(uint64_t index, uint64_t term, uint64_t newest_term) {
  return index <= max_number && term <= newest_term && (index == 0) == (term == 0);
}

void put_append(encoder& f, const raft_envelope& x) {
  f(x.content.index, x.content.index_term, x.content.commit, x.sent_at);
  f.put_size(x.entries.size());
  for (const auto& entry : x.entries)
    f(encode_entry(entry));
}

bool get_append(decoder& f, raft_envelope& x) {
  auto& content = x.content;
  uint64_t count = 0;
  if (!f(content.index, content.index_term, content.commit, x.sent_at, count) || count > max_message_entries ||
      !is_position(content.index, content.index_term, content.term) || content.commit > max_number)
    return false;
  auto term = content.index_term;
  for (uint64_t i = 0; i < count; ++i) {
    std::string bytes;
    log_append entry;
    if (f.rest().empty() || !f(bytes) || !decode_entry(bytes, entry) || entry.term < term || entry.term > content.term)
      return false;
    std::vector<log_member> members;
    if (entry.kind == entry_kind::configuration && !(decode_members(entry.bytes, members) && is_configuration(members)))
      return false;
    entry.index = content.index + 1 + i;
    term = entry.term;
    x.entries.push_back(std::move(entry));
  }
  content.count = static_cast<unsigned>(count);
  return true;
}

void put_content(encoder& f, const raft_envelope& x) {
  const auto& content = x.content;
  switch (content.kind) {
    case core_append:
      put_append(f, x);
      break;
    case core_append_result:
      f(content.rejected, content.index, x.sent_at);
      break;
    case core_vote:
      f(content.index, content.index_term, content.disrupt);
      break;
    case core_vote_result:
      f(content.granted);
      break;
    case core_install:
      f(encode_snapshot(*x.snapshot));
      break;
    case core_elect_now:
    case core_quiet:
      f(content.index, content.index_term, x.sent_at);
      break;
    case core_agreed_quiet:
      f(x.sent_at);
      break;
  }
}

bool get_content(decoder& f, raft_envelope& x) {
  auto& content = x.content;
  switch (content.kind) {
    case core_append:
      return get_append(f, x);
    case core_append_result:
      return f(content.rejected, content.index, x.sent_at) && content.index <= max_number &&
             content.rejected <= max_number;
    case core_vote:
      return f(content.index, content.index_term, content.disrupt) &&
             is_position(content.index, content.index_term, content.term);
    case core_vote_result:
      return f(content.granted);
    case core_install: {
      std::string bytes;
      auto& snapshot = x.snapshot.emplace();
      return f(bytes) && decode_snapshot(bytes, snapshot) && snapshot.index <= max_number &&
             snapshot.term <= content.term && is_configuration(snapshot.configuration.members);
    }
    case core_elect_now:
    case core_quiet:
      return f(content.index, content.index_term, x.sent_at) &&
             is_position(content.index, content.index_term, content.term);
    case core_agreed_quiet:
      return f(x.sent_at);
  }
  return false;
}

} // namespace

bool is_configuration(const std::vector<log_member>& members) {
  return members.size() <= max_members &&
         std::any_of(members.begin(), members.end(), [](const auto& x) { return x.voter; });
}

std::string encode_message(const raft_envelope& x) {
  std::string bytes;
  size_t size = 64;
  for (const auto& entry : x.entries)
    size += entry.bytes.size() + 16;
  bytes.reserve(size);
  bytes.push_back(static_cast<char>(raft_message_version));
  encoder f{bytes};
  f.put_size(static_cast<uint64_t>(x.content.kind));
  f(x.from, x.to, x.content.term);
  put_content(f, x);
  return bytes;
}

bool decode_message(std::string_view bytes, raft_envelope& x) {
  x = {};
  if (bytes.empty() || bytes.size() > max_message_bytes || static_cast<uint8_t>(bytes[0]) != raft_message_version)
    return false;
  decoder f{bytes.substr(1)};
  auto kind = f.get_size();
  if (!f.ok() || kind < core_append || kind > core_agreed_quiet)
    return false;
  x.content.kind = static_cast<core_message_kind>(kind);
  if (!f(x.from, x.to, x.content.term) || x.from == 0 || x.to == 0 || x.from == x.to || x.content.term == 0 ||
      x.content.term > max_number || f.rest().empty())
    return false;
  x.content.peer = x.from;
  if (!get_content(f, x) || !f.rest().empty())
    return false;
  return !x.entries.empty() || encode_message(x) == bytes; // a decoder forgives a missing end
}

} // namespace overwatch
