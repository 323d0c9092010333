#pragma once

#include "messages/time.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::security {

struct certificate {
  std::string subject;
  timestamp not_after;
};

/// The certificates in PEM text, at most `max_certificates`; what is none is left out.
std::vector<certificate> parse_certificates(std::string_view pem);
inline constexpr size_t max_certificates = 1000;

} // namespace overwatch::security
