#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::http {

/// Cuts a batch into the texts of its entries without parsing them: the elements of a JSON array, or the
/// non-empty lines of NDJSON. Nothing when the array is not closed or is followed by something; `problem` says so.
/// At most `limit` + 1 entries are returned.
std::optional<std::vector<std::string_view>> split_batch(std::string_view body, bool lines, size_t limit,
                                                         std::string& problem);

} // namespace overwatch::http
