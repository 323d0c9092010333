#pragma once

#include "messages/error_code.hpp"

#include <string_view>

namespace overwatch {

/// What is wrong with the name that a client gives to a gate, schedule or rule: it is part of a path of the API, so it
/// has 1 to `max_bytes` printable bytes and no `/`. The field is `/name`.
failure check_document_name(std::string_view name, size_t max_bytes);

} // namespace overwatch
