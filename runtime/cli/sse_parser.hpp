#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace overwatch::cli {

struct sse_event {
  std::string id;   ///< the newest one, also when this event had none
  std::string name; ///< `event:`, empty when there was none
  std::string data; ///< lines joined by `\n`
};

/// Reads a stream of server-sent events piece by piece, cut anywhere.
class sse_parser {
public:
  static constexpr size_t max_event_bytes = 4 * 1024 * 1024; ///< a longer one is dropped

  /// Calls `on_event` for each event that is complete; false when that returned false: read no further.
  bool feed(std::string_view piece, const std::function<bool(const sse_event&)>& on_event);

  /// The newest `id:`, also one that came without an event: where to continue.
  const std::string& last_id() const { return event_.id; }

private:
  void take_line(std::string_view line);

  std::string line_;
  sse_event event_;
  bool has_data_ = false;
  bool too_long_ = false;
  bool after_return_ = false; // the last character was \r: a \n now belongs to it
};

} // namespace overwatch::cli
