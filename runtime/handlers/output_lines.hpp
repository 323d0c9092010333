#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace overwatch {

/// A line of a stream without its end ("\n", "\r\n").
struct output_line {
  std::string_view text; ///< at most the splitter's limit; valid during the call
  uint64_t size = 0;     ///< in full
};

/// Cuts a stream of bytes into lines; keeps at most `limit` bytes of each and counts the rest.
class line_splitter {
public:
  explicit line_splitter(size_t limit) : limit_{limit} {}

  /// Calls `on_line(output_line)` for every line that ends in `bytes`.
  template <class OnLine>
  void feed(std::string_view bytes, OnLine on_line) {
    while (!bytes.empty()) {
      auto end = bytes.find('\n');
      if (end == std::string_view::npos) {
        keep(bytes);
        return;
      }
      if (size_ == 0 && end <= limit_) { // the common case copies nothing
        on_line(line_of(bytes.substr(0, end), end));
      } else {
        keep(bytes.substr(0, end));
        on_line(line_of(begun_, size_));
        begun_.clear();
        size_ = 0;
      }
      bytes.remove_prefix(end + 1);
    }
  }

  /// Calls `on_line` for a last line without an end.
  template <class OnLine>
  void finish(OnLine on_line) {
    if (size_ > 0)
      on_line(line_of(begun_, size_));
    begun_.clear();
    size_ = 0;
  }

private:
  static output_line line_of(std::string_view text, uint64_t size) {
    if (size == text.size() && !text.empty() && text.back() == '\r')
      return {text.substr(0, text.size() - 1), size - 1};
    return {text, size};
  }

  void keep(std::string_view part) {
    size_ += part.size();
    begun_.append(part.substr(0, limit_ - begun_.size()));
  }

  size_t limit_;
  std::string begun_;
  uint64_t size_ = 0; // of the begun line, with what was not kept
};

/// `text` with every byte that is no part of valid UTF-8 replaced by U+FFFD, cut to `limit` bytes between
/// characters (before the replacement).
std::string valid_utf8(std::string_view text, size_t limit);

/// The content of a line `::progress 40 text`; nothing for any other.
struct progress_line {
  double percent = 0;
  std::string_view message;
};
std::optional<progress_line> parse_progress_line(std::string_view line);

} // namespace overwatch
