#include "actors/document_name.hpp"

#include <algorithm>

namespace overwatch {

failure check_document_name(std::string_view name, size_t max_bytes) {
  if (name.empty() || name.size() > max_bytes)
    return {ec::invalid, "/name",
            "has " + std::to_string(name.size()) + " bytes; 1 to " + std::to_string(max_bytes) + " are allowed"};
  auto unfit = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '/'; };
  if (std::any_of(name.begin(), name.end(), unfit))
    return {ec::invalid, "/name",
            "has a '/' or a character that cannot be printed; use letters, digits, '-', '_' and '.'"};
  return {};
}

} // namespace overwatch
