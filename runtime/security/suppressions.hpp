#pragma once

#include "messages/time.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace overwatch::security {

/// Somebody decided that a finding does not count, for some time.
struct suppression {
  std::string reason;
  std::string by;
  std::optional<timestamp> until; ///< nothing: for ever
};

/// By the id of a finding, or by a pattern (`*`, `?`) for several.
using suppressions = std::map<std::string, suppression>;

/// The key of the key-value space that holds them all, as one JSON object: { id: {reason, by, until} }.
inline constexpr const char* suppressions_key = "security/suppressions";

/// Empty, or what is wrong with the text. Entries that are none are left out and named in the error.
std::string parse_suppressions(std::string_view json, suppressions& result);

/// The one that covers a finding now; nullptr: it counts. One that has expired covers nothing.
const suppressions::value_type* covering(const suppressions& all, const std::string& id, timestamp now);

} // namespace overwatch::security
