#pragma once

#include <caf/timespan.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace overwatch {

/// A place in a config file; both count from 1, columns in bytes.
struct config_position {
  unsigned line = 0;
  unsigned column = 0;
};

struct config_entry;

/// A value of a config file and where it starts.
struct config_value {
  struct list {
    std::vector<config_value> items;
  };
  struct map {
    std::vector<config_entry> entries; ///< in the order of the file; a key may occur twice
  };
  struct unusable {
    std::string reason; ///< readable by CAF's grammar, but no value of an option
  };

  config_position position;
  std::variant<std::string, int64_t, double, bool, caf::timespan, list, map, unusable> data;
};

/// `key = value` or `key { ... }`.
struct config_entry {
  std::string key;
  config_position position;
  config_value value;
};

/// What was read of a text in CAF's config syntax, up to its end or the first syntax error.
struct config_document {
  struct syntax_error {
    config_position position;
    std::string message;
  };

  config_value::map sections; ///< a section that was opened twice occurs twice
  std::vector<syntax_error> errors;
};

/// Limits of what is read: more is a syntax error.
struct config_limits {
  static constexpr size_t file_bytes = 1024 * 1024;
  static constexpr size_t depth = 16; ///< of lists and maps in each other
};

/// Reads a whole file's text with CAF's own parser.
config_document parse_document(std::string_view text);

/// Reads one value (`8080`, `30s`, `["a", "b"]`) with CAF's own parser; `unusable` when the text is not
/// exactly one.
config_value parse_value(std::string_view text);

} // namespace overwatch
