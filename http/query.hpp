#pragma once

#include "http/json_reader.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace overwatch::http {

/// Decodes %41 (and, in queries, `+` as a blank); nothing when it is damaged, holds a NUL or is not UTF-8.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank);

/// Encodes all but letters, digits and `-._~`.
std::string percent_encode(std::string_view text);

/// The parameters of a URL. Empty values count as absent.
class query {
public:
  static constexpr size_t max_parameters = 256;

  query() = default;

  /// Damaged parameters are reported.
  query(std::string_view raw, error_list& errors);

  /// Reports parameters that are not in `allowed`, a list separated by blanks. `context.*` allows a prefix.
  void check(std::string_view allowed, error_list& errors) const;

  /// The value of a parameter that is given once; the last one when it is repeated.
  const std::string* find(std::string_view name) const;

  /// The values of a parameter that may be repeated or hold a list separated by commas.
  std::vector<std::string> list(std::string_view name) const;

  /// All parameters whose names start with `prefix`, without it.
  std::vector<std::pair<std::string, std::string>> with_prefix(std::string_view prefix) const;

  /// The parameters as text again, with `name` set to `value`.
  std::string with(std::string_view name, std::string_view value) const;

  /// Reads a number; false and reported when it is none.
  bool read_integer(std::string_view name, int64_t min, int64_t max, int64_t& out, error_list& errors) const;
  bool read_time(std::string_view name, std::optional<timestamp>& out, error_list& errors) const;
  bool read_boolean(std::string_view name, bool& out, error_list& errors) const;

  /// Reads a list of names.
  template <class Enum, size_t N>
  void read_names(std::string_view name, const std::array<std::string_view, N>& names, std::vector<Enum>& out,
                  error_list& errors) const {
    place root{place::document::query};
    for (const auto& text : list(name)) {
      Enum value{};
      if (read_name({json::value(text), root.child(name), errors}, names, value))
        out.push_back(value);
    }
  }

private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

} // namespace overwatch::http
