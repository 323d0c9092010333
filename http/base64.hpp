#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace overwatch::http {

/// Of the text for so many bytes.
constexpr size_t base64_size(size_t bytes) { return (bytes + 2) / 3 * 4; }

/// RFC 4648 with padding: how bytes that are no text travel in JSON.
std::string to_base64(std::string_view bytes);

/// Nothing when `text` is not such.
std::optional<std::string> from_base64(std::string_view text);

} // namespace overwatch::http
