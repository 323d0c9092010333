#pragma once

#include "actors/replicated_log.hpp"
#include "runtime/replication/raft_core.h"

#include <string>
#include <string_view>
#include <vector>

namespace overwatch {

/// What one member sends to another.
struct raft_envelope {
  member_id from = 0;
  member_id to = 0;
  core_message content{};
  /// Of an append: when its leader sent it, by the leader's clock. Of an append_result: the newest such time that the
  /// sender got from this leader. A leader's lease counts from it. Of quiet and elect_now as of an append; agreed_quiet
  /// answers the quiet of that time.
  log_time sent_at{0};
  std::vector<log_append> entries;  ///< of an append; behind `content.index`
  std::optional<log_snapshot> snapshot; ///< of an install
};

inline constexpr size_t max_message_entries = 4096;

/// The first byte of every message. A node drops messages of versions and kinds that it does not know: so a group
/// sleeps only when all members are of a program that knows quiet.
inline constexpr uint8_t raft_message_version = 1;

std::string encode_message(const raft_envelope& x);

/// False when the bytes are damaged or contradict themselves. Never trusts them: what it accepts can be handed to the
/// library.
[[nodiscard]] bool decode_message(std::string_view bytes, raft_envelope& x);

/// True for members that can lead a log: known, different ids, and a voter among them.
bool is_configuration(const std::vector<log_member>& members);

} // namespace overwatch
