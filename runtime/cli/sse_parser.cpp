#include "runtime/cli/sse_parser.hpp"

namespace overwatch::cli {

void sse_parser::take_line(std::string_view line) {
  const auto colon = line.find(':');
  const auto field = line.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ')
    value.remove_prefix(1);
  if (field == "id") {
    event_.id = value;
  } else if (field == "event") {
    event_.name = value;
  } else if (field == "data") {
    if (event_.data.size() + value.size() > max_event_bytes) {
      too_long_ = true;
      return;
    }
    event_.data += (has_data_ ? "\n" : "") + std::string{value};
    has_data_ = true;
  }
}

bool sse_parser::feed(std::string_view piece, const std::function<bool(const sse_event&)>& on_event) {
  for (const char c : piece) {
    const bool second_half = c == '\n' && after_return_;
    after_return_ = c == '\r';
    if (second_half)
      continue;
    if (c != '\n' && c != '\r') {
      if (line_.size() < max_event_bytes)
        line_ += c;
      else
        too_long_ = true;
      continue;
    }
    if (!line_.empty()) {
      take_line(line_);
      line_.clear();
      continue;
    }
    const bool complete = has_data_ && !too_long_;
    const auto event = event_;
    event_.name.clear();
    event_.data.clear();
    has_data_ = too_long_ = false;
    if (complete && !on_event(event))
      return false;
  }
  return true;
}

} // namespace overwatch::cli
